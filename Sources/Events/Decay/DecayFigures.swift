/// What the monitor saw, in the units of the metric.
public struct DecayFigures: Codable, Sendable, Hashable {
    /// `error` for a metric over its level, `input-range` for inputs that training never covered.
    public var cause: String
    /// Such as `mae`.
    public var metric: String
    /// The mean over the window; for `input-range` the value that was outside.
    public var value: Double
    /// The champion's own; see ``RolloutStepped/baseline``. For `input-range` the same as ``breach``.
    public var baseline: Double
    /// Level from which decay is suspected; for `input-range` the smallest value that training covered.
    public var near: Double
    /// Level from which decay counts; for `input-range` the largest value that training covered.
    public var breach: Double
    /// Labelled predictions in the window.
    public var window: Int
    /// The sample that completed the picture.
    public var key: String
    /// The first sample of this episode that was over the near level.
    public var firstSuspectKey: String?
    /// When that sample was answered: the beginning (T0) of the lap that may follow.
    public var firstSuspectAt: Timestamp?
    /// One sentence for people.
    public var message: String

    /// Figures from their parts.
    public init(
        cause: String,
        metric: String,
        value: Double,
        baseline: Double,
        near: Double,
        breach: Double,
        window: Int,
        key: String,
        firstSuspectKey: String?,
        firstSuspectAt: Timestamp?,
        message: String
    ) {
        self.cause = cause
        self.metric = metric
        self.value = value
        self.baseline = baseline
        self.near = near
        self.breach = breach
        self.window = window
        self.key = key
        self.firstSuspectKey = firstSuspectKey
        self.firstSuspectAt = firstSuspectAt
        self.message = message
    }
}
