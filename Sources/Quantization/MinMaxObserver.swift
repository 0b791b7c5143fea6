/// The range of the values it has seen; what is not finite is counted and left out.
public struct MinMaxObserver: Sendable, Hashable {
    /// The smallest finite value, or nil when there was none.
    public private(set) var min: Float?
    /// The largest finite value, or nil when there was none.
    public private(set) var max: Float?
    /// The number of finite values.
    public private(set) var count = 0
    /// The number of values that were NaN or infinite.
    public private(set) var nonFiniteCount = 0

    /// Makes a value of its parts.
    public init() {}

    /// Adds values.
    public mutating func observe(_ values: some Sequence<Float>) {
        for value in values {
            guard value.isFinite else {
                nonFiniteCount += 1
                continue
            }
            count += 1
            min = Swift.min(min ?? value, value)
            max = Swift.max(max ?? value, value)
        }
    }

    /// The encoding that covers everything seen.
    ///
    /// - Throws: ``QuantizationError/noValues`` when nothing finite was seen.
    public func encoding() throws(QuantizationError) -> Encoding {
        guard let min, let max else { throw .noValues }
        return try Encoding(min: min, max: max)
    }
}
