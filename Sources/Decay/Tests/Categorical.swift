/// Tests of counts: the same categories in a reference and now.
public enum CategoricalTests {
    /// The answer of a test of a table.
    public struct Contingency: Codable, Sendable, Hashable {
        /// Chi-square or G.
        public var statistic: Double
        /// Probability of it without any difference.
        public var pValue: Double
        /// Degrees of freedom.
        public var degrees: Int
        /// Counts expected in the reference and now.
        public var expected: [[Double]]
    }

    /// Which statistic a table is judged by.
    public enum Statistic: String, Codable, Sendable, Hashable, CaseIterable {
        /// Pearson's chi-square.
        case pearson
        /// The likelihood ratio G.
        case likelihood
    }

    /// Tests whether two rows of counts come from one distribution.
    ///
    /// - Parameters:
    ///   - reference: Counts of each category.
    ///   - current: Counts of the same categories.
    ///   - isCorrected: Yates's correction, which counts for two categories only.
    public static func contingency(
        reference: [Double],
        current: [Double],
        _ statistic: Statistic = .pearson,
        isCorrected: Bool = true
    ) -> Contingency {
        let seen = zip(reference, current).filter { $0.0 + $0.1 > 0 }
        let (n, m) = (seen.reduce(0) { $0 + $1.0 }, seen.reduce(0) { $0 + $1.1 })
        let all = n + m
        let expected = [seen.map { ($0.0 + $0.1) * n / all }, seen.map { ($0.0 + $0.1) * m / all }]
        let degrees = seen.count - 1
        guard degrees > 0, n > 0, m > 0 else {
            return Contingency(statistic: 0, pValue: 1, degrees: max(0, degrees), expected: expected)
        }
        var value = 0.0
        for (row, counts) in [seen.map(\.0), seen.map(\.1)].enumerated() {
            for (count, expected) in zip(counts, expected[row]) {
                var observed = count
                if degrees == 1, isCorrected {
                    let difference = expected - observed
                    observed += min(0.5, abs(difference)) * (difference > 0 ? 1 : difference < 0 ? -1 : 0)
                }
                switch statistic {
                case .pearson: value += (observed - expected) * (observed - expected) / expected
                case .likelihood: if observed > 0 { value += 2 * observed * Libm.log(observed / expected) }
                }
            }
        }
        return Contingency(
            statistic: value,
            pValue: Distributions.chiSquareTail(value, df: Double(degrees)),
            degrees: degrees,
            expected: expected
        )
    }

    /// Cramér's V: how strongly the category depends on whether it is reference or now, 0...1.
    public static func cramersV(reference: [Double], current: [Double]) -> Double {
        let answer = contingency(reference: reference, current: current, isCorrected: false)
        let all = reference.reduce(0, +) + current.reduce(0, +)
        return (answer.statistic / all).squareRoot()
    }

    /// Chi-square of the counts now against the shares of the reference, taken as known.
    public static func goodnessOfFit(reference: [Double], current: [Double]) -> TestResult {
        let (n, m) = (reference.reduce(0, +), current.reduce(0, +))
        let statistic = zip(reference, current).reduce(0) { sum, pair in
            let expected = pair.0 * m / n
            if expected == 0 { return pair.1 == 0 ? sum : .infinity }
            return sum + (pair.1 - expected) * (pair.1 - expected) / expected
        }
        let degrees = Double(reference.count - 1)
        return TestResult(
            statistic: statistic,
            pValue: statistic.isFinite ? Distributions.chiSquareTail(statistic, df: degrees) : 0
        )
    }

    /// Fisher's exact test of a 2x2 table, `[[a, b], [c, d]]`.
    ///
    /// - Returns: The odds ratio of the sample and the probability of a table at least as unlikely.
    public static func fisherExact(
        _ a: Int,
        _ b: Int,
        _ c: Int,
        _ d: Int,
        _ alternative: Alternative = .twoSided
    ) -> TestResult {
        let (n, m, hits) = (a + b, c + d, a + c)
        let odds = b * c == 0 ? (a * d == 0 ? Double.nan : .infinity) : Double(a) * Double(d) / (Double(b) * Double(c))
        guard n > 0, m > 0, hits > 0, b + d > 0 else { return TestResult(statistic: .nan, pValue: 1) }
        // The mode-free form: C(n,k) C(m,h-k) / C(n+m,h) from binomial masses with one p cancels the powers.
        let p = Double(hits) / Double(n + m)
        func mass(_ k: Int) -> Double {
            Distributions.binomialMass(k, n, p) * Distributions.binomialMass(hits - k, m, p)
                / Distributions.binomialMass(hits, n + m, p)
        }
        let range = max(0, hits - m)...min(n, hits)
        switch alternative {
        case .greater:
            return TestResult(statistic: odds, pValue: min(1, (a...range.upperBound).reduce(0) { $0 + mass($1) }))
        case .less:
            return TestResult(statistic: odds, pValue: min(1, (range.lowerBound...a).reduce(0) { $0 + mass($1) }))
        case .twoSided:
            let limit = mass(a) * (1 + 1e-7)
            let sum = range.reduce(0) { sum, k in
                let value = mass(k)
                return value <= limit ? sum + value : sum
            }
            return TestResult(statistic: odds, pValue: min(1, sum))
        }
    }
}
