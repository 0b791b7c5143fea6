/// A metric over consecutive chunks of rows, with limits learned from the chunks of a reference.
public struct ChunkValues: Codable, Sendable, Hashable {
    /// The value of each chunk; NaN where a chunk does not say.
    public var values: [Double]
    /// Standard error of each value from the size of its chunk; empty where none is known.
    public var samplingErrors: [Double]
    /// Three standard errors above each value.
    public var upperBounds: [Double]
    /// Three standard errors below each value.
    public var lowerBounds: [Double]
    /// Values above it are alerts; nil without a limit.
    public var upperThreshold: Double?
    /// Values below it are alerts; nil without a limit.
    public var lowerThreshold: Double?

    /// Whether each value is an alert.
    public var alerts: [Bool] {
        values.map { value in
            upperThreshold.map { value > $0 } ?? false || lowerThreshold.map { value < $0 } ?? false
        }
    }

    /// Keeps values and their limits.
    /// - Parameter range: What the metric can be; bounds and thresholds stay in it.
    public init(
        values: [Double],
        samplingErrors: [Double] = [],
        threshold: (lower: Double?, upper: Double?),
        range: ClosedRange<Double> = -Double.infinity...Double.infinity
    ) {
        self.values = values
        self.samplingErrors = samplingErrors
        upperBounds = zip(values, samplingErrors).map { min(range.upperBound, $0 + 3 * $1) }
        lowerBounds = zip(values, samplingErrors).map { max(range.lowerBound, $0 - 3 * $1) }
        upperThreshold = threshold.upper.map { min(range.upperBound, $0) }
        lowerThreshold = threshold.lower.map { max(range.lowerBound, $0) }
    }

    /// Mean plus and minus three deviations of the reference's chunks, those that have a value.
    public static func threshold(_ reference: [Double], deviations: Double = 3) -> (lower: Double?, upper: Double?) {
        let values = reference.filter { !$0.isNaN }
        guard !values.isEmpty else { return (nil, nil) }
        let mean = pairwiseSum(values[...]) / Double(values.count)
        let spread = (pairwiseSum(values.map { ($0 - mean) * ($0 - mean) }[...]) / Double(values.count)).squareRoot()
        return (mean - deviations * spread, mean + deviations * spread)
    }

    /// Chunks of `size` rows of `count`; the last may be shorter.
    public static func chunks(of count: Int, size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: max(1, size)).map { $0..<min(count, $0 + size) }
    }
}
