/// How much more the means of blocks differ from one to the next than independent values would make them.
///
/// It sees what the dependence of neighbours does not: seasons and slow waves, in blocks of two lengths. One lasting
/// change makes one large difference, so the largest does not count and a change does not hide itself. As long as there
/// are few blocks, a season is assumed: in its first period nothing tells it from a change.
struct BlockSpread: Codable, Sendable, Hashable {
    /// The length of the shorter blocks; the others are twice as long.
    static let length = 256
    /// The inflation that is assumed before there are blocks.
    static let prior = 6.0
    /// As many differences of blocks the assumption is worth.
    static let priorPairs = 2.0
    /// How much of what longer blocks show beyond the shorter ones counts: all of it would make real streams, which
    /// wander for weeks, blind to a change; none of it lets a season pass for one. Calibrated by simulation.
    static let longShare = 0.3

    private struct Level: Codable, Sendable, Hashable {
        /// The sum of the block before.
        var before: Float = 0
        /// The largest squared difference of two neighbours, and the sum of all.
        var largest: Float = 0
        var squares = 0.0

        mutating func add(_ sum: Float, isFirst: Bool) {
            if !isFirst {
                let square = (sum - before) * (sum - before)
                squares += Double(square)
                largest = max(largest, square)
            }
            before = sum
        }

        /// `squares` are of sums over `length` values; the variance is that of one value.
        func inflation(blocks: Int, length: Int, variance: Double) -> Double {
            let pairs = Double(max(0, blocks - 2))
            let seen = (squares - Double(largest)) / (2 * Double(length) * variance)
            let known = pairs + BlockSpread.priorPairs
            return max(1, (seen + BlockSpread.priorPairs * BlockSpread.prior) / known / (1 + (2 / known).squareRoot()))
        }
    }

    private var short = Level()
    private var long = Level()
    /// Of the block that is not full yet, and of the full one before it.
    private var sum: Float = 0
    private var half: Float = 0

    /// Adds the value that is number `count` of all.
    @inline(__always)
    mutating func add(_ value: Float, count: Int) {
        sum += value
        if count % Self.length == 0 { close(count / Self.length) }
    }

    private mutating func close(_ blocks: Int) {
        short.add(sum, isFirst: blocks == 1)
        if blocks % 2 == 0 { long.add(half + sum, isFirst: blocks == 2) }
        half = sum
        sum = 0
    }

    /// The inflations of the variance of means over windows of half a short block and over longer ones, after `count`
    /// values: 1 for independent values, and less than the estimates by their own doubt.
    func inflations(count: Int, variance: Double) -> (short: Double, long: Double) {
        guard variance > 0 else { return (1, 1) }
        let blocks = count / Self.length
        let first = short.inflation(blocks: blocks, length: Self.length, variance: variance)
        let second = long.inflation(blocks: blocks / 2, length: 2 * Self.length, variance: variance)
        return (first, first + Self.longShare * max(0, second - first))
    }

    /// The inflation for a window of a length. What moves slowly moves little within a short window: up to half a
    /// short block its share grows with the length.
    @inline(__always)
    static func inflation(_ inflations: (short: Double, long: Double), over length: Int) -> Double {
        length > Self.length / 2
            ? inflations.long : 1 + (inflations.short - 1) * Double(length) / Double(Self.length / 2)
    }
}

/// The logarithm, straight between powers of two: at most 0.06 too low. Quick, and the same on every machine.
@inline(__always)
func roughLog(_ x: Double) -> Double {
    // The bits of a positive number count in steps of its last place, 2^52 to a doubling.
    (Double(Int64(bitPattern: x.bitPattern)) * 0x1p-52 - 1023) * 0.693147
}
