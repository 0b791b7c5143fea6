/// A function of one element.
///
/// None of them calls the C library, so that the bits are the same on every machine.
public enum Function: Sendable, Hashable {
    /// `max(x, 0)`
    case relu
    /// `min(max(x, 0), 6)`
    case relu6
    /// `min(max(x, low), high)`; nil is no limit.
    case clip(low: Float?, high: Float?)
    /// `x` where positive, else `slope * x`.
    case leakyRelu(slope: Float)
    /// `x * min(max(x + 3, 0), 6) / 6`
    case hardSwish
    /// `min(max(slope * x + offset, 0), 1)`
    case hardSigmoid(slope: Float, offset: Float)
    /// `1 / (1 + exp(-x))`
    case sigmoid
    /// `(exp(2x) - 1) / (exp(2x) + 1)`
    case tanh

    /// The value at `x`; NaN stays NaN.
    public func callAsFunction(_ x: Float) -> Float {
        switch self {
        case .relu: x < 0 ? 0 : x
        case .relu6: x < 0 ? 0 : x > 6 ? 6 : x
        case .clip(let low, let high): Function.clamp(x, low, high)
        case .leakyRelu(let slope): x < 0 ? slope * x : x
        case .hardSwish: x * Function.clamp(x + 3, 0, 6) / 6
        case .hardSigmoid(let slope, let offset): Function.clamp(slope * x + offset, 0, 1)
        case .sigmoid: Float(Function.sigmoid(Double(x)))
        case .tanh: Float(Function.tanh(Double(x)))
        }
    }

    /// As `max` and `min` one after the other: with `low > high` the result is `high`.
    private static func clamp(_ x: Float, _ low: Float?, _ high: Float?) -> Float {
        var x = x
        if let low, x < low { x = low }
        if let high, x > high { x = high }
        return x
    }

    private static func sigmoid(_ x: Double) -> Double {
        let power = Softmax.exp(-x.magnitude)
        return x < 0 ? power / (1 + power) : 1 / (1 + power)
    }

    /// Near 0, where `1 - exp(-2|x|)` would lose bits, the first terms of the series.
    private static func tanh(_ x: Double) -> Double {
        guard x.magnitude >= 0x1p-6 else {
            let square = x * x
            return x * (1 - square / 3 * (1 - square * 2 / 5))
        }
        let power = Softmax.exp(-2 * x.magnitude)
        let magnitude = (1 - power) / (1 + power)
        return x < 0 ? -magnitude : magnitude
    }
}
