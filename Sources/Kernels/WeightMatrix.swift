/// The weights of a fully-connected layer, `[outputs, inputs]` row-major.
public enum WeightMatrix: Sendable, Hashable {
    /// Signed and symmetric: zero point 0.
    case int8([Int8])
    /// Unsigned with one zero point for all.
    case uint8([UInt8], zeroPoint: UInt8)

    /// The number of weights.
    public var count: Int {
        switch self {
        case .int8(let weights): weights.count
        case .uint8(let weights, _): weights.count
        }
    }
}
