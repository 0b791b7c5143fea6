/// Page's cumulative sums about a known level: the quickest way to see a change whose size is known.
///
/// - Source: E. S. Page, Continuous inspection schemes (1954).
public struct CUSUM: Detector {
    /// The level without drift.
    public let level: Double
    /// Half of the change that matters, in the unit of the values.
    public let slack: Double
    /// The sum that is drift.
    public let threshold: Double
    /// Whether falling values are drift too.
    public let isTwoSided: Bool
    /// The sum of what was above the level.
    public private(set) var rise = 0.0
    /// The sum of what was below it.
    public private(set) var fall = 0.0

    private var isDone = false

    /// Begins with sums of 0.
    public init(level: Double, slack: Double, threshold: Double, isTwoSided: Bool = false) {
        self.level = level
        self.slack = slack
        self.threshold = threshold
        self.isTwoSided = isTwoSided
    }

    /// Looks at the next value; warns from half of the threshold on.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone { (rise, fall, isDone) = (0, 0, false) }
        rise = max(0, rise + (value - level - slack))
        if isTwoSided { fall = max(0, fall + (level - value - slack)) }
        let largest = max(rise, fall)
        isDone = largest > threshold
        return isDone ? .drift : largest > threshold / 2 ? .warning : .none
    }
}

/// A moving average with control limits that know how many values it has seen.
///
/// - Source: S. W. Roberts, Control chart tests based on geometric moving averages (1959).
public struct EWMAChart: Detector {
    /// The level without drift.
    public let level: Double
    /// Standard deviation of one value.
    public let deviation: Double
    /// Weight of the newest value, above 0 and up to 1.
    public let lambda: Double
    /// Deviations of the average that are drift.
    public let limit: Double
    /// The moving average.
    public private(set) var average: Double

    private var weight = 1.0
    private var isDone = false

    /// Begins at the level.
    public init(level: Double, deviation: Double, lambda: Double = 0.05, limit: Double = 5) {
        self.level = level
        self.deviation = deviation
        self.lambda = lambda
        self.limit = limit
        average = level
    }

    /// Looks at the next value; warns at three fifths of the limit.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone { (average, weight, isDone) = (level, 1, false) }
        average += lambda * (value - average)
        weight *= (1 - lambda) * (1 - lambda)
        let spread = deviation * (lambda / (2 - lambda) * (1 - weight)).squareRoot()
        let distance = abs(average - level)
        isDone = distance > limit * spread
        return isDone ? .drift : distance > 0.6 * limit * spread ? .warning : .none
    }
}
