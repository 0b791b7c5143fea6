import ModelGraph

/// Functions of one element, and normalizations.
extension ONNXOperands {
    static let functions: Set<String> = [
        "Abs", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "Log", "Mish", "Pow", "Reciprocal", "Round",
        "Selu",
        "Softplus", "Softsign", "Sqrt", "com.microsoft.FastGelu", "com.microsoft.Gelu",
    ]

    static let normalizations: Set<String> = ["InstanceNormalization", "LayerNormalization"]

    func function(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let value = try value(0)
        if kind == "Pow" { return try power(&builder) }
        guard value.type.isFloat else { throw .unsupported("of integers") }
        switch kind {
        case "Abs": return try builder.function(.absolute, value)
        case "Ceil": return try builder.function(.ceiling, value)
        case "Elu": return try builder.function(.elu(alpha: node.float("alpha", 1)), value)
        case "Erf": return try builder.function(.erf, value)
        case "Exp": return try builder.function(.exponential, value)
        case "Floor": return try builder.function(.floor, value)
        case "Gelu": return try builder.function(node.text("approximate", "none") == "tanh" ? .tanhGelu : .gelu, value)
        case "com.microsoft.Gelu": return try builder.function(.gelu, value)
        case "com.microsoft.FastGelu":
            let sum = has(1) ? try builder.arithmetic(.add, value, self.value(1)) : value
            return try builder.function(.tanhGelu, sum)
        case "Log": return try builder.function(.logarithm, value)
        case "Mish":
            let gate = try builder.function(.tanh, builder.function(.softplus, value))
            return try builder.arithmetic(.multiply, value, gate)
        case "Reciprocal": return try builder.function(.reciprocal, value)
        case "Round": return try builder.function(.round, value)
        case "Selu":
            let elu = try builder.function(.elu(alpha: node.float("alpha", 1.67326319217681884765625)), value)
            return try builder.arithmetic(.multiply, elu, .number(node.float("gamma", 1.05070102214813232421875)))
        case "Softplus": return try builder.function(.softplus, value)
        case "Softsign": return try builder.function(.softsign, value)
        default: return try builder.function(.squareRoot, value)
        }
    }

    /// Integers to a power are computed as real numbers, whose fractions are cut off.
    private func power(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let (base, exponent) = (try value(0), try value(1))
        guard base.type.isFloat || base.constant == nil else { throw .unsupported("powers of constant integers") }
        var result = try builder.power(base, exponent)
        if !base.type.isFloat { (result.type, result.rounding) = (base.type, .toZero) }
        return result
    }

    func instanceNormalization(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let value = try value(0)
        guard value.shape.count > 2 else { throw .damaged("shape \(value.shape) has no channels") }
        let (scale, offset) = (try constant(1).floats, try constant(2).floats)
        guard scale.count == value.shape[1], offset.count == scale.count else {
            throw .damaged("its constants do not have \(value.shape[1]) elements")
        }
        let axes = Array(value.shape.indices.dropFirst(2))
        let result = try builder.standardize(value, axes: axes, epsilon: node.float("epsilon", 1e-5)).result
        return try builder.affine(result, axis: 1, scale: scale, offset: offset)
    }

    /// The normalized value, the mean, and the inverse of the standard deviation.
    func layerNormalization(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let value = try value(0)
        let axes = Array(value.shape.indices[try axis(node.integer("axis", -1), rank: value.shape.count)...])
        var (result, mean, factor) = try builder.standardize(value, axes: axes, epsilon: node.float("epsilon", 1e-5))
        if has(1) { result = try builder.arithmetic(.multiply, result, self.value(1)) }
        if has(2) { result = try builder.arithmetic(.add, result, self.value(2)) }
        return [result, mean, factor]
    }
}
