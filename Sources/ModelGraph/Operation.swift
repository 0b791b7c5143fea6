/// What a fully-connected node does to its sums.
public enum Activation: String, Codable, Sendable, Hashable {
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

/// What a node computes. Strings name constants of the graph.
public enum Operation: Sendable, Hashable {
    /// `y[c] = x[c] * scale[c] + offset[c]` over the last dimension, both constants `[C]`.
    ///
    /// Standardization stays explicit so that it can fold into the encoding of a quantized input.
    case affine(scale: String, offset: String)
    /// `y[n] = activation(bias[n] + Σk x[k] * weights[n, k])`, weights `[N, K]`, bias `[N]`; the input is flattened.
    case fullyConnected(weights: String, bias: String, activation: Activation)
    /// `y[c] = exp(x[c] - max x) / Σ exp(x - max x)` over the last dimension.
    case softmax

    /// The names of the constants that the operation reads.
    public var constants: [String] {
        switch self {
        case .affine(let scale, let offset): [scale, offset]
        case .fullyConnected(let weights, let bias, _): [weights, bias]
        case .softmax: []
        }
    }
}

extension Operation: Codable {
    private enum Key: String, CodingKey { case kind, scale, offset, weights, bias, activation }
    private enum Kind: String, Codable {
        case affine, softmax
        case fullyConnected = "fully-connected"
    }

    /// Reads and checks the fields; a value out of range is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .affine:
            self = .affine(
                scale: try container.decode(String.self, forKey: .scale),
                offset: try container.decode(String.self, forKey: .offset)
            )
        case .fullyConnected:
            self = .fullyConnected(
                weights: try container.decode(String.self, forKey: .weights),
                bias: try container.decode(String.self, forKey: .bias),
                activation: try container.decode(Activation.self, forKey: .activation)
            )
        case .softmax:
            self = .softmax
        }
    }

    /// Writes the fields that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .affine(let scale, let offset):
            try container.encode(Kind.affine, forKey: .kind)
            try container.encode(scale, forKey: .scale)
            try container.encode(offset, forKey: .offset)
        case .fullyConnected(let weights, let bias, let activation):
            try container.encode(Kind.fullyConnected, forKey: .kind)
            try container.encode(weights, forKey: .weights)
            try container.encode(bias, forKey: .bias)
            try container.encode(activation, forKey: .activation)
        case .softmax:
            try container.encode(Kind.softmax, forKey: .kind)
        }
    }
}
