/// Special functions of statistics, to about 13 digits.
public enum SpecialFunctions {
    /// `ln Γ(x)` for `x > 0`.
    ///
    /// Stirling's series from 15 on, below it by the recurrence `Γ(x+1) = x Γ(x)`.
    /// - Source: DLMF 5.11.1.
    public static func logGamma(_ x: Double) -> Double {
        guard x > 0 else { return .infinity }
        var shifted = x
        var product = 1.0
        while shifted < 15 {
            product *= shifted
            shifted += 1
        }
        return (shifted - 0.5) * Libm.log(shifted) - shifted + halfLogTwoPi + stirlingRest(shifted) - Libm.log(product)
    }

    /// `ln n! - (n ln n - n + ½ ln 2πn)`, exact to the last digits also where the whole is huge.
    static func stirlingError(_ n: Double) -> Double {
        guard n < 15 else { return stirlingRest(n) }
        guard n > 0 else { return 0 }
        return logGamma(n + 1) - ((n + 0.5) * Libm.log(n) - n + halfLogTwoPi)
    }

    private static func stirlingRest(_ x: Double) -> Double {
        let y = 1 / (x * x)
        let series =
            1.0 / 12
            - y
            * (1.0 / 360
                - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360_360 - y * (1.0 / 156))))))
        return series / x
    }

    /// `Q(a, x) = Γ(a, x) / Γ(a)`, the upper tail of a gamma distribution; `a > 0`.
    ///
    /// The series of `P` below `a + 1`, a continued fraction by Lentz's method above it.
    /// - Source: DLMF 8.7.1 and 8.9.2.
    public static func gammaQ(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return x.isNaN ? .nan : 1 }
        guard x < .infinity else { return 0 }
        return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x)
    }

    /// `x^a e^-x / Γ(a)`; close to `x = a` the large logarithms are never formed.
    private static func gammaFront(_ a: Double, _ x: Double) -> Double {
        if a < 1 { return Libm.exp(a * Libm.log(x) - x - logGamma(a)) }
        return Libm.exp(-stirlingError(a) - deviance(a, x)) * (a / (2 * .pi)).squareRoot()
    }

    private static func gammaSeries(_ a: Double, _ x: Double) -> Double {
        var term = 1 / a
        var sum = term
        var n = a
        for _ in 0..<100_000 {
            n += 1
            term *= x / n
            sum += term
            if term < sum * 1e-17 { break }
        }
        return sum * gammaFront(a, x)
    }

    private static func gammaFraction(_ a: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        var b = x + 1 - a
        var c = 1 / tiny
        var d = 1 / b
        var h = d
        for i in 1..<100_000 {
            let an = -Double(i) * (Double(i) - a)
            b += 2
            d = an * d + b
            if abs(d) < tiny { d = tiny }
            c = b + an / c
            if abs(c) < tiny { c = tiny }
            d = 1 / d
            let step = d * c
            h *= step
            if abs(step - 1) < 1e-16 { break }
        }
        return h * gammaFront(a, x)
    }

    /// The regularized incomplete beta function `I_x(a, b)`; `a, b > 0`, `0 <= x <= 1`.
    ///
    /// - Parameter complement: `1 - x`, where the caller knows it better than the subtraction does.
    /// - Source: DLMF 8.17.22, by Lentz's method.
    public static func betaI(_ a: Double, _ b: Double, _ x: Double, complement: Double? = nil) -> Double {
        let y = complement ?? (1 - x)
        guard x > 0 else { return x.isNaN ? .nan : 0 }
        guard y > 0 else { return 1 }
        return x < (a + 1) / (a + b + 2) ? betaFraction(a, b, x, y) : 1 - betaFraction(b, a, y, x)
    }

    /// `x^a (1-x)^b / B(a, b)`, formed from deviations so that large `a` and `b` lose nothing.
    private static func betaFront(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        if a < 1 || b < 1 {
            return Libm.exp(
                logGamma(a + b) - logGamma(a) - logGamma(b) + a * Libm.log(x) + b
                    * (x < 0.5 ? Libm.log1p(-x) : Libm.log(y))
            )
        }
        let n = a + b
        let exponent =
            stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y)
        return Libm.exp(exponent) * (a * b / (2 * .pi * n)).squareRoot()
    }

    private static func betaFraction(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        let tiny = 1e-300
        var c = 1.0
        var d = 1 - (a + b) * x / (a + 1)
        if abs(d) < tiny { d = tiny }
        d = 1 / d
        var h = d
        for m in 1..<200_000 {
            let m = Double(m)
            for an in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                d = 1 + an * d
                if abs(d) < tiny { d = tiny }
                c = 1 + an / c
                if abs(c) < tiny { c = tiny }
                d = 1 / d
                h *= d * c
            }
            if abs(d * c - 1) < 1e-16 { break }
        }
        return h * betaFront(a, b, x, y) / a
    }

    /// `x ln(x/np) + np - x`, by its series where the two are close.
    /// - Source: C. Loader, Fast and accurate computation of binomial probabilities (2000).
    static func deviance(_ x: Double, _ np: Double) -> Double {
        guard np > 0 else { return x == 0 ? 0 : .infinity }
        if abs(x - np) < 0.1 * (x + np) {
            let v = (x - np) / (x + np)
            var sum = (x - np) * v
            var term = 2 * x * v
            for j in 1..<1000 {
                term *= v * v
                let next = sum + term / Double(2 * j + 1)
                if next == sum { return next }
                sum = next
            }
        }
        return x == 0 ? np : x * Libm.log(x / np) + np - x
    }

    /// The probability of `k` hits in `n` trials.
    static func binomial(_ k: Double, _ n: Double, _ p: Double, _ q: Double) -> Double {
        if p == 0 { return k == 0 ? 1 : 0 }
        if q == 0 { return k == n ? 1 : 0 }
        if k == 0 { return Libm.exp(p < 0.1 ? -deviance(n, n * q) - n * p : n * Libm.log(q)) }
        if k == n { return Libm.exp(q < 0.1 ? -deviance(n, n * p) - n * q : n * Libm.log(p)) }
        let exponent =
            stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n * p) - deviance(n - k, n * q)
        return Libm.exp(exponent) * (n / (2 * .pi * k * (n - k))).squareRoot()
    }

    /// `K_¼(x)`, the modified Bessel function, by the trapezoid rule: the integrand falls doubly exponentially, so the
    /// rule converges faster than any power of its step.
    /// - Source: DLMF 10.32.9.
    static func besselKQuarterScaled(_ x: Double) -> Double {
        let step = 0.05
        var sum = 0.5
        for i in 1..<2000 {
            let t = Double(i) * step
            let term = Libm.exp(-x * (Libm.cosh(t) - 1)) * Libm.cosh(t / 4)
            sum += term
            if term < sum * 1e-18 { break }
        }
        return sum * step
    }

    private static let halfLogTwoPi = 0.918_938_533_204_672_741_780_329_736_406
}
