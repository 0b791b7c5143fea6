/// A sum, difference, product, quotient or power of two values, or of a value and a constant, element by element.
///
/// Shapes are aligned at their last dimensions; a dimension that is 1 or missing repeats, as in NumPy. The batch, which
/// is in no shape, never takes part.
public struct Arithmetic: Codable, Sendable, Hashable {
    /// What is computed.
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        case add
        /// The first minus the second.
        case subtract
        case multiply
        /// The first divided by the second, which is no constant.
        case divide
        /// The greater of both.
        case maximum
        /// The smaller of both.
        case minimum
        /// The first to the power of the second, as C's `pow` has it: NaN for a negative base and a fraction.
        case raise

        /// Applies the operation to two elements.
        public func callAsFunction(_ first: Float, _ second: Float) -> Float {
            switch self {
            case .add: first + second
            case .subtract: first - second
            case .multiply: first * second
            case .divide: first / second
            case .maximum: first < second ? second : first
            case .minimum: second < first ? second : first
            case .raise: Float(Elementary.raise(Double(first), to: Double(second)))
            }
        }
    }

    /// What is computed; in JSON the kind of the operation.
    public var kind: Kind
    /// The second operand, when it is a constant. The node has then one input, otherwise two.
    public var constant: String?
    /// What is done to the result.
    public var activation: Activation

    /// Makes a value of its parts.
    public init(_ kind: Kind, constant: String? = nil, activation: Activation = .none) {
        self.kind = kind
        self.constant = constant
        self.activation = activation
    }

    /// The shape of the result, or nil when the shapes do not fit each other.
    public static func shape(_ first: [Int], _ second: [Int]) -> [Int]? {
        let rank = max(first.count, second.count)
        var shape: [Int] = []
        for axis in 0..<rank {
            let a = axis < rank - first.count ? 1 : first[axis - (rank - first.count)]
            let b = axis < rank - second.count ? 1 : second[axis - (rank - second.count)]
            guard a == b || a == 1 || b == 1 else { return nil }
            shape.append(a == 1 ? b : a)
        }
        return shape
    }
}
