import ModelGraph

/// Normalizations and powers, which the graph has no node for.
extension GraphBuilder {
    /// `(x - mean) * factor`, where `factor = 1 / √(mean (x - mean)² + epsilon)`, with the means over some dimensions.
    mutating func standardize(
        _ value: Value,
        axes: [Int],
        epsilon: Float
    ) throws(Refusal) -> (result: Value, mean: Value, factor: Value) {
        let mean = try mean(value, axes: axes, keepsDimensions: true)
        let centered = try arithmetic(.subtract, value, mean)
        let variance = try self.mean(function(.power(exponent: 2), centered), axes: axes, keepsDimensions: true)
        let factor = try function(.reciprocalSquareRoot, arithmetic(.add, variance, .number(epsilon)))
        return (try arithmetic(.multiply, centered, factor), mean, factor)
    }

    /// A power of any two values, with one of the functions where the exponent is a number that has one.
    mutating func power(_ value: Value, _ exponent: Value) throws(Refusal) -> Value {
        guard value.constant == nil, let tensor = exponent.constant?.tensor, tensor.elementCount == 1,
            tensor.shape.count <= value.shape.count
        else { return try arithmetic(.raise, value, exponent) }
        return try power(value, tensor.floats[0])
    }

    /// Constants above 0 to a computed power, by their logarithms: exact to about 1e-5 relative for large results.
    mutating func power(of bases: SourceTensor, _ exponent: Value) throws(Refusal) -> Value {
        guard bases.floats.allSatisfy({ $0 > 0 }) else {
            throw .unsupported("powers of constants that are not above 0")
        }
        let logarithms = SourceTensor(shape: bases.shape, floats: bases.floats.map { Function.logarithm($0) })
        return try function(.exponential, arithmetic(.multiply, exponent, Value(logarithms)))
    }

    /// A power with a constant exponent.
    mutating func power(_ value: Value, _ exponent: Float) throws(Refusal) -> Value {
        switch exponent {
        case 1: return value
        case -1: return try function(.reciprocal, value)
        case 0.5: return try function(.squareRoot, value)
        case -0.5: return try function(.reciprocalSquareRoot, value)
        case 2...16 where exponent == exponent.rounded():
            return try function(.power(exponent: Int(exponent)), value)
        default: return try arithmetic(.raise, value, .number(exponent))
        }
    }
}

extension Value {
    /// One real number.
    static func number(_ number: Float) -> Value { Value(SourceTensor(shape: [], floats: [number])) }
}
