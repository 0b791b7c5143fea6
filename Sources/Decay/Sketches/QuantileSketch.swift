/// All quantiles of a stream from a few hundred of its values, with a bound on the error of their ranks.
///
/// This is the KLL sketch in the shape of Apache DataSketches, whose bytes it reads and writes. Parts of a stream
/// merge; the merged sketch keeps the bound.
/// - Source: Z. Karnin, K. Lang and E. Liberty, Optimal quantile approximation in streams (2016).
public struct QuantileSketch: Codable, Sendable, Hashable {
    /// What ``QuantileSketch/k`` may be.
    public static let sizes = 8...65_535
    /// Values that the smallest levels hold.
    private static let levelMin = 8

    /// The size of the largest level: 200 gives ranks to 1.33 %, 1024 to 0.27 %.
    public let k: Int
    /// Values so far.
    public private(set) var count = 0
    /// The smallest value; nil before the first.
    public private(set) var minimum: Double?
    /// The largest value; nil before the first.
    public private(set) var maximum: Double?

    /// `levels[0]` is as it came; those above are ascending. A value of level h stands for 2^h.
    private var levels: [[Double]] = [[]]
    private var smallestK: Int
    private var free: Int
    private var generator: CounterGenerator

    /// Begins without values.
    ///
    /// - Parameter seed: Of the coin that decides which half of a full level stays; part of the state.
    /// - Precondition: `k` is in ``sizes``.
    public init(k: Int = 200, seed: UInt64 = 0) {
        precondition(Self.sizes.contains(k), "k is out of range")
        self.k = k
        smallestK = k
        free = max(k, Self.levelMin)
        generator = CounterGenerator(seed: seed)
    }

    /// The rank of every value is right to this share of the count with a probability of 99 %.
    ///
    /// - Source: the measured constants of Apache DataSketches.
    public var rankError: Double { Self.rankError(k: smallestK) }

    static func rankError(k: Int) -> Double { 2.296 / Libm.pow(Double(k), 0.9723) }

    /// Values that are kept.
    public var retained: Int { levels.reduce(0) { $0 + $1.count } }

    /// Adds a value; NaN is not one and is left out.
    /// - Complexity: O(1) amortized.
    public mutating func add(_ value: Double) {
        guard !value.isNaN else { return }
        if free == 0 { compress() }
        levels[0].append(value)
        free -= 1
        count += 1
        if let low = minimum, let high = maximum {
            if value < low { minimum = value }
            if value > high { maximum = value }
        } else {
            (minimum, maximum) = (value, value)
        }
    }

    /// Adds many values; the same as one by one, and faster.
    public mutating func add(contentsOf values: some Sequence<Double>) {
        let added: Void? = values.withContiguousStorageIfAvailable { values in
            var start = 0
            while start < values.count {
                // As one by one, only a value makes room.
                guard !values[start].isNaN else {
                    start += 1
                    continue
                }
                if free == 0 { compress() }
                let end = min(values.count, start + free)
                add(UnsafeBufferPointer(rebasing: values[start..<end]))
                start = end
            }
        }
        if added == nil { for value in values { add(value) } }
    }

    /// Adds values for which there is room.
    private mutating func add(_ values: UnsafeBufferPointer<Double>) {
        var (low, high) = (minimum ?? .infinity, maximum ?? -.infinity)
        var hasAll = true
        for value in values {
            low = value < low ? value : low
            high = value > high ? value : high
            hasAll = hasAll && value == value
        }
        guard hasAll else {
            for value in values { add(value) }
            return
        }
        levels[0].append(contentsOf: values)
        free -= values.count
        count += values.count
        (minimum, maximum) = (low, high)
    }

    /// Gives back memory that only further values would need.
    public mutating func trim() {
        for height in levels.indices {
            var exact: [Double] = []
            exact.reserveCapacity(levels[height].count)
            exact.append(contentsOf: levels[height])
            levels[height] = exact
        }
    }

    /// Adds all values of another part of the stream. The smaller `k` of the two bounds the error from then on.
    public mutating func merge(_ other: QuantileSketch) {
        guard other.count > 0 else { return }
        for (height, level) in other.levels.enumerated() {
            while levels.count <= height { levels.append([]) }
            if height == 0 {
                levels[0].append(contentsOf: level)
            } else {
                Self.merge(level[...], into: &levels[height])
            }
        }
        if other.levels.count > 1 { smallestK = min(smallestK, other.smallestK) }
        count += other.count
        minimum = min(minimum ?? .infinity, other.minimum ?? .infinity)
        maximum = max(maximum ?? -.infinity, other.maximum ?? -.infinity)
        free = capacity(levels.count) - retained
        while free < 0 { compress() }
    }

