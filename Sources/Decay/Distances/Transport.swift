/// Distances between samples that know how far apart values are.
public enum Transport {
    /// The first Wasserstein distance: the area between the distribution functions, in the unit of the values.
    /// - Complexity: O(n + m).
    public static func wasserstein(_ a: Sample, _ b: Sample) -> Double {
        integrate(a, b) { abs($0) }
    }

    /// The energy distance: `√(2 ∫ (F - G)²)`.
    public static func energy(_ a: Sample, _ b: Sample) -> Double {
        (2 * integrate(a, b) { $0 * $0 }).squareRoot()
    }

    /// The first Wasserstein distance of samples whose values outside of a range are moved to its ends.
    static func wasserstein(_ merged: MergedSamples, clippedTo range: ClosedRange<Double>) -> Double {
        integrate(merged, range) { abs($0) }
    }

    private static func integrate(_ a: Sample, _ b: Sample, _ weight: (Double) -> Double) -> Double {
        integrate(MergedSamples(a, b), -Double.infinity...Double.infinity, weight)
    }

    @inline(__always)
    private static func integrate(
        _ merged: MergedSamples,
        _ range: ClosedRange<Double>,
        _ weight: (Double) -> Double
    ) -> Double {
        guard merged.countA > 0, merged.countB > 0 else { return 0 }
        let (scaleA, scaleB) = (1 / Double(merged.countA), 1 / Double(merged.countB))
        var previous = range.clip(merged.values[0])
        var (rank, sum) = (0, 0.0)
        for place in merged.values.indices {
            let value = range.clip(merged.values[place])
            sum += weight(Double(rank) * scaleA - Double(place - rank) * scaleB) * (value - previous)
            (previous, rank) = (value, Int(merged.ranks[place]))
        }
        return sum
    }
}

extension ClosedRange<Double> {
    /// The value, or the end of the range that it lies beyond.
    func clip(_ value: Double) -> Double { value < lowerBound ? lowerBound : value > upperBound ? upperBound : value }
}

/// The maximum mean discrepancy of two sets of rows under a Gaussian kernel.
public struct MeanDiscrepancy: Codable, Sendable, Hashable {
    /// With the diagonals; never negative.
    public var biased: Double
    /// Without the diagonals; zero on average when nothing changed.
    public var unbiased: Double

    /// Compares all pairs of rows: `exp(-gamma |x - y|²)`.
    /// - Complexity: O((n + m)²); sample large sets first.
    /// - Precondition: All rows have the same number of elements, and each set two rows at least.
    public init(_ a: [[Double]], _ b: [[Double]], gamma: Double) {
        precondition(a.count > 1 && b.count > 1, "a discrepancy needs two rows of each")
        func kernel(_ x: [Double], _ y: [Double]) -> Double {
            Libm.exp(-gamma * zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
        }
        func within(_ rows: [[Double]]) -> Double {
            var sum = 0.0
            for i in rows.indices {
                for j in rows.indices where j > i { sum += kernel(rows[i], rows[j]) }
            }
            return 2 * sum
        }
        var cross = 0.0
        for x in a {
            for y in b { cross += kernel(x, y) }
        }
        let (n, m) = (Double(a.count), Double(b.count))
        let (sumA, sumB) = (within(a), within(b))
        cross *= 2 / (n * m)
        biased = (sumA + n) / (n * n) + (sumB + m) / (m * m) - cross
        unbiased = sumA / (n * (n - 1)) + sumB / (m * (m - 1)) - cross
    }

    /// The probability of such a discrepancy when the two sets are one, by permuting rows `rounds` times.
    /// - Precondition: As for ``init(_:_:gamma:)``; `rounds` is 1 or more.
    public static func permutationTest(
        _ a: [[Double]],
        _ b: [[Double]],
        gamma: Double,
        rounds: Int = 200,
        seed: UInt64 = 0
    ) -> TestResult {
        let observed = MeanDiscrepancy(a, b, gamma: gamma).unbiased
        let rows = a + b
        let count = rows.count
        var kernel = [Double](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in 0..<i {
                let square = zip(rows[i], rows[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                kernel[i * count + j] = Libm.exp(-gamma * square)
                kernel[j * count + i] = kernel[i * count + j]
            }
        }
        var generator = CounterGenerator(seed: seed)
        var order = Array(0..<count)
        var reached = 0
        let (n, m) = (Double(a.count), Double(b.count))
        for _ in 0..<rounds {
            order.shuffle(using: &generator)
            var (own, cross, other) = (0.0, 0.0, 0.0)
            for i in 0..<count {
                for j in 0..<i {
                    let value = kernel[order[i] * count + order[j]]
                    if i < a.count { own += value } else if j < a.count { cross += value } else { other += value }
                }
            }
            let value = 2 * own / (n * (n - 1)) + 2 * other / (m * (m - 1)) - 2 * cross / (n * m)
            if value >= observed { reached += 1 }
        }
        return TestResult(statistic: observed, pValue: Double(reached + 1) / Double(rounds + 1))
    }
}
