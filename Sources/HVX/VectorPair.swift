/// Two registers: `low` is the even register, `high` the odd one.
public struct VectorPair: Sendable, Hashable {
    public var low: Vector
    public var high: Vector

    public init(low: Vector, high: Vector) {
        self.low = low
        self.high = high
    }
}
