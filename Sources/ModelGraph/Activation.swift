/// What a node does to its sums.
public enum Activation: String, Codable, Sendable, Hashable, CaseIterable {
    case none
    /// `max(x, 0)`
    case relu
    /// `min(max(x, 0), 6)`
    case relu6

    /// Applies the activation to one value; NaN stays NaN.
    public func callAsFunction(_ value: Float) -> Float {
        switch self {
        case .none: value
        case .relu: value < 0 ? 0 : value
        case .relu6: value < 0 ? 0 : value > 6 ? 6 : value
        }
    }
}
