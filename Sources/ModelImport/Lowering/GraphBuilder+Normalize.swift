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

    /// A power with a constant exponent.
    mutating func power(_ value: Value, _ exponent: Float) throws(Refusal) -> Value {
        switch exponent {
        case 1: return value
        case -1: return try function(.reciprocal, value)
        case 0.5: return try function(.squareRoot, value)
        case -0.5: return try function(.reciprocalSquareRoot, value)
        case 2...16 where exponent == exponent.rounded():
            return try function(.power(exponent: Int(exponent)), value)
        default: throw .unsupported("a power of \(exponent)")
        }
    }
}

extension Value {
    /// One real number.
    static func number(_ number: Float) -> Value { Value(SourceTensor(shape: [], floats: [number])) }
}
