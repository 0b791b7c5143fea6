/// Tests and intervals of shares and rates.
public enum RateTests {
    /// Two shares by the pooled normal test; the statistic is positive when the first is larger.
    public static func proportions(_ hits: Int, of count: Int, against others: Int, of otherCount: Int) -> TestResult {
        let (n, m) = (Double(count), Double(otherCount))
        let pooled = Double(hits + others) / (n + m)
        let z = (Double(hits) / n - Double(others) / m) / (pooled * (1 - pooled) * (1 / n + 1 / m)).squareRoot()
        return TestResult(statistic: z, pValue: z.isNaN ? 1 : 2 * Distributions.normalTail(abs(z)))
    }

    /// The difference of two shares after Agresti and Caffo, who add a hit and a miss to each.
    public static func agrestiCaffo(_ hits: Int, of count: Int, against others: Int, of otherCount: Int) -> TestResult {
        let (n, m) = (Double(count + 2), Double(otherCount + 2))
        let (p, q) = (Double(hits + 1) / n, Double(others + 1) / m)
        let z = (p - q) / (p * (1 - p) / n + q * (1 - q) / m).squareRoot()
        return TestResult(statistic: z, pValue: 2 * Distributions.normalTail(abs(z)))
    }

    /// How an interval of a share is found.
    public enum Interval: String, Codable, Sendable, Hashable, CaseIterable {
        /// Wilson's, the default of the monitor.
        case wilson
        /// Clopper and Pearson's, which never covers too little.
        case clopperPearson
        /// Agresti and Coull's.
        case agrestiCoull
        /// The interval of Jeffreys's prior.
        case jeffreys
    }

    /// An interval that covers the share with probability `1 - alpha`.
    public static func interval(
        _ hits: Int,
        of count: Int,
        alpha: Double = 0.05,
        _ method: Interval = .wilson
    ) -> (low: Double, high: Double) {
        guard count > 0 else { return (0, 1) }
        let (k, n) = (Double(hits), Double(count))
        let z = Distributions.normalQuantile(1 - alpha / 2)
        switch method {
        case .wilson:
            let center = (k + z * z / 2) / (n + z * z)
            let p = k / n
            let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / (1 + z * z / n)
            return (hits == 0 ? 0 : max(0, center - half), hits == count ? 1 : min(1, center + half))
        case .agrestiCoull:
            let size = n + z * z
            let p = (k + z * z / 2) / size
            let half = z * (p * (1 - p) / size).squareRoot()
            return (max(0, p - half), min(1, p + half))
        case .clopperPearson:
            return (
                hits == 0 ? 0 : Distributions.betaQuantile(alpha / 2, k, n - k + 1),
                hits == count ? 1 : 1 - Distributions.betaQuantile(alpha / 2, n - k, k + 1)
            )
        case .jeffreys:
            return (
                Distributions.betaQuantile(alpha / 2, k + 0.5, n - k + 0.5),
                1 - Distributions.betaQuantile(alpha / 2, n - k + 0.5, k + 0.5)
            )
        }
    }

    /// Two rates of events by the score test; the statistic is positive when the first is larger.
    /// - Parameters:
    ///   - events: Events of the first, over `exposure`.
    ///   - others: Events of the second, over `otherExposure`.
    public static func poissonScore(
        _ events: Int,
        over exposure: Double,
        against others: Int,
        over otherExposure: Double
    ) -> TestResult {
        let ratio = exposure / otherExposure
        let (y, x) = (Double(events), Double(others))
        let z = (y - x * ratio) / ((y + x) * ratio).squareRoot()
        return TestResult(statistic: z, pValue: z.isNaN ? 1 : 2 * Distributions.normalTail(abs(z)))
    }

    /// Whether `hits` of `count` are what probability `p` gives; exact and two-sided: all outcomes that are no more
    /// likely count.
    public static func binomial(_ hits: Int, of count: Int, p: Double) -> Double {
        let own = Distributions.binomialMass(hits, count, p) * (1 + 1e-7)
        let expected = p * Double(count)
        if Double(hits) == expected { return 1 }
        if Double(hits) < expected {
            // The masses fall from the mode on, so the far side begins where they are small enough.
            var (low, high) = (Int(expected.rounded(.up)), count + 1)
            while low < high {
                let middle = (low + high) / 2
                if Distributions.binomialMass(middle, count, p) <= own { high = middle } else { low = middle + 1 }
            }
            return min(1, Distributions.binomialCDF(hits, count, p) + Distributions.binomialTail(low - 1, count, p))
        }
        var (low, high) = (-1, Int(expected.rounded(.down)))
        while low < high {
            let middle = (low + high + 1) / 2
            if Distributions.binomialMass(middle, count, p) <= own { low = middle } else { high = middle - 1 }
        }
        return min(1, Distributions.binomialCDF(low, count, p) + Distributions.binomialTail(hits - 1, count, p))
    }
}
