import Synchronization

/// Tests of two samples by ranks and by moments.
public enum TwoSampleTests {
    /// Cramér-von Mises: the mean square distance of the distribution functions.
    ///
    /// - Parameter exact: Counts all orders; for samples of some twenty values. By default up to 20.
    /// - Source: T. W. Anderson (1962); Y. Xiao, A. Gordon and A. Yakovlev (2006) for the exact distribution.
    public static func cramerVonMises(_ a: Sample, _ b: Sample, exact: Bool? = nil) -> TestResult {
        guard a.count > 0, b.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let (n, m) = (Double(a.count), Double(b.count))
        let ranks = midranks(a, b)
        var (sumA, sumB) = (0.0, 0.0)
        for (i, rank) in ranks.a.enumerated() { sumA += (rank - Double(i + 1)) * (rank - Double(i + 1)) }
        for (j, rank) in ranks.b.enumerated() { sumB += (rank - Double(j + 1)) * (rank - Double(j + 1)) }
        let u = n * sumA + m * sumB
        let (k, all) = (n * m, n + m)
        let t = u / (k * all) - (4 * k - 1) / (6 * all)
        if exact ?? (max(a.count, b.count) <= 20) {
            return TestResult(statistic: t, pValue: cramerVonMisesExact(u, a.count, b.count))
        }
        let expected = (1 + 1 / all) / 6
        let variance = (all + 1) * (4 * k * all - 3 * (n * n + m * m) - 2 * k) / (45 * all * all * 4 * k)
        let scaled = 1.0 / 6 + (t - expected) / (45 * variance).squareRoot()
        let p = scaled < 0.003 ? 1 : max(0, 1 - cramerVonMisesLimit(scaled))
        return TestResult(statistic: t, pValue: p)
    }

    /// The limit distribution; the sum ends at the first term under 1e-7.
    private static func cramerVonMisesLimit(_ x: Double) -> Double {
        var total = 0.0
        for k in 0..<1000 {
            let k = Double(k)
            let y = 4 * k + 1
            let q = y * y / (16 * x)
            let u =
                Libm.exp(SpecialFunctions.logGamma(k + 0.5) - SpecialFunctions.logGamma(k + 1))
                / (Libm.pow(.pi, 1.5) * x.squareRoot())
            // exp(-q) K(q) = exp(-2q) (exp(q) K(q))
            let term = u * y.squareRoot() * Libm.exp(-2 * q) * SpecialFunctions.besselKQuarterScaled(q)
            total += term
            if abs(term) < 1e-7 { break }
        }
        return total
    }

    private static func cramerVonMisesExact(_ u: Double, _ n: Int, _ m: Int) -> Double {
        let multiple = n / greatestCommonDivisor(n, m) * m
        let (a, b) = (multiple / n, multiple / m)
        let product = Double(n * m)
        let bound =
            (Double(multiple * multiple) * Double(n + m) * (6 * u - product * (4 * product - 1))
            / (6 * product * product))
            .rounded(.down)
        // The frequency of each value of the statistic over all paths that end at a place of the grid.
        var column: [[Int: Double]] = Array(repeating: [:], count: n + 1)
        for j in 0...m {
            var below: [Int: Double] = [:]
            for i in 0...n {
                var here = i == 0 && j == 0 ? [0: 1] : column[i]
                if i > 0 { here.merge(below) { $0 + $1 } }
                let step = (a * i - b * j) * (a * i - b * j)
                var moved: [Int: Double] = [:]
                moved.reserveCapacity(here.count)
                for (value, count) in here { moved[value + step] = count }
                column[i] = moved
                below = moved
            }
        }
        let last = column[n]
        let all = last.values.reduce(0, +)
        return last.reduce(0) { Double($1.key) >= bound ? $0 + $1.value : $0 } / all
    }

