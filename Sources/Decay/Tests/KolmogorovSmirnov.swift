/// The Kolmogorov-Smirnov test of two samples: the largest distance of their distribution functions.
public enum KolmogorovSmirnov {
    /// How the probability is found.
    public enum Method: String, Codable, Sendable, Hashable, CaseIterable {
        /// Exact up to 10 000 values a sample.
        case auto
        /// By counting the orders in which the values could have come.
        case exact
        /// From the distribution of one sample of the harmonic size.
        case asymptotic = "asymp"
    }

    /// The answer, and where the distance is.
    public struct Result: Codable, Sendable, Hashable {
        /// The largest distance, 0...1.
        public var statistic: Double
        /// Probability of it when nothing changed.
        public var pValue: Double
        /// The value at which the distance is largest.
        public var location: Double
        /// 1 when the first distribution function is above there, -1 when below.
        public var sign: Int
    }

    /// Samples up to this size are judged exactly by ``Method/auto``.
    public static let exactMax = 10_000

    /// The largest distance alone.
    /// - Complexity: O(n + m).
    public static func distance(_ a: Sample, _ b: Sample) -> Double {
        let (above, below) = extremes(a, b)
        return max(above, below)
    }

    /// Compares two samples.
    ///
    /// - Returns: A statistic of 0 with probability 1 when a sample is empty.
    /// - Complexity: O(n + m) for the statistic; O(n·m) at most for the exact probability of unequal sizes.
    public static func test(
        _ a: Sample,
        _ b: Sample,
        alternative: Alternative = .twoSided,
        method: Method = .auto
    ) -> Result {
        test(MergedSamples(a, b), alternative: alternative, method: method)
    }

    /// Compares two samples that are merged already.
    static func test(
        _ merged: MergedSamples,
        alternative: Alternative = .twoSided,
        method: Method = .auto
    ) -> Result {
        let (n, m) = (merged.countA, merged.countB)
        guard n > 0, m > 0 else { return Result(statistic: 0, pValue: 1, location: .nan, sign: 1) }
        let place = located(merged, alternative)
        let exact = method == .exact || (method == .auto && max(n, m) <= exactMax)
        let p =
            exact
            ? exactTail(place.statistic, n, m, alternative) : asymptoticTail(place.statistic, n, m, alternative)
        return Result(statistic: place.statistic, pValue: min(1, max(0, p)), location: place.location, sign: place.sign)
    }

    /// Probability of a distance of at least `d` from the distribution of one sample.
    public static func asymptoticTail(_ d: Double, _ n: Int, _ m: Int, _ alternative: Alternative = .twoSided) -> Double
    {
        let (large, small) = (Double(max(n, m)), Double(min(n, m)))
        let size = large * small / (large + small)
        if alternative == .twoSided { return Kolmogorov.tail(d, n: Int(size.rounded(.toNearestOrEven))) }
        // Hodges (1958), 5.3.
        let z = size.squareRoot() * d
        return Libm.exp(
            -2 * z * z - 2 * z * (large + 2 * small) / (large * small * (large + small)).squareRoot() / 3
        )
    }

    /// Probability of a distance of at least `d` when every order of the values is equally likely.
    ///
    /// Only positive terms are added, so small probabilities keep their digits.
    public static func exactTail(_ d: Double, _ n: Int, _ m: Int, _ alternative: Alternative = .twoSided) -> Double {
        let divisor = greatestCommonDivisor(n, m)
        let (stepA, stepB) = (m / divisor, n / divisor)
        let bound = Int((d * Double(stepA) * Double(n)).rounded(.toNearestOrEven))
        guard bound > 0 else { return 1 }
        if n == m { return equalTail(n, bound, alternative) }
        return exitProbability(n, m, stepA, stepB, bound, isTwoSided: alternative == .twoSided)
    }

    private static func equalTail(_ n: Int, _ h: Int, _ alternative: Alternative) -> Double {
        func term(_ k: Int) -> Double {
            var p = 1.0
            for j in 0..<h { p = Double(n - k * h - j) * p / Double(n + k * h + j + 1) }
            return p
        }
        if alternative != .twoSided { return term(0) }
        var p = 0.0
        for k in stride(from: n / h, through: 0, by: -1) { p = term(k) * (1 - p) }
        return 2 * p
    }

