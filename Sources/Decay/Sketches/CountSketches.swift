/// A hash of bytes, the same on every machine and in every run.
///
/// - Source: A. Appleby's MurmurHash3 for x64, 128 bits (public domain), of which the first half is used.
public enum StableHash {
    /// Hashes text by its UTF-8.
    public static func hash(_ text: String, seed: UInt64 = 9001) -> UInt64 {
        var text = text
        return text.withUTF8 { hash(bytes: $0, seed: seed).low }
    }

    /// Hashes a number by its bits; -0 and 0 are the same, and so are all NaN.
    public static func hash(_ value: Double, seed: UInt64 = 9001) -> UInt64 {
        let bits = value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern
        return mixed(bits &+ seed &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Hashes a row of numbers, whose order matters.
    public static func hash(row: some Sequence<Float>) -> UInt64 {
        row.reduce(0) { mixed($0 &* 31 &+ hash(Double($1))) }
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z ^= z >> 33
        z &*= 0xFF51_AFD7_ED55_8CCD
        z ^= z >> 33
        z &*= 0xC4CE_B9FE_1A85_EC53
        return z ^ (z >> 33)
    }

    private static func hash(bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> (low: UInt64, high: UInt64) {
        func word(_ offset: Int, _ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for i in 0..<count { value |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
            return value
        }
        func rotated(_ x: UInt64, _ bits: UInt64) -> UInt64 { x << bits | x >> (64 - bits) }
        let (c1, c2): (UInt64, UInt64) = (0x87C3_7B91_1142_53D5, 0x4CF5_AD43_2745_937F)
        var (h1, h2) = (seed, seed)
        var offset = 0
        while offset + 16 <= bytes.count {
            h1 ^= rotated(word(offset, 8) &* c1, 31) &* c2
            h1 = (rotated(h1, 27) &+ h2) &* 5 &+ 0x52DC_E729
            h2 ^= rotated(word(offset + 8, 8) &* c2, 33) &* c1
            h2 = (rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5AB5
            offset += 16
        }
        let rest = bytes.count - offset
        if rest > 8 { h2 ^= rotated(word(offset + 8, rest - 8) &* c2, 33) &* c1 }
        if rest > 0 { h1 ^= rotated(word(offset, min(8, rest)) &* c1, 31) &* c2 }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 &+= h2
        h2 &+= h1
        h1 = mixed(h1)
        h2 = mixed(h2)
        h1 &+= h2
        h2 &+= h1
        return (h1, h2)
    }
}

/// How many different values there were, from a few kilobytes: HyperLogLog. Parts merge bit for bit.
///
/// - Source: P. Flajolet et al. (2007); the estimator without tables is O. Ertl's (2017).
public struct DistinctSketch: Codable, Sendable, Hashable {
    /// What ``DistinctSketch/precision`` may be.
    public static let precisions = 4...18

    /// Registers as a power of two.
    public let precision: Int

    private var registers: [UInt8]

    /// Begins without values.
    /// - Precondition: `precision` is in ``precisions``.
    public init(precision: Int = 12) {
        precondition(Self.precisions.contains(precision), "precision is out of range")
        self.precision = precision
        registers = Array(repeating: 0, count: 1 << precision)
    }

    /// Adds text.
    public mutating func add(_ text: String) { add(hash: StableHash.hash(text)) }

    /// Adds a number.
    public mutating func add(_ value: Double) { add(hash: StableHash.hash(value)) }

    /// Adds many numbers.
    public mutating func add(contentsOf values: [Double]) {
        let precision = precision
        registers.withUnsafeMutableBufferPointer { registers in
            for value in values {
                let (place, rank) = Self.register(StableHash.hash(value), precision)
                registers[place] = max(registers[place], rank)
            }
        }
    }

    /// Adds a value by its hash.
    public mutating func add(hash: UInt64) {
        let (place, rank) = Self.register(hash, precision)
        if rank > registers[place] { registers[place] = rank }
    }

    /// The register of a hash, and by what it is raised at least.
    @inline(__always)
    private static func register(_ hash: UInt64, _ precision: Int) -> (place: Int, rank: UInt8) {
        let rest = hash &<< UInt64(precision) | 1 &<< UInt64(precision - 1)
        return (Int(hash &>> UInt64(64 - precision)), UInt8(truncatingIfNeeded: rest.leadingZeroBitCount + 1))
    }

    /// Adds all values of another part of the stream.
    /// - Precondition: Both have the same precision.
    public mutating func merge(_ other: DistinctSketch) {
        precondition(precision == other.precision, "the sketches differ in precision")
        for i in registers.indices { registers[i] = max(registers[i], other.registers[i]) }
    }

    /// The standard error of the estimate as a share.
    public var standardError: Double { 1.04 / Double(registers.count).squareRoot() }

    /// How many different values there were.
    public var estimate: Double {
        let m = Double(registers.count)
        let highest = 64 - precision + 1
        var counts = [Double](repeating: 0, count: highest + 1)
        for register in registers { counts[Int(register)] += 1 }
        var z = m * Self.tau(1 - counts[highest] / m)
        for k in stride(from: highest - 1, through: 1, by: -1) { z = 0.5 * (z + counts[k]) }
        z += m * Self.sigma(counts[0] / m)
        return m * m / (2 * Libm.log(2) * z)
    }

    private static func sigma(_ x: Double) -> Double {
        guard x < 1 else { return .infinity }
        var (x, y, z) = (x, 1.0, x)
        while true {
            x *= x
            let before = z
            z += x * y
            y += y
            if z == before { return z }
        }
    }

    private static func tau(_ x: Double) -> Double {
        guard x > 0, x < 1 else { return 0 }
        var (x, y, z) = (x, 1.0, 1 - x)
        while true {
            x = x.squareRoot()
            let before = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
            if z == before { return z / 3 }
        }
    }
}

/// How often each value came, never too few: count-min. Parts merge bit for bit.
///
/// - Source: G. Cormode and S. Muthukrishnan, An improved data stream summary (2005).
public struct FrequencySketch: Codable, Sendable, Hashable {
    /// Rows: a count is too high by more than ``error`` with a probability of e^-rows.
    public let rows: Int
    /// Counters in a row.
    public let width: Int
    /// All counts together.
    public private(set) var total = 0

    private var counters: [Int]

    /// Begins without values.
    /// - Precondition: Both are 1 or more.
    public init(rows: Int = 5, width: Int = 2000) {
        precondition(rows > 0 && width > 0, "no counters")
        self.rows = rows
        self.width = width
        counters = Array(repeating: 0, count: rows * width)
    }

    /// What a count may be too high by: `e / width` of the total.
    public var error: Double { 2.718_281_828_459_045 / Double(width) * Double(total) }

    /// Counts text.
    public mutating func add(_ text: String, count: Int = 1) { add(hash: StableHash.hash(text), count: count) }

    /// Counts a value by its hash.
    public mutating func add(hash: UInt64, count: Int = 1) {
        for row in 0..<rows { counters[place(hash, row)] += count }
        total += count
    }

    /// How often text came; never less than the truth.
    public func count(of text: String) -> Int {
        let hash = StableHash.hash(text)
        return (0..<rows).reduce(Int.max) { min($0, counters[place(hash, $1)]) }
    }

    /// Adds all values of another part of the stream.
    /// - Precondition: Both have the same shape.
    public mutating func merge(_ other: FrequencySketch) {
        precondition(rows == other.rows && width == other.width, "the sketches differ in shape")
        for i in counters.indices { counters[i] += other.counters[i] }
        total += other.total
    }

    private func place(_ hash: UInt64, _ row: Int) -> Int {
        let mixed = StableHash.mixed(hash &+ UInt64(row) &* 0x9E37_79B9_7F4A_7C15)
        return row * width + Int(mixed.multipliedFullWidth(by: UInt64(width)).high)
    }
}

/// The most frequent values with bounds on their counts.
///
/// - Source: J. Misra and D. Gries (1982), decremented by the median as in D. Anderson et al. (2017).
public struct HeavyHitters: Codable, Sendable, Hashable {
    /// Values that are kept at most.
    public let capacity: Int
    /// All counts together.
    public private(set) var total = 0
    /// What the count of any value may be too low by.
    public private(set) var error = 0

    private var counters: [String: Int] = [:]

    /// A value and between which numbers its count lies.
    public struct Item: Codable, Sendable, Hashable {
        /// The value.
        public var value: String
        /// The best guess of its count.
        public var estimate: Int
        /// It came at least so often.
        public var lower: Int
        /// It came at most so often.
        public var upper: Int
    }

    /// Begins without values.
    /// - Precondition: `capacity` is 2 or more.
    public init(capacity: Int = 96) {
        precondition(capacity >= 2, "no counters")
        self.capacity = capacity
    }

    /// Whether no value was ever dropped, so that all counts are exact.
    public var isExact: Bool { error == 0 }

    /// Counts a value.
    public mutating func add(_ value: String, count: Int = 1) {
        total += count
        counters[value, default: 0] += count
        if counters.count > capacity { reduce() }
    }

    /// Adds all values of another part of the stream.
    public mutating func merge(_ other: HeavyHitters) {
        total += other.total
        error += other.error
        for (value, count) in other.counters { counters[value, default: 0] += count }
        while counters.count > capacity { reduce() }
    }

    /// The values that are kept, the most frequent first.
    public var items: [Item] {
        counters.map { Item(value: $0, estimate: $1 + error, lower: $1, upper: $1 + error) }
            .sorted { ($1.estimate, $0.value) < ($0.estimate, $1.value) }
    }

    private mutating func reduce() {
        let sorted = counters.values.sorted()
        let median = sorted[sorted.count / 2]
        error += median
        counters = counters.compactMapValues { $0 > median ? $0 - median : nil }
    }
}