    /// The share of values that are at most `value`; NaN before the first.
    public func rank(_ value: Double) -> Double {
        guard count > 0 else { return .nan }
        var sum = 0
        for (height, level) in levels.enumerated() {
            if height == 0 {
                for item in level where item <= value { sum += 1 }
            } else {
                sum += upperBound(level, value) << height
            }
        }
        return Double(sum) / Double(count)
    }

    /// The smallest kept value whose rank is at least `p`; nil before the first.
    public func quantile(_ p: Double) -> Double? { quantiles([p]).first }

    /// Many quantiles at once.
    public func quantiles(_ probabilities: [Double]) -> [Double] {
        guard count > 0, let minimum, let maximum else { return [] }
        let view = weighted()
        return probabilities.map { p in
            if p <= 0 { return minimum }
            if p >= 1 { return maximum }
            let need = Int((p * Double(count)).rounded(.up))
            var (low, high) = (0, view.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if view[middle].sum < need { low = middle + 1 } else { high = middle }
            }
            return view[low].value
        }
    }

    /// The kept values, ascending, with the weight of all up to each.
    func weighted() -> [(value: Double, sum: Int)] {
        var items: [(value: Double, sum: Int)] = []
        items.reserveCapacity(retained)
        for (height, level) in levels.enumerated() {
            for value in level { items.append((value, 1 << height)) }
        }
        items.sort { $0.value < $1.value }
        var sum = 0
        for i in items.indices {
            sum += items[i].sum
            items[i].sum = sum
        }
        return items
    }

    /// The largest distance of two distribution functions as the sketches see it.
    public static func distance(_ a: QuantileSketch, _ b: QuantileSketch) -> Double {
        let (x, y) = (a.weighted(), b.weighted())
        guard !x.isEmpty, !y.isEmpty else { return 0 }
        var (i, j) = (0, 0)
        var largest = 0.0
        while i < x.count, j < y.count {
            let value = min(x[i].value, y[j].value)
            while i < x.count, x[i].value == value { i += 1 }
            while j < y.count, y[j].value == value { j += 1 }
            let f = i == 0 ? 0 : Double(x[i - 1].sum) / Double(a.count)
            let g = j == 0 ? 0 : Double(y[j - 1].sum) / Double(b.count)
            largest = max(largest, abs(f - g))
        }
        return largest
    }

    /// The Kolmogorov-Smirnov test of two streams of which only sketches are there.
    ///
    /// The distance is lessened by what the sketches may be wrong about, so that two sketches of one stream do not
    /// look different however long it is.
    public static func test(_ a: QuantileSketch, _ b: QuantileSketch) -> TestResult {
        guard a.count > 0, b.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let seen = distance(a, b)
        // Their errors are independent, so they add like the sides of a right angle.
        let errors = [a, b].map { $0.levels.count > 1 ? $0.rankError : 0 }
        let doubt = (errors[0] * errors[0] + errors[1] * errors[1]).squareRoot()
        let sure = max(0, seen - doubt)
        let p = sure == 0 ? 1 : KolmogorovSmirnov.asymptoticTail(sure, a.count, b.count)
        return TestResult(statistic: seen, pValue: p)
    }

    /// Merges ascending values into ascending ones, from the largest on.
    private static func merge(_ values: ArraySlice<Double>, into all: inout [Double]) {
        let before = all.count
        all.append(contentsOf: values)
        values.withUnsafeBufferPointer { values in
            all.withUnsafeMutableBufferPointer { all in
                var (i, j) = (before - 1, values.count - 1)
                while i >= 0, j >= 0 {
                    let isOwn = all[i] > values[j]
                    all[i + j + 1] = isOwn ? all[i] : values[j]
                    i -= isOwn ? 1 : 0
                    j -= isOwn ? 0 : 1
                }
                while j >= 0 {
                    all[j] = values[j]
                    j -= 1
                }
            }
        }
    }

    private func levelCapacity(_ height: Int, _ levels: Int) -> Int {
        max(Self.levelMin, Int((Double(k) * Self.shrinking[levels - height - 1]).rounded()))
    }

