/// In JSON an operation is one flat object: `kind`, and the fields of that kind.
extension Operation: Codable {
    private enum Key: String, CodingKey {
        case kind, scale, offset, weights, bias, activation, axis, axes, before, after, value, countsPadding
        case keepsDimensions, shape, permutation, table, begin, end, stride, low, high, slope
        case norm, takesLast, alpha, exponent
    }

    /// Reads the fields of the kind; whether they fit the graph is for ``Graph/validate()`` to say.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        func field<Value: Decodable>(_ key: Key) throws -> Value { try container.decode(Value.self, forKey: key) }
        switch kind {
        case "affine": self = .affine(scale: try field(.scale), offset: try field(.offset))
        case "fully-connected":
            self = .fullyConnected(
                weights: try field(.weights),
                bias: try field(.bias),
                activation: try field(.activation)
            )
        case "convolution": self = .convolution(try Convolution(from: decoder))
        case "add", "subtract", "multiply", "divide", "maximum", "minimum", "raise":
            self = .arithmetic(try Arithmetic(from: decoder))
        case "concatenate": self = .concatenate(axis: try field(.axis))
        case "pad": self = .pad(before: try field(.before), after: try field(.after), value: try field(.value))
        case "max-pool": self = .maxPool(try Window(from: decoder))
        case "average-pool":
            self = .averagePool(try Window(from: decoder), countsPadding: try field(.countsPadding))
        case "mean": self = .mean(axes: try field(.axes), keepsDimensions: try field(.keepsDimensions))
        case "relu": self = .function(.relu)
        case "relu6": self = .function(.relu6)
        case "clip":
            self = .function(
                .clip(
                    low: try container.decodeIfPresent(Float.self, forKey: .low),
                    high: try container.decodeIfPresent(Float.self, forKey: .high)
                )
            )
        case "leaky-relu": self = .function(.leakyRelu(slope: try field(.slope)))
        case "hard-swish": self = .function(.hardSwish)
        case "hard-sigmoid": self = .function(.hardSigmoid(slope: try field(.slope), offset: try field(.offset)))
        case "sigmoid": self = .function(.sigmoid)
        case "tanh": self = .function(.tanh)
        case "swish": self = .function(.swish)
        case "gelu": self = .function(.gelu)
        case "tanh-gelu": self = .function(.tanhGelu)
        case "elu": self = .function(.elu(alpha: try field(.alpha)))
        case "softplus": self = .function(.softplus)
        case "softsign": self = .function(.softsign)
        case "erf": self = .function(.erf)
        case "exponential": self = .function(.exponential)
        case "logarithm": self = .function(.logarithm)
        case "absolute": self = .function(.absolute)
        case "square-root": self = .function(.squareRoot)
        case "reciprocal": self = .function(.reciprocal)
        case "reciprocal-square-root": self = .function(.reciprocalSquareRoot)
        case "power": self = .function(.power(exponent: try field(.exponent)))
        case "floor": self = .function(.floor)
        case "ceiling": self = .function(.ceiling)
        case "round": self = .function(.round)
        case "softmax": self = .softmax
        case "normalize": self = .normalize(try field(.norm))
        case "arg-max": self = .argMax(axis: try field(.axis), takesLast: try field(.takesLast))
        case "reshape": self = .reshape(shape: try field(.shape))
        case "transpose": self = .transpose(permutation: try field(.permutation))
        case "resize": self = .resize(try Resize(from: decoder))
        case "gather": self = .gather(table: try field(.table))
        case "slice": self = .slice(begin: try field(.begin), end: try field(.end), stride: try field(.stride))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind,
                in: container,
                debugDescription: "operation '\(kind)' is not known"
            )
        }
    }

    /// Writes the fields that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .affine(let scale, let offset):
            try container.encode(scale, forKey: .scale)
            try container.encode(offset, forKey: .offset)
        case .fullyConnected(let weights, let bias, let activation):
            try container.encode(weights, forKey: .weights)
            try container.encode(bias, forKey: .bias)
            try container.encode(activation, forKey: .activation)
        case .convolution(let convolution): try convolution.encode(to: encoder)
        case .arithmetic(let arithmetic): try arithmetic.encode(to: encoder)
        case .concatenate(let axis): try container.encode(axis, forKey: .axis)
        case .pad(let before, let after, let value):
            try container.encode(before, forKey: .before)
            try container.encode(after, forKey: .after)
            try container.encode(value, forKey: .value)
        case .maxPool(let window): try window.encode(to: encoder)
        case .averagePool(let window, let countsPadding):
            try window.encode(to: encoder)
            try container.encode(countsPadding, forKey: .countsPadding)
        case .mean(let axes, let keepsDimensions):
            try container.encode(axes, forKey: .axes)
            try container.encode(keepsDimensions, forKey: .keepsDimensions)
        case .function(let function): try encode(function, to: &container)
        case .softmax: break
        case .normalize(let norm): try container.encode(norm, forKey: .norm)
        case .argMax(let axis, let takesLast):
            try container.encode(axis, forKey: .axis)
            try container.encode(takesLast, forKey: .takesLast)
        case .reshape(let shape): try container.encode(shape, forKey: .shape)
        case .transpose(let permutation): try container.encode(permutation, forKey: .permutation)
        case .resize(let resize): try resize.encode(to: encoder)
        case .gather(let table): try container.encode(table, forKey: .table)
        case .slice(let begin, let end, let stride):
            try container.encode(begin, forKey: .begin)
            try container.encode(end, forKey: .end)
            try container.encode(stride, forKey: .stride)
        }
    }

    private func encode(_ function: Function, to container: inout KeyedEncodingContainer<Key>) throws {
        switch function {
        case .clip(let low, let high):
            try container.encodeIfPresent(low, forKey: .low)
            try container.encodeIfPresent(high, forKey: .high)
        case .leakyRelu(let slope): try container.encode(slope, forKey: .slope)
        case .hardSigmoid(let slope, let offset):
            try container.encode(slope, forKey: .slope)
            try container.encode(offset, forKey: .offset)
        case .elu(let alpha): try container.encode(alpha, forKey: .alpha)
        case .power(let exponent): try container.encode(exponent, forKey: .exponent)
        case .relu, .relu6, .hardSwish, .sigmoid, .tanh, .swish, .gelu, .tanhGelu, .softplus, .softsign, .erf,
            .exponential,
            .logarithm, .absolute, .squareRoot, .reciprocal, .reciprocalSquareRoot, .floor, .ceiling, .round:
            break
        }
    }
}
