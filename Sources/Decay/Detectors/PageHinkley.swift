/// The Page-Hinkley test: the sum of distances from the running mean leaves its lowest or highest value.
///
/// - Source: E. S. Page (1954), with forgetting as in MOA and river.
public struct PageHinkley: Detector {
    /// In which direction drift counts.
    public enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
        /// A rising mean.
        case up
        /// A falling mean.
        case down
        /// Both.
        case both
    }

    /// Values before anything is said.
    public let minimumCount: Int
    /// Distance from the mean that is no change.
    public let delta: Double
    /// The sum that is drift.
    public let threshold: Double
    /// Factor with which the sums are forgotten at every value.
    public let alpha: Double
    /// In which direction drift counts.
    public let mode: Mode
    /// Mean since the last drift.
    public private(set) var mean = 0.0
    /// Sum for a rising mean.
    public private(set) var riseSum = 0.0
    /// Its lowest value.
    public private(set) var riseLow = Double.greatestFiniteMagnitude
    /// Sum for a falling mean.
    public private(set) var fallSum = 0.0
    /// Its highest value.
    public private(set) var fallHigh = -1.0

    private var count = 0
    private var isDone = false

    /// Begins without values.
    public init(
        minimumCount: Int = 30,
        delta: Double = 0.005,
        threshold: Double = 50,
        alpha: Double = 0.9999,
        mode: Mode = .both
    ) {
        self.minimumCount = minimumCount
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode = mode
    }

    /// Looks at the next value.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone {
            (mean, riseSum, riseLow, fallSum, fallHigh, count, isDone) = (
                0, 0, .greatestFiniteMagnitude, 0, -1, 0, false
            )
        }
        count += 1
        mean += (value - mean) / Double(count)
        let distance = value - mean
        riseSum = alpha * riseSum + distance - delta
        fallSum = alpha * fallSum + distance + delta
        riseLow = min(riseLow, riseSum)
        fallHigh = max(fallHigh, fallSum)
        guard count >= minimumCount else { return .none }
        isDone =
            (mode != .down && riseSum - riseLow > threshold) || (mode != .up && fallHigh - fallSum > threshold)
        return isDone ? .drift : .none
    }
}
