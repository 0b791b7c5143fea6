/// Tail probabilities and quantiles of the distributions that tests of drift are judged by.
public enum Distributions {
    /// `P(Z <= x)` of a standard normal.
    public static func normalCDF(_ x: Double) -> Double { 0.5 * Libm.erfc(-x / 2.0.squareRoot()) }

    /// `P(Z > x)` of a standard normal.
    public static func normalTail(_ x: Double) -> Double { 0.5 * Libm.erfc(x / 2.0.squareRoot()) }

    /// The `p` quantile of a standard normal, `0 < p < 1`.
    ///
    /// A rational start and two steps of Newton with the tail that is small.
    /// - Source: P. J. Acklam's start values (2003), corrected here to full precision.
    public static func normalQuantile(_ p: Double) -> Double {
        guard p > 0 else { return p == 0 ? -.infinity : .nan }
        guard p < 1 else { return p == 1 ? .infinity : .nan }
        let tail = min(p, 1 - p)
        var x: Double
        if tail < 0.024_25 {
            let q = (-2 * Libm.log(tail)).squareRoot()
            x =
                (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q
                    - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783)
                / ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q
                    + 3.754408661907416) * q + 1)
        } else {
            let q = tail - 0.5
            let r = q * q
            x =
                (((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r
                    + 1.383577518672690e2) * r - 3.066479806614716e1) * r + 2.506628277459239) * q
                / (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r
                    + 6.680131188771972e1) * r - 1.328068155288572e1) * r + 1)
        }
        for _ in 0..<2 {
            let error = normalCDF(x) - tail
            let u = error * (2 * Double.pi).squareRoot() * Libm.exp(x * x / 2)
            x -= u / (1 + x * u / 2)
        }
        return p < 0.5 ? x : -x
    }

    /// `P(X > x)` of chi-square with `df` degrees of freedom.
    public static func chiSquareTail(_ x: Double, df: Double) -> Double {
        df > 0 ? SpecialFunctions.gammaQ(df / 2, x / 2) : (x > 0 ? 0 : 1)
    }

    /// `P(|T| > |t|)` of Student's t with `df` degrees of freedom.
    public static func studentTwoSided(_ t: Double, df: Double) -> Double {
        guard t.isFinite else { return t.isNaN ? .nan : 0 }
        let total = df + t * t
        return SpecialFunctions.betaI(df / 2, 0.5, df / total, complement: t * t / total)
    }

    /// `P(F > f)` with `d1` and `d2` degrees of freedom.
    public static func fisherTail(_ f: Double, _ d1: Double, _ d2: Double) -> Double {
        guard f > 0 else { return f.isNaN ? .nan : 1 }
        guard f.isFinite else { return 0 }
        let total = d2 + d1 * f
        return SpecialFunctions.betaI(d2 / 2, d1 / 2, d2 / total, complement: d1 * f / total)
    }

    /// The `p` quantile of a beta distribution.
    public static func betaQuantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
        guard p > 0 else { return 0 }
        guard p < 1 else { return 1 }
        var low = 0.0
        var high = 1.0
        for _ in 0..<1100 {
            let middle = low > 0 && high / low > 4 ? (low * high).squareRoot() : (low + high) / 2
            if middle <= low || middle >= high { break }
            if SpecialFunctions.betaI(a, b, middle) < p { low = middle } else { high = middle }
            if low == 0, high < 1e-300 { return 0 }
        }
        return (low + high) / 2
    }

    /// `P(X = k)` of `n` trials that hit with probability `p`.
    public static func binomialMass(_ k: Int, _ n: Int, _ p: Double) -> Double {
        guard k >= 0, k <= n else { return 0 }
        return SpecialFunctions.binomial(Double(k), Double(n), p, 1 - p)
    }

    /// `P(X <= k)` of `n` trials that hit with probability `p`.
    public static func binomialCDF(_ k: Int, _ n: Int, _ p: Double) -> Double {
        guard k >= 0 else { return 0 }
        guard k < n else { return 1 }
        return SpecialFunctions.betaI(Double(n - k), Double(k + 1), 1 - p, complement: p)
    }

    /// `P(X > k)` of `n` trials that hit with probability `p`.
    public static func binomialTail(_ k: Int, _ n: Int, _ p: Double) -> Double {
        guard k >= 0 else { return 1 }
        guard k < n else { return 0 }
        return SpecialFunctions.betaI(Double(k + 1), Double(n - k), p, complement: 1 - p)
    }
}
