/// Adaptive windowing: the window is cut where its two parts have different means.
///
/// The window is an exponential histogram, so its memory grows with the logarithm of its width.
/// - Source: A. Bifet and R. Gavaldà, Learning from time-changing data with adaptive windowing (2007).
public struct ADWIN: Detector {
    /// Probability of a false cut.
    public let delta: Double
    /// A cut is sought at every so many values.
    public let clock: Int
    /// Buckets of one size before the two oldest are merged.
    public let bucketsMax: Int
    /// Values that each part must have.
    public let partMin: Int
    /// No cut is sought up to this width.
    public let gracePeriod: Int
    /// Whether the newer part is kept after a cut, as in the paper. Otherwise everything is forgotten.
    public let keepsWindow: Bool
    /// Values in the window.
    public private(set) var width = 0
    /// Their sum.
    public private(set) var total = 0.0
    /// The sum of their squared distances from the mean.
    public private(set) var squares = 0.0

    /// Sums and squares of the buckets: `bucketsMax + 1` places a row, row r holds buckets of 2^r values.
    private var sums: [Double] = []
    private var spreads: [Double] = []
    private var counts: [Int] = []
    private var ticks = 0
    private var isDone = false

    /// Begins with an empty window.
    /// - Precondition: The numbers are 1 or more, `delta` in 0..<1.
    public init(
        delta: Double = 0.002,
        clock: Int = 32,
        bucketsMax: Int = 5,
        partMin: Int = 5,
        gracePeriod: Int = 10,
        keepsWindow: Bool = false
    ) {
        precondition(clock > 0 && bucketsMax > 1 && partMin > 0 && delta > 0 && delta < 1, "no window")
        self.delta = delta
        self.clock = clock
        self.bucketsMax = bucketsMax
        self.partMin = partMin
        self.gracePeriod = gracePeriod
        self.keepsWindow = keepsWindow
    }

    /// The mean of the window; 0 when empty.
    public var mean: Double { width > 0 ? total / Double(width) : 0 }

    /// Looks at the next value.
    /// - Complexity: O(1) amortized, O(log width) at each tick of the clock.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone {
            isDone = false
            if !keepsWindow {
                (width, total, squares, ticks) = (0, 0, 0, 0)
                sums.removeAll(keepingCapacity: true)
                spreads.removeAll(keepingCapacity: true)
                counts.removeAll(keepingCapacity: true)
            }
        }
        insert(value)
        ticks += 1
        guard ticks == clock else { return .none }
        ticks = 0
        guard width > gracePeriod else { return .none }
        isDone = cut()
        return isDone ? .drift : .none
    }

    private mutating func insert(_ value: Double) {
        if counts.isEmpty { addRow() }
        append(row: 0, sum: value, spread: 0)
        width += 1
        if width > 1 {
            let before = Double(width - 1)
            let distance = value - total / before
            squares += before * distance * distance / Double(width)
        }
        total += value
        var row = 0
        while counts[row] > bucketsMax {
            if row + 1 == counts.count { addRow() }
            let place = row * (bucketsMax + 1)
            let size = Double(1 << row)
            let distance = sums[place] / size - sums[place + 1] / size
            let spread = spreads[place] + spreads[place + 1] + size * size * distance * distance / (size + size)
            append(row: row + 1, sum: sums[place] + sums[place + 1], spread: spread)
            remove(2, row: row)
            row += 1
        }
    }

    private mutating func addRow() {
        counts.append(0)
        sums.append(contentsOf: repeatElement(0, count: bucketsMax + 1))
        spreads.append(contentsOf: repeatElement(0, count: bucketsMax + 1))
    }

    private mutating func append(row: Int, sum: Double, spread: Double) {
        let place = row * (bucketsMax + 1) + counts[row]
        sums[place] = sum
        spreads[place] = spread
        counts[row] += 1
    }

    private mutating func remove(_ number: Int, row: Int) {
        let place = row * (bucketsMax + 1)
        counts[row] -= number
        for i in 0..<counts[row] {
            sums[place + i] = sums[place + i + number]
            spreads[place + i] = spreads[place + i + number]
        }
    }

    private mutating func cut() -> Bool {
        var found = false
        while hasCut() {
            found = true
            dropOldest()
        }
        return found
    }

    /// Whether the window has a place where its two parts differ by more than the bound.
    private func hasCut() -> Bool {
        let logarithm = Libm.log(2 * Libm.log(Double(width)) / delta)
        let variance = squares / Double(width)
        let spread = 2 * variance * logarithm
        let least = Double(partMin)
        var (n0, n1) = (0.0, Double(width))
        var (sum0, sum1) = (0.0, total)
        return sums.withUnsafeBufferPointer { sums in
            for row in stride(from: counts.count - 1, through: 0, by: -1) {
                let size = Double(1 << row)
                let place = row * (bucketsMax + 1)
                for sum in sums[place..<place + counts[row]] {
                    n0 += size
                    n1 -= size
                    sum0 += sum
                    sum1 -= sum
                    if n1 < least { return false }
                    guard n0 >= least else { continue }
                    let (m0, m1) = (n0 - least + 1, n1 - least + 1)
                    // What the bound's first part covers is no cut: nearly all places, without a root or a division.
                    let (distance, product) = (sum0 * n1 - sum1 * n0, n0 * n1)
                    if distance * distance * (m0 * m1) <= spread * (m0 + m1) * (product * product) { continue }
                    let m = 1 / m0 + 1 / m1
                    let bound = (m * spread).squareRoot() + 2.0 / 3 * logarithm * m
                    if abs(sum0 / n0 - sum1 / n1) > bound { return true }
                }
            }
            return false
        }
    }

    private mutating func dropOldest() {
        let row = counts.count - 1
        let place = row * (bucketsMax + 1)
        let size = Double(1 << row)
        width -= 1 << row
        total -= sums[place]
        let distance = sums[place] / size - total / Double(width)
        squares -= spreads[place] + size * Double(width) * distance * distance / (size + Double(width))
        remove(1, row: row)
        while let last = counts.last, last == 0 {
            counts.removeLast()
            sums.removeLast(bucketsMax + 1)
            spreads.removeLast(bucketsMax + 1)
        }
    }
}
