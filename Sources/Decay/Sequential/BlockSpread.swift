/// How much more the means of blocks differ from one to the next than independent values would make them.
///
/// It sees what the dependence of neighbours does not: seasons and slow waves. One lasting change adds one difference
/// and hides nothing.
struct BlockSpread: Codable, Sendable, Hashable {
    static let length = 256

    private var sum = 0.0
    private var filled = 0
    private var before = 0.0
    private var blocks = 0
    private var squares = 0.0

    mutating func add(_ value: Double) {
        sum += value
        filled += 1
        guard filled == Self.length else { return }
        let mean = sum / Double(Self.length)
        if blocks > 0 { squares += (mean - before) * (mean - before) }
        before = mean
        blocks += 1
        (sum, filled) = (0, 0)
    }

    /// 1 for independent values, and less than the estimate by its own doubt.
    func inflation(variance: Double) -> Double {
        guard blocks > 4, variance > 0 else { return 1 }
        let pairs = Double(blocks - 1)
        let estimate = squares / (2 * pairs) * Double(Self.length) / variance
        return max(1, estimate / (1 + (3 / pairs).squareRoot()))
    }
}
