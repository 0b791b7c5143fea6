/// Elementary functions in double precision that give the same bits on every machine: sums, products and quotients only,
/// and the square root, which IEEE 754 rounds correctly.
enum Elementary {
    /// `e^x`, exact to about 1e-11 relative; infinite above 700.
    static func exp(_ x: Double) -> Double { x > 0 ? 1 / Softmax.exp(-x) : Softmax.exp(x) }

    /// `e^x - 1`, without the loss of bits that the difference has near 0.
    static func expMinusOne(_ x: Double) -> Double {
        guard x.magnitude < 0x1p-5 else { return exp(x) - 1 }
        // The Taylor series to the seventh power, its last term under 2^-47 of the first.
        var sum = 0.0
        for n in stride(from: 7.0, through: 1.0, by: -1.0) { sum = x / n * (1 + sum) }
        return sum
    }

    /// The natural logarithm, exact to about 1e-15 absolute; NaN below 0.
    ///
    /// `x = 2^k m` with `m` in 0.707...1.414, and `ln m = 2 artanh((m - 1) / (m + 1))` by its series.
    static func log(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return x == 0 ? -.infinity : x > 0 ? x : .nan }
        var (m, k) = (x.significand, Double(x.exponent))
        if m > 1.4142135623730951 { (m, k) = (m / 2, k + 1) }
        let t = (m - 1) / (m + 1)
        let square = t * t
        var series = 0.0
        for n in stride(from: 21.0, through: 1.0, by: -2.0) { series = 1 / n + square * series }
        return k * 0.693147180559945309 + 2 * t * series
    }

    /// The error function `2 / √π ∫₀ˣ exp(-t²) dt`, exact to about 1e-11.
    ///
    /// Under 3 by `2 / √π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1))`, whose terms are all positive; above by the continued
    /// fraction of its complement (Abramowitz and Stegun 7.1.6 and 7.1.14).
    static func erf(_ x: Double) -> Double {
        let a = x.magnitude
        guard a < 6 else { return x.isNaN ? x : x < 0 ? -1 : 1 }
        let power = Softmax.exp(-a * a)
        let magnitude: Double
        if a < 3 {
            var (sum, term) = (a, a)
            for n in 1...60 {
                term *= 2 * a * a / Double(2 * n + 1)
                sum += term
            }
            magnitude = 1.1283791670955126 * power * sum
        } else {
            var fraction = a
            for n in stride(from: 40.0, through: 1.0, by: -1.0) { fraction = a + n / 2 / fraction }
            magnitude = 1 - power / (fraction * 1.7724538509055159)
        }
        return x < 0 ? -magnitude : magnitude
    }

    /// `1 / (1 + exp(-x))`
    static func sigmoid(_ x: Double) -> Double {
        let power = Softmax.exp(-x.magnitude)
        return x < 0 ? power / (1 + power) : 1 / (1 + power)
    }

    /// Near 0, where `1 - exp(-2|x|)` would lose bits, the first terms of the series.
    static func tanh(_ x: Double) -> Double {
        guard x.magnitude >= 0x1p-6 else {
            let square = x * x
            return x * (1 - square / 3 * (1 - square * 2 / 5))
        }
        let power = Softmax.exp(-2 * x.magnitude)
        let magnitude = (1 - power) / (1 + power)
        return x < 0 ? -magnitude : magnitude
    }

    /// `x` to a whole power of at least 1, by products from the left.
    static func power(_ x: Double, _ exponent: Int) -> Double {
        (1..<max(exponent, 1)).reduce(x) { product, _ in product * x }
    }

    /// `x` to any power, exact to about 1e-11 relative, with C's answers for zeros, infinities and negative bases.
    static func raise(_ x: Double, to exponent: Double) -> Double {
        if exponent == 0 || x == 1 { return 1 }
        if x.isNaN || exponent.isNaN { return .nan }
        let isWhole = exponent == exponent.rounded()
        guard x >= 0 || x.isInfinite || isWhole else { return .nan }
        let magnitude = x == -1 ? 1 : exp(exponent * log(x.magnitude))
        let isOdd = exponent.magnitude.truncatingRemainder(dividingBy: 2) == 1
        return x.sign == .minus && isOdd ? -magnitude : magnitude
    }
}
