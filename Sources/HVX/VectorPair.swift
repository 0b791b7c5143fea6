/// Two registers: `low` is the even register, `high` the odd one.
public struct VectorPair: Sendable, Hashable {
    /// The even register.
    public var low: Vector
    /// The odd register.
    public var high: Vector

    /// Makes a value of its parts.
    public init(low: Vector, high: Vector) {
        self.low = low
        self.high = high
    }
}
