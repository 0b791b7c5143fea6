/// One sample of a numeric feature, sorted once for all tests.
public struct Sample: Sendable, Hashable {
    /// The values, ascending, without NaN.
    public let sorted: [Double]
    /// Values that were NaN and are left out.
    public let missing: Int

    /// Sorts the values that are numbers.
    public init(_ values: [Double]) {
        let numbers = values.contains(where: \.isNaN) ? values.filter { !$0.isNaN } : values
        missing = values.count - numbers.count
        sorted = ascending(numbers)
    }

    /// How many numbers there are.
    public var count: Int { sorted.count }

    /// The arithmetic mean; NaN when empty.
    public var mean: Double { sorted.isEmpty ? .nan : pairwiseSum(sorted[...]) / Double(sorted.count) }

    /// The variance; NaN when there are too few values.
    /// - Parameter freedom: What is taken off the count: 0 for a population, 1 for a sample.
    public func variance(freedom: Int = 0) -> Double {
        guard count > freedom else { return .nan }
        let mean = mean
        return pairwiseSum(sorted.map { ($0 - mean) * ($0 - mean) }[...]) / Double(count - freedom)
    }

    /// The quantile by linear interpolation between neighbours (Hyndman and Fan's type 7); NaN when empty.
    public func quantile(_ p: Double) -> Double { Self.quantile(p, of: sorted) }

    static func quantile(_ p: Double, of sorted: [Double]) -> Double { quantile(p, count: sorted.count) { sorted[$0] } }

    /// The quantile of so many values, of which `value` gives that at a place.
    @inline(__always)
    static func quantile(_ p: Double, count: Int, value: (Int) -> Double) -> Double {
        guard count > 0 else { return .nan }
        let position = min(1, max(0, p)) * Double(count - 1)
        let place = Int(position)
        guard place + 1 < count else { return value(count - 1) }
        let part = position - Double(place)
        let (below, above) = (value(place), value(place + 1))
        let step = above - below
        return part < 0.5 ? below + step * part : above - step * (1 - part)
    }

    /// The middle value; NaN when empty.
    public var median: Double {
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The median distance from the median times 1.4826: the standard deviation, were the values normal.
    public var robustDeviation: Double {
        guard !sorted.isEmpty else { return .nan }
        // The distances grow to both sides of the median, so the middle one is found by merging them.
        let median = median
        var above = lowerBound(sorted, median)
        var below = above - 1
        var (last, before) = (0.0, 0.0)
        for _ in 0...sorted.count / 2 {
            before = last
            let left = below >= 0 ? abs(sorted[below] - median) : .infinity
            let right = above < sorted.count ? abs(sorted[above] - median) : .infinity
            if left <= right {
                last = left
                below -= 1
            } else {
                last = right
                above += 1
            }
        }
        return (sorted.count % 2 == 1 ? last : (before + last) / 2) / 0.674_489_750_196_081_7
    }
}

/// Adds halves, so that the error grows with the logarithm of the count and not with the count.
func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
    guard values.count > 64 else { return values.reduce(0, +) }
    let middle = values.startIndex + values.count / 2
    return pairwiseSum(values[..<middle]) + pairwiseSum(values[middle...])
}

/// The answer of a test: how different, and how likely that is without any difference.
public struct TestResult: Codable, Sendable, Hashable {
    /// The statistic; its meaning is the test's.
    public var statistic: Double
    /// Probability of such a statistic or a larger one when nothing changed.
    public var pValue: Double

    /// Keeps the two numbers.
    public init(statistic: Double, pValue: Double) {
        self.statistic = statistic
        self.pValue = pValue
    }
}

/// In which direction two samples are suspected to differ.
public enum Alternative: String, Codable, Sendable, Hashable, CaseIterable {
    /// Any difference.
    case twoSided = "two-sided"
    /// The first distribution function lies below the second somewhere.
    case less
    /// The first distribution function lies above the second somewhere.
    case greater
}
