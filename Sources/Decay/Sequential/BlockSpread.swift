/// How much more the means of blocks differ from one to the next than independent values would make them.
///
/// It sees what the dependence of neighbours does not: seasons and slow waves, in blocks of two lengths. One lasting
/// change adds one difference and hides nothing.
struct BlockSpread: Codable, Sendable, Hashable {
    /// The length of the shorter blocks; the others are twice as long.
    static let length = 256

    private struct Level: Codable, Sendable, Hashable {
        var sum = 0.0
        var filled = 0
        var before = 0.0
        var blocks = 0
        var squares = 0.0

        /// Adds `count` values that sum to `part`; gives the sum of a block that is full.
        mutating func add(_ part: Double, _ count: Int, length: Int) -> Double? {
            sum += part
            filled += count
            guard filled == length else { return nil }
            let full = sum
            let mean = full / Double(length)
            if blocks > 0 { squares += (mean - before) * (mean - before) }
            before = mean
            blocks += 1
            (sum, filled) = (0, 0)
            return full
        }

        func inflation(variance: Double, length: Int) -> Double {
            guard blocks > 4 else { return 1 }
            let pairs = Double(blocks - 1)
            let estimate = squares / (2 * pairs) * Double(length) / variance
            return max(1, estimate / (1 + (3 / pairs).squareRoot()))
        }
    }

    private var short = Level()
    private var long = Level()

    @inline(__always)
    mutating func add(_ value: Double) {
        guard let first = short.add(value, 1, length: Self.length) else { return }
        _ = long.add(first, Self.length, length: 2 * Self.length)
    }

    /// The inflations of the variance of means over windows up to a short block and over longer ones: 1 for
    /// independent values, and less than the estimates by their own doubt.
    func inflations(variance: Double) -> (short: Double, long: Double) {
        guard variance > 0 else { return (1, 1) }
        let first = short.inflation(variance: variance, length: Self.length)
        return (first, max(first, long.inflation(variance: variance, length: 2 * Self.length)))
    }

    /// The inflation for a window of a length: none under half a short block.
    @inline(__always)
    static func inflation(_ inflations: (short: Double, long: Double), over length: Int) -> Double {
        length < Self.length / 2 ? 1 : length <= Self.length ? inflations.short : inflations.long
    }
}