    /// The probability that a random path over the grid leaves the band, summed over the places where it leaves first.
    private static func exitProbability(
        _ n: Int,
        _ m: Int,
        _ stepA: Int,
        _ stepB: Int,
        _ bound: Int,
        isTwoSided: Bool
    ) -> Double {
        var row = [Double](repeating: 0, count: m + 1)
        row[0] = 1
        var outside = 0.0
        for i in 0...n {
            // Row i of the grid; `row[j]` holds what arrived from row i - 1.
            var low = 0
            if i > 0 {
                for j in 0...m {
                    guard i * stepA - j * stepB >= bound else {
                        break
                    }
                    outside += row[j]
                    row[j] = 0
                    low = j + 1
                }
            }
            guard low <= m else { break }
            var j = low
            while j <= m {
                let mass = row[j]
                let rest = Double(n + m - i - j)
                if isTwoSided, j * stepB - i * stepA >= bound {
                    if mass == 0, row[j...].allSatisfy({ $0 == 0 }) { break }
                    outside += mass
                    row[j] = 0
                } else if mass > 0, rest > 0 {
                    let up = mass * Double(m - j) / rest
                    if j < m { row[j + 1] += up }
                    row[j] = mass * Double(n - i) / rest
                }
                j += 1
            }
        }
        return outside
    }

    private static func extremes(_ a: Sample, _ b: Sample) -> (above: Double, below: Double) {
        let (n, m) = (a.count, b.count)
        guard n > 0, m > 0 else { return (0, 0) }
        let (scaleA, scaleB) = (Double(n), Double(m))
        var (i, j) = (0, 0)
        var (above, below) = (0.0, 0.0)
        a.sorted.withUnsafeBufferPointer { a in
            b.sorted.withUnsafeBufferPointer { b in
                while i < n, j < m {
                    let value = min(a[i], b[j])
                    while i < n, a[i] == value { i += 1 }
                    while j < m, b[j] == value { j += 1 }
                    let difference = Double(i) / scaleA - Double(j) / scaleB
                    above = max(above, difference)
                    below = max(below, -difference)
                }
            }
        }
        return (above, below)
    }

    /// Where the distance is, and how large.
    ///
    /// Of places with the same distance the first at a value of the first sample counts, and then that of the second.
    private static func located(
        _ merged: MergedSamples,
        _ alternative: Alternative
    ) -> (statistic: Double, location: Double, sign: Int) {
        var (leastA, leastB) = (Extreme(value: .infinity), Extreme(value: .infinity))
        var (mostA, mostB) = (Extreme(value: -.infinity), Extreme(value: -.infinity))
        var (low, high) = (Double.infinity, -Double.infinity)
        let sizes = SIMD2(Double(merged.countA), Double(merged.countB))
        var (before, beforeB) = (0, 0)
        merged.forEachValue { value, a, b in
            let shares = SIMD2(Double(a), Double(b)) / sizes
            let difference = shares.x - shares.y
            // Few places are as far out as all before; which sample they are of is only asked of these.
            if difference <= low || difference >= high {
                low = min(low, difference)
                high = max(high, difference)
                let here = Extreme(value: difference, location: value)
                if a > before {
                    if difference < leastA.value { leastA = here }
                    if difference > mostA.value { mostA = here }
                }
                if b > beforeB {
                    if difference < leastB.value { leastB = here }
                    if difference > mostB.value { mostB = here }
                }
            }
            (before, beforeB) = (a, b)
        }
        let least = leastB.value < leastA.value ? leastB : leastA
        let most = mostB.value > mostA.value ? mostB : mostA
        let below = min(1, max(0, -least.value))
        let above = most.value
        if alternative == .less || (alternative == .twoSided && below > above) { return (below, least.location, -1) }
        return (above, most.location, 1)
    }

    private struct Extreme {
        var value: Double
        var location = Double.nan
    }
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
}
