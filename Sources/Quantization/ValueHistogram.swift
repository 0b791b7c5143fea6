/// How often values of each size were seen.
///
/// Bins have one width, the least power of two at which 8192 of them around 0 hold every value seen; when a larger value
/// comes, neighbours merge. What is counted depends only on the values, neither on their order nor on which histogram saw
/// which of them, so that parts may be counted apart and merged. Zeros, which every encoding holds exactly, count apart.
public struct ValueHistogram: Sendable, Hashable {
    /// Bins on each side of 0.
    private static let half = 1 << 12

    /// The exact range of the values, and how many were not finite.
    public private(set) var extent = MinMaxObserver()
    private var zeros = 0
    /// Bin `i` counts values of `[i, i + 1) * 2^exponent` at index `i + half`; empty before the first value but 0.
    private var counts: [Int] = []
    private var exponent = 0

    /// A histogram of nothing.
    public init() {}

    /// Adds values; what is not finite is counted and left out.
    public mutating func observe(_ values: [Float]) {
        extent.observe(values)
        widen()
        guard !counts.isEmpty else {
            zeros = extent.count
            return
        }
        // A power of two: the product is exact.
        let perWidth = Double(sign: .plus, exponent: -exponent, significand: 1)
        for value in values where value.isFinite {
            guard value != 0 else {
                zeros += 1
                continue
            }
            let place = Double(value) * perWidth
            var bin = Int(place)
            if Double(bin) > place { bin -= 1 }
            counts[bin + ValueHistogram.half] += 1
        }
    }

    /// Adds what another histogram saw.
    public mutating func merge(_ other: ValueHistogram) {
        extent.merge(other.extent)
        zeros += other.zeros
        guard !other.counts.isEmpty else { return }
        var other = other
        let common = max(counts.isEmpty ? other.exponent : exponent, other.exponent)
        widen(to: common)
        other.widen(to: common)
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// Makes bins wide enough for the extent.
    private mutating func widen() {
        let greatest = max((extent.min ?? 0).magnitude, (extent.max ?? 0).magnitude)
        guard greatest > 0 else { return }
        // greatest < 2^(its exponent + 1) = 4096 * 2^(its exponent - 11)
        widen(to: Int(greatest.exponent) - 11)
    }

    private mutating func widen(to wanted: Int) {
        guard !counts.isEmpty else {
            counts = [Int](repeating: 0, count: 2 * ValueHistogram.half)
            exponent = wanted
            return
        }
        let shift = wanted - exponent
        guard shift > 0 else { return }
        var merged = [Int](repeating: 0, count: counts.count)
        for (index, count) in counts.enumerated() where count > 0 {
            merged[((index - ValueHistogram.half) >> shift) + ValueHistogram.half] += count
        }
        counts = merged
        exponent = wanted
    }

    /// Values that count as one.
    struct Cell {
        /// The real numbers that it may hold, within the extent.
        var low: Double
        var high: Double
        var count: Double

        var middle: Double { (low + high) / 2 }
    }

    /// What was seen in ascending order, without empty bins.
    func cells(withZeros: Bool) -> [Cell] {
        guard let min = extent.min, let max = extent.max else { return [] }
        var cells: [Cell] = []
        let width = Double(sign: .plus, exponent: exponent, significand: 1)
        func addZeros() {
            if withZeros, zeros > 0 { cells.append(Cell(low: 0, high: 0, count: Double(zeros))) }
        }
        for (index, count) in counts.enumerated() {
            if index == ValueHistogram.half { addZeros() }
            guard count > 0 else { continue }
            let low = Double(index - ValueHistogram.half) * width
            cells.append(
                Cell(low: Swift.max(low, Double(min)), high: Swift.min(low + width, Double(max)), count: Double(count))
            )
        }
        if counts.isEmpty { addZeros() }
        return cells
    }
}
