/// The population stability index by quantiles of the reference, judged by what chance alone gives at these sizes.
///
/// Bins of equal counts are not moved by one far value, and the index of two samples of one population is about
/// `(1/n + 1/m)` times chi-square: with that a small batch does not look different because it is small.
/// - Source: B. Yurdakul and J. Naranjo, Statistical properties of the population stability index (2020).
public enum SizeAwareStability {
    /// The index with open outer bins; a bin holds its upper edge.
    /// - Parameter fill: The share of an empty bin.
    public static func decileIndex(_ reference: Sample, _ current: Sample, edges: [Double], fill: Double) -> Double {
        let (p, q) = (shares(reference, edges), shares(current, edges))
        return Divergence.populationStability(p.map { $0 == 0 ? fill : $0 }, q.map { $0 == 0 ? fill : $0 })
    }

    /// Compares a sample with its reference.
    ///
    /// - Returns: The index, and the probability of one so large when nothing changed.
    public static func test(_ reference: Sample, _ current: Sample, bins: Int = 10) -> TestResult {
        guard reference.count > 0, current.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let edges = edges(of: reference, bins: bins)
        return test(shares(reference, edges), reference.count, shares(current, edges), current.count)
    }

    /// Compares shares of the same bins or categories; bins that are empty on both sides do not count.
    public static func test(_ p: [Double], _ n: Int, _ q: [Double], _ m: Int) -> TestResult {
        // Half a row in an empty bin keeps the logarithm finite and the index near its distribution.
        let (a, b) = (Double(n), Double(m))
        var (index, statistic) = (0.0, 0.0)
        var used = 0
        for (x, y) in zip(p, q) where x > 0 || y > 0 {
            used += 1
            let (s, t) = (max(x, 0.5 / a), max(y, 0.5 / b))
            index += (s - t) * Libm.log(s / t)
            // Chi-square of two samples: what the index tends to, without its heavy tail where bins are nearly empty.
            let pooled = (x * a + y * b) / (a + b)
            if pooled > 0 { statistic += (x - y) * (x - y) / pooled }
        }
        statistic /= 1 / a + 1 / b
        guard used > 1 else { return TestResult(statistic: 0, pValue: 1) }
        return TestResult(statistic: index, pValue: Distributions.chiSquareTail(statistic, df: Double(used - 1)))
    }

    /// Quantiles of a reference with open ends; fewer than asked where many values are the same.
    static func edges(of reference: Sample, bins: Int) -> [Double] {
        var edges = [-Double.infinity]
        for i in 1..<bins {
            let edge = reference.quantile(Double(i) / Double(bins))
            if edge > edges[edges.count - 1] { edges.append(edge) }
        }
        edges.append(.infinity)
        return edges
    }

    static func shares(_ sample: Sample, _ edges: [Double]) -> [Double] {
        let values = sample.sorted
        var bounds = edges.map { upperBound(values, $0) }
        bounds[0] = 0
        bounds[bounds.count - 1] = values.count
        return zip(bounds, bounds.dropFirst()).map { Double($1 - $0) / Double(values.count) }
    }
}
