/// Distances that are judged by what chance alone gives at the sizes of both samples.
///
/// A fixed threshold calls small batches different because they are small, and lets small changes of large ones pass.
extension SizeAwareStability {
    /// Jensen and Shannon's distance by quantiles of the reference, and the probability of one so large.
    ///
    /// Its square is about an eighth of `(1/n + 1/m)` times chi-square when nothing changed.
    public static func jensenShannonTest(_ reference: Sample, _ current: Sample, bins: Int = 10) -> TestResult {
        guard reference.count > 0, current.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let edges = edges(of: reference, bins: bins)
        let (p, q) = (shares(reference, edges), shares(current, edges))
        return jensenShannonTest(p, reference.count, q, current.count)
    }

    /// The same of shares of the same bins or categories.
    public static func jensenShannonTest(_ p: [Double], _ n: Int, _ q: [Double], _ m: Int) -> TestResult {
        let used = zip(p, q).reduce(0) { $0 + ($1.0 > 0 || $1.1 > 0 ? 1 : 0) }
        guard used > 1, n > 0, m > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let distance = Divergence.jensenShannon(p, q)
        let scale = 1 / Double(n) + 1 / Double(m)
        return TestResult(
            statistic: distance,
            pValue: Distributions.chiSquareTail(8 * distance * distance / scale, df: Double(used - 1))
        )
    }

    /// The first Wasserstein distance in robust deviations of the reference, and the probability of one so large.
    ///
    /// Both samples are clipped to where 99 % of the reference lie, so that one wild value moves nothing.
    /// When nothing changed the distance is the area under a Brownian bridge over the quantiles of both, which is drawn
    /// ``BridgePaths/count`` times.
    public static func wassersteinTest(_ reference: Sample, _ current: Sample) -> TestResult {
        wassersteinTest(reference, current, MergedSamples(reference, current))
    }

    /// The same of samples that are merged already.
    static func wassersteinTest(_ reference: Sample, _ current: Sample, _ merged: MergedSamples) -> TestResult {
        guard reference.count > 0, current.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let (low, high) = (reference.quantile(0.005), reference.quantile(0.995))
        guard low < high else { return TestResult(statistic: 0, pValue: 1) }
        let distance = Transport.wasserstein(merged, clippedTo: low...high)
        let steps = BridgePaths.knots
        let (n, m) = (Double(reference.count), Double(current.count))
        // Quantiles of both together: that of each, weighted by its size.
        let quantiles = (0...steps).map { place in
            let p = Double(place) / Double(steps)
            let (a, b) = (
                reference.quantile(p, clippedTo: low...high), current.quantile(p, clippedTo: low...high)
            )
            return (n * a + m * b) / (n + m)
        }
        let widths = zip(quantiles, quantiles.dropFirst()).map { Float($1 - $0) }
        let scale = (1 / n + 1 / m).squareRoot()
        let robust = reference.robustDeviation
        let unit = robust > 0 ? robust : reference.variance().squareRoot()
        return TestResult(
            statistic: distance / unit,
            pValue: BridgePaths.shared.tail(Float(distance / scale), widths: widths)
        )
    }
}

extension Sample {
    /// The quantile, had the values outside of a range been moved to its ends.
    func quantile(_ p: Double, clippedTo range: ClosedRange<Double>) -> Double {
        Self.quantile(p, count: count) { range.clip(sorted[$0]) }
    }
}

/// Absolute values of Brownian bridges, drawn once.
struct BridgePaths: Sendable {
    static let count = 2048
    static let knots = 64
    static let shared = BridgePaths()

    /// Paths that are added up together, each by itself.
    private typealias Lanes = SIMD8<Float>

    /// `[path / lanes][knot][path % lanes]`, at the middles of equal steps.
    private let values: [Lanes]

    private init() {
        var generator = CounterGenerator(seed: 64_2048)
        var values = [Lanes](repeating: Lanes(), count: Self.count / Lanes.scalarCount * Self.knots)
        let half = (0.5 / Double(Self.knots)).squareRoot()
        for number in 0..<Self.count {
            var (walk, path): (Double, [Double]) = (0, [])
            for _ in 0..<Self.knots {
                walk += half * generator.normal()
                path.append(walk)
                walk += half * generator.normal()
            }
            let (group, lane) = number.quotientAndRemainder(dividingBy: Lanes.scalarCount)
            for (knot, value) in path.enumerated() {
                values[group * Self.knots + knot][lane] =
                    Float(abs(value - walk * (Double(knot) + 0.5) / Double(Self.knots)))
            }
        }
        self.values = values
    }

    /// The share of bridges whose area over steps of these widths is at least `area`.
    func tail(_ area: Float, widths: [Float]) -> Double {
        var reached = SIMD8<Int32>()
        for start in stride(from: 0, to: values.count, by: Self.knots) {
            var sums = Lanes()
            for knot in 0..<Self.knots { sums += values[start &+ knot] * widths[knot] }
            reached.replace(with: reached &+ 1, where: sums .>= area)
        }
        return Double(reached.wrappedSum() + 1) / Double(Self.count + 1)
    }
}