    /// The size of a level as a share of the largest, by how far it is below that. More values than 2^63 there are not.
    private static let shrinking = (0..<64).map { Libm.pow(2.0 / 3, Double($0)) }

    private func capacity(_ levels: Int) -> Int { (0..<levels).reduce(0) { $0 + levelCapacity($1, levels) } }

    /// Halves the lowest full level into the one above.
    private mutating func compress() {
        var height = 0
        while height + 1 < levels.count, levels[height].count < levelCapacity(height, levels.count) { height += 1 }
        if height + 1 == levels.count {
            levels.append([])
            free = capacity(levels.count) - retained
        }
        var (level, above): ([Double], [Double]) = ([], [])
        swap(&level, &levels[height])
        swap(&above, &levels[height + 1])
        // The first of an odd number stays.
        let rest = level.count % 2
        if height == 0 { sortFew(&level, from: rest) }
        let offset = rest + Int(generator.next() >> 63)
        let half = level.count / 2
        for place in 0..<half { level[rest + place] = level[offset + 2 * place] }
        Self.merge(level[rest..<(rest + half)], into: &above)
        level.removeLast(level.count - rest)
        swap(&above, &levels[height + 1])
        swap(&level, &levels[height])
        free += half
    }
}

extension QuantileSketch {
    /// The bytes of Apache DataSketches' `kll_doubles_sketch`, little-endian.
    public func serialized() -> [UInt8] {
        var bytes: [UInt8] = [count == 0 ? 2 : 5, 1, 15, count == 0 ? 1 : 0]
        bytes += littleEndian(UInt16(k)) + [UInt8(Self.levelMin), 0]
        guard count > 0, let minimum, let maximum else { return bytes }
        bytes += littleEndian(UInt64(count)) + littleEndian(UInt16(smallestK)) + [UInt8(levels.count), 0]
        var start = UInt32(max(0, capacity(levels.count) - retained))
        for level in levels {
            bytes += littleEndian(start)
            start += UInt32(level.count)
        }
        for value in [minimum, maximum] + levels.flatMap({ $0 }) { bytes += littleEndian(value.bitPattern) }
        return bytes
    }

    /// Why bytes are not a sketch.
    public struct FormatError: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// Reads the bytes of Apache DataSketches' `kll_doubles_sketch`.
    /// - Throws: ``FormatError`` when they are cut, of another sketch or contradict themselves.
    public init(serialized bytes: [UInt8], seed: UInt64 = 0) throws(FormatError) {
        func number(_ offset: Int, _ size: Int) throws(FormatError) -> UInt64 {
            guard offset >= 0, offset + size <= bytes.count else { throw FormatError(description: "the bytes are cut") }
            return (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        let k = Int(try number(4, 2))
        guard try number(2, 1) == 15, Self.sizes.contains(k), try number(6, 1) == UInt64(Self.levelMin) else {
            throw FormatError(description: "the bytes are no KLL sketch")
        }
        self.init(k: k, seed: seed)
        let flags = try number(3, 1)
        if flags & 1 != 0 { return }
        if flags & 4 != 0 {
            add(Double(bitPattern: try number(8, 8)))
            return
        }
        count = Int(try number(8, 8) & UInt64(Int64.max))
        smallestK = Int(try number(16, 2))
        let levelCount = Int(try number(18, 1))
        guard (1...61).contains(levelCount), Self.sizes.contains(smallestK) else {
            throw FormatError(description: "the bytes have \(levelCount) levels")
        }
        var starts: [Int] = []
        for level in 0..<levelCount { starts.append(Int(try number(20 + 4 * level, 4))) }
        starts.append(capacity(levelCount))
        guard zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw FormatError(description: "the levels overlap")
        }
        let items = 20 + 4 * levelCount
        minimum = Double(bitPattern: try number(items, 8))
        maximum = Double(bitPattern: try number(items + 8, 8))
        levels = []
        var offset = items + 16
        var weight = 0
        for level in 0..<levelCount {
            var values: [Double] = []
            for _ in starts[level]..<starts[level + 1] {
                values.append(Double(bitPattern: try number(offset, 8)))
                offset += 8
            }
            let (product, overflow) = values.count.multipliedReportingOverflow(by: 1 << level)
            weight += product
            guard !overflow, level == 0 || zip(values, values.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw FormatError(description: "level \(level) is not ascending")
            }
            levels.append(values)
        }
        guard weight == count else { throw FormatError(description: "\(weight) values are there of \(count)") }
        free = capacity(levelCount) - retained
    }

    private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