    /// Mann-Whitney with the correction for continuity and ties, two-sided; the statistic is that of the first sample.
    public static func mannWhitney(_ a: Sample, _ b: Sample) -> TestResult {
        guard a.count > 0, b.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let (n, m) = (Double(a.count), Double(b.count))
        let ranks = midranks(a, b)
        let u = ranks.a.reduce(0, +) - n * (n + 1) / 2
        let all = n + m
        let deviation = (n * m / 12 * ((all + 1) - ranks.tieTerm / (all * (all - 1)))).squareRoot()
        let z = (max(u, n * m - u) - n * m / 2 - 0.5) / deviation
        return TestResult(statistic: u, pValue: z.isNaN ? 1 : min(1, 2 * Distributions.normalTail(z)))
    }

    /// The answer of Welch's test, with its degrees of freedom.
    public struct Welch: Codable, Sendable, Hashable {
        /// Student's t.
        public var statistic: Double
        /// Two-sided probability.
        public var pValue: Double
        /// Degrees of freedom after Satterthwaite.
        public var df: Double
    }

    /// Welch's test of two means; two-sided.
    public static func welch(_ a: Sample, _ b: Sample) -> Welch {
        let (n, m) = (Double(a.count), Double(b.count))
        let (va, vb) = (a.variance(freedom: 1) / n, b.variance(freedom: 1) / m)
        let t = (a.mean - b.mean) / (va + vb).squareRoot()
        let df = (va + vb) * (va + vb) / (va * va / (n - 1) + vb * vb / (m - 1))
        return Welch(statistic: t, pValue: Distributions.studentTwoSided(t, df: df), df: df)
    }

    /// Levene's test of two variances about the medians, after Brown and Forsythe.
    public static func brownForsythe(_ a: Sample, _ b: Sample) -> TestResult {
        let (medianA, medianB) = (a.median, b.median)
        let za = a.sorted.map { abs($0 - medianA) }
        let zb = b.sorted.map { abs($0 - medianB) }
        let (n, m) = (Double(za.count), Double(zb.count))
        let (meanA, meanB) = (pairwiseSum(za[...]) / n, pairwiseSum(zb[...]) / m)
        let mean = (n * meanA + m * meanB) / (n + m)
        let between = n * (meanA - mean) * (meanA - mean) + m * (meanB - mean) * (meanB - mean)
        let within =
            pairwiseSum(za.map { ($0 - meanA) * ($0 - meanA) }[...])
            + pairwiseSum(zb.map { ($0 - meanB) * ($0 - meanB) }[...])
        let f = (n + m - 2) * between / within
        return TestResult(statistic: f, pValue: Distributions.fisherTail(f, 1, n + m - 2))
    }

    /// Anderson-Darling for two samples, which weighs the tails; midranks for ties.
    ///
    /// - Returns: The standardized statistic. The probability is interpolated in the published critical values and
    ///   never leaves 0.001...0.25, the range of the table.
    /// - Source: F. W. Scholz and M. A. Stephens, K-sample Anderson-Darling tests (1987).
    public static func andersonDarling(_ a: Sample, _ b: Sample) -> TestResult {
        andersonDarling(MergedSamples(a, b))
    }

