/// What the monitor saw, in the units of the metric.
public struct DecayFigures: Codable, Sendable, Hashable {
    /// `error` for a metric over its level, `input-range` for inputs that training never covered.
    public var cause: String
    /// Such as `mae`.
    public var metric: String
    /// The rolling value and the levels it is held against.
    public var value: Double
    public var baseline: Double
    public var near: Double
    public var breach: Double
    /// Labelled predictions in the window.
    public var window: Int
    /// The sample that completed the picture.
    public var key: String
    /// The first sample of this episode that was over the near level, and when it was answered.
    public var firstSuspectKey: String?
    public var firstSuspectAt: Timestamp?
    /// One sentence for people.
    public var message: String

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
