import ModelGraph

/// Functions of one element.
extension TFLiteOperands {
    static let functions: [String: Function] = [
        "ABS": .absolute, "CEIL": .ceiling, "ELU": .elu(alpha: 1), "EXP": .exponential, "FLOOR": .floor,
        "LOG": .logarithm, "ROUND": .round, "RSQRT": .reciprocalSquareRoot, "SQRT": .squareRoot,
        "SQUARE": .power(exponent: 2),
    ]

    func power(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let (base, exponent) = (try real(0, &builder), try real(1, &builder))
        guard base.constant == nil || exponent.constant == nil else {
            throw .unsupported("both operands are constants")
        }
        return try builder.power(base, exponent)
    }
}