    /// The same of samples that are merged already.
    static func andersonDarling(_ merged: MergedSamples) -> TestResult {
        let count = merged.values.count
        guard merged.countA > 0, merged.countB > 0, count > 4 else { return TestResult(statistic: 0, pValue: 1) }
        let all = Double(count)
        let sizes = SIMD2(Double(merged.countA), Double(merged.countB))
        let single = 1 / all
        var statistic = 0.0
        var before = SIMD2(0.0, 0.0)
        merged.forEachValue { _, a, b in
            let ranks = SIMD2(Double(a), Double(b))
            let own = ranks - before
            let here = own.x + own.y
            let middle = before.x + before.y + here / 2
            let divisor = middle * (all - middle) - all * here / 4
            if divisor > 0 {
                let distances = all * (before + own / 2) - sizes * middle
                let squares = distances * distances / sizes
                statistic += (here == 1 ? single : here / all) * (squares.x + squares.y) / divisor
            }
            before = ranks
        }
        statistic *= (all - 1) / all
        let reciprocal = 1 / sizes.x + 1 / sizes.y
        let sums = ReciprocalSums.of(count)
        let (g, k, h) = (sums.double, 2.0, sums.harmonic)
        let ca = (4 * g - 6) * (k - 1) + (10 - 6 * g) * reciprocal
        let cb = (2 * g - 4) * k * k + 8 * h * k + (2 * g - 14 * h - 4) * reciprocal - 8 * h + 4 * g - 6
        let cc = (6 * h + 2 * g - 2) * k * k + (4 * h - 4 * g + 6) * k + (2 * h - 6) * reciprocal + 4 * h
        let cd = (2 * h + 6) * k * k - 4 * h * k
        let variance =
            (ca * all * all * all + cb * all * all + cc * all + cd) / ((all - 1) * (all - 2) * (all - 3))
        let standardized = (statistic - (k - 1)) / variance.squareRoot()
        // Critical values b0 + b1/sqrt(m) + b2/m for m = k - 1 = 1.
        let critical = [0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546]
        let levels = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001]
        let last = critical.count - 1
        if standardized <= critical[0] { return TestResult(statistic: standardized, pValue: levels[0]) }
        if standardized >= critical[last] { return TestResult(statistic: standardized, pValue: levels[last]) }
        let place = critical.lastIndex { $0 <= standardized } ?? 0
        let part = (standardized - critical[place]) / (critical[place + 1] - critical[place])
        let log = Libm.log(levels[place]) + part * (Libm.log(levels[place + 1]) - Libm.log(levels[place]))
        return TestResult(statistic: standardized, pValue: Libm.exp(log))
    }

    private static func midranks(_ a: Sample, _ b: Sample) -> (a: [Double], b: [Double], tieTerm: Double) {
        var (ranksA, ranksB): ([Double], [Double]) = ([], [])
        ranksA.reserveCapacity(a.count)
        ranksB.reserveCapacity(b.count)
        var (i, j) = (0, 0)
        var ties = 0.0
        while i < a.count || j < b.count {
            let value = min(i < a.count ? a.sorted[i] : .infinity, j < b.count ? b.sorted[j] : .infinity)
            let (firstI, firstJ) = (i, j)
            while i < a.count, a.sorted[i] == value { i += 1 }
            while j < b.count, b.sorted[j] == value { j += 1 }
            let count = Double(i - firstI + j - firstJ)
            let rank = Double(firstI + firstJ) + (count + 1) / 2
            ranksA.append(contentsOf: repeatElement(rank, count: i - firstI))
            ranksB.append(contentsOf: repeatElement(rank, count: j - firstJ))
            ties += count * count * count - count
        }
        return (ranksA, ranksB, ties)
    }
}

/// Sums of reciprocals that the variance of Anderson and Darling's statistic hangs on.
private struct ReciprocalSums: Sendable {
    let count: Int
    /// `Σ 1/k` up to `count - 1`.
    let harmonic: Double
    /// `Σ_{i=1}^{n-2} Σ_{j=i+1}^{n-1} 1/((n - i) j)`.
    let double: Double

    /// The columns of a table have mostly the same number of rows.
    private static let latest = Mutex<ReciprocalSums?>(nil)

    /// Those of so many values.
    /// - Complexity: O(n), and O(1) when asked again.
    static func of(_ count: Int) -> ReciprocalSums {
        latest.withLock { latest in
            if let latest, latest.count == count { return latest }
            let sums = ReciprocalSums(count)
            latest = sums
            return sums
        }
    }

    private init(_ count: Int) {
        self.count = count
        harmonic = (1..<count).reduce(0) { $0 + 1 / Double($1) }
        var (tail, sum) = (0.0, 0.0)
        for i in stride(from: count - 2, through: 1, by: -1) {
            tail += 1 / Double(i + 1)
            sum += tail / Double(count - i)
        }
        double = sum
    }
}
