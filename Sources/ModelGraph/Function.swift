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
    /// `x / (1 + exp(-x))`, which others call SiLU.
    case swish
    /// `x` times the normal distribution at `x`: `x * (1 + erf(x / √2)) / 2`
    case gelu
    /// As ``gelu``, approximated: `x * (1 + tanh(√(2/π) * (x + 0.044715 * x³))) / 2`
    case tanhGelu
    /// `x` where positive, else `alpha * (exp(x) - 1)`.
    case elu(alpha: Float)
    /// `ln(1 + exp(x))`
    case softplus
    /// `x / (1 + |x|)`
    case softsign
    /// `2 / √π ∫₀ˣ exp(-t²) dt`
    case erf
    /// `e^x`
    case exponential
    /// The natural logarithm; NaN below 0.
    case logarithm
    /// `|x|`
    case absolute
    /// `√x`; NaN below 0.
    case squareRoot
    /// `1 / x`
    case reciprocal
    /// `1 / √x`
    case reciprocalSquareRoot
    /// `x` to a whole power in 1...16.
    case power(exponent: Int)
    /// The nearest whole number below.
    case floor
    /// The nearest whole number above.
    case ceiling
    /// The nearest whole number, ties to even.
    case round

    /// The value at `x`; NaN stays NaN.
    public func callAsFunction(_ x: Float) -> Float {
        switch self {
        case .relu: x < 0 ? 0 : x
        case .relu6: x < 0 ? 0 : x > 6 ? 6 : x
        case .clip(let low, let high): Function.clamp(x, low, high)
        case .leakyRelu(let slope): x < 0 ? slope * x : x
        case .hardSwish: x * Function.clamp(x + 3, 0, 6) / 6
        case .hardSigmoid(let slope, let offset): Function.clamp(slope * x + offset, 0, 1)
        case .sigmoid: Float(Elementary.sigmoid(Double(x)))
        case .tanh: Float(Elementary.tanh(Double(x)))
        case .swish: Float(Double(x) * Elementary.sigmoid(Double(x)))
        case .gelu: Float(Double(x) * (1 + Elementary.erf(Double(x) * 0.7071067811865476)) / 2)
        case .tanhGelu: Float(Function.tanhGelu(Double(x)))
        case .elu(let alpha): x < 0 ? Float(Double(alpha) * Elementary.expMinusOne(Double(x))) : x
        case .softplus: Float(max(Double(x), 0) + Elementary.log(1 + Softmax.exp(-Double(x).magnitude)))
        case .softsign: x / (1 + x.magnitude)
        case .erf: Float(Elementary.erf(Double(x)))
        case .exponential: Float(Elementary.exp(Double(x)))
        case .logarithm: Float(Elementary.log(Double(x)))
        case .absolute: x.magnitude
        case .squareRoot: x.squareRoot()
        case .reciprocal: 1 / x
        case .reciprocalSquareRoot: Float(1 / Double(x).squareRoot())
        case .power(let exponent): Float(Elementary.power(Double(x), exponent))
        case .floor: x.rounded(.down)
        case .ceiling: x.rounded(.up)
        case .round: x.rounded(.toNearestOrEven)
        }
    }

    /// As `max` and `min` one after the other: with `low > high` the result is `high`.
    private static func clamp(_ x: Float, _ low: Float?, _ high: Float?) -> Float {
        var x = x
        if let low, x < low { x = low }
        if let high, x > high { x = high }
        return x
    }

    private static func tanhGelu(_ x: Double) -> Double {
        x * (1 + Elementary.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))) / 2
    }
}
