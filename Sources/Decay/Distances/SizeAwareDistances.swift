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
        guard reference.count > 0, current.count > 0 else { return TestResult(statistic: 0, pValue: 1) }
        let (low, high) = (reference.quantile(0.005), reference.quantile(0.995))
        guard low < high else { return TestResult(statistic: 0, pValue: 1) }
        let (a, b) = (reference.clipped(to: low...high), current.clipped(to: low...high))
        let distance = Transport.wasserstein(a, b)
        let steps = BridgePaths.knots
        let (n, m) = (Double(a.count), Double(b.count))
        // Quantiles of both together: that of each, weighted by its size.
        let quantiles = (0...steps).map { place in
            let p = Double(place) / Double(steps)
            return (n * a.quantile(p) + m * b.quantile(p)) / (n + m)
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
    /// The values with those outside of a range moved to its ends.
    func clipped(to range: ClosedRange<Double>) -> Sample {
        Sample(ascending: sorted.map { min(range.upperBound, max(range.lowerBound, $0)) })
    }
}

/// Absolute values of Brownian bridges, drawn once.
struct BridgePaths: Sendable {
    static let count = 2048
    static let knots = 64
    static let shared = BridgePaths()

    /// `[path][knot]`, at the middles of equal steps.
    private let values: [Float]

    private init() {
        var generator = CounterGenerator(seed: 64_2048)
        var values: [Float] = []
        values.reserveCapacity(Self.count * Self.knots)
        let half = (0.5 / Double(Self.knots)).squareRoot()
        for _ in 0..<Self.count {
            var (walk, path): (Double, [Double]) = (0, [])
            for _ in 0..<Self.knots {
                walk += half * generator.normal()
                path.append(walk)
                walk += half * generator.normal()
            }
            for (knot, value) in path.enumerated() {
                values.append(Float(abs(value - walk * (Double(knot) + 0.5) / Double(Self.knots))))
            }
        }
        self.values = values
    }

    /// The share of bridges whose area over steps of these widths is at least `area`.
    func tail(_ area: Float, widths: [Float]) -> Double {
        var reached = 1
        values.withUnsafeBufferPointer { values in
            widths.withUnsafeBufferPointer { widths in
                for path in 0..<Self.count {
                    var sum: Float = 0
                    let start = path &* Self.knots
                    for knot in 0..<Self.knots { sum += values[start &+ knot] * widths[knot] }
                    if sum >= area { reached += 1 }
                }
            }
        }
        return Double(reached) / Double(Self.count + 1)
    }
}
