import ModelGraph

/// Functions of one element.
extension TFLiteOperands {
    static let functions: [String: Function] = [
        "ABS": .absolute, "CEIL": .ceiling, "ELU": .elu(alpha: 1), "EXP": .exponential, "FLOOR": .floor,
        "LOG": .logarithm, "ROUND": .round, "RSQRT": .reciprocalSquareRoot, "SQRT": .squareRoot,
        "SQUARE": .power(exponent: 2),
    ]

    func power(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let exponents = try constant(1, &builder).tensor
        guard let exponent = exponents.floats.first, exponents.elementCount == 1 else {
            throw .unsupported("several exponents")
        }
        return try builder.power(computed(0), exponent)
    }
}
