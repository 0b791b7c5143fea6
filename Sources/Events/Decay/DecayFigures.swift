/// What the monitor saw, in the units of the metric.
///
/// The fields after `message` may be left out by others who say decay.
public struct DecayFigures: Codable, Sendable, Hashable {
    /// Why: `performance`, `concept`, `inputs`, `quality` or `calibration`, see ``DecayCause``.
    public var cause: String
    /// Such as `mae`; for `inputs` and `quality` the feature.
    public var metric: String
    /// The mean over the window; for `inputs` and `quality` the value that the detector judged.
    public var value: Double
    /// What it is held against: the champion's own metric, see ``RolloutStepped/baseline``, or what was learned; for
    /// `inputs` and `quality` the reference's value.
    public var baseline: Double
    /// Level from which decay is suspected; for values outside of training the smallest that training covered.
    public var near: Double
    /// Level from which decay counts; for values outside of training the largest that training covered.
    public var breach: Double
    /// Labelled predictions in the window; for `inputs` and `quality` rows.
    public var window: Int
    /// The sample that completed the picture.
    public var key: String
    /// The first sample of this episode that was over the near level.
    public var firstSuspectKey: String?
    /// When that sample was answered: the beginning (T0) of the lap that may follow.
    public var firstSuspectAt: Timestamp?
    /// One sentence for people.
    public var message: String
    /// Which detector saw it, such as `threshold` or `sequential`; docs/pipeline.md has all.
    public var detector: String?
    /// How much it matters: `info` where labels show that it does not, or not yet.
    public var severity: Severity?
    /// Where the true value lies with 95 %.
    public var interval: Interval?
    /// Probability of such a value when nothing changed, corrected for the number of features.
    public var pValue: Double?
    /// Evidence that something changed, as a factor: 1 is none, the inverse of the false-alarm budget is an alarm.
    public var eValue: Double?
    /// Labelled predictions of the champion so far.
    public var labels: Int?
    /// Share of the champion's predictions that have a label, among those whose labels are due.
    public var labelledShare: Double?
    /// What performance without labels was estimated at, while the estimate was believed.
    public var estimate: Double?
    /// Number of the episode within the champion's time, from 1; the events of one episode have the same.
    public var episode: Int?
    /// How often this episode was said again, from 1.
    public var repeats: Int?
    /// The pipeline's `policy.cooldown`: no run by decay begins sooner after the end of the last.
    public var cooldownSeconds: Double?
    /// The features that contributed, the most first; at most ``featuresMax``.
    public var features: [Contribution]?

    /// Features that are named at most.
    public static let featuresMax = 5

    /// Between which two values the true one lies.
    public struct Interval: Codable, Sendable, Hashable {
        /// The lower end.
        public var low: Double
        /// The upper end.
        public var high: Double

        /// An interval from its ends.
        public init(low: Double, high: Double) {
            self.low = low
            self.high = high
        }
    }

    /// What one feature has to do with it.
    public struct Contribution: Codable, Sendable, Hashable {
        /// Its name in the pipeline, with the element for inputs of several: `price[3]`.
        public var feature: String
        /// What is unusual: `drift`, `out-of-range`, `missing`, `out-of-schema`, `unseen`, `constant`, `stale`, `outlier` or
        /// `duplicate`.
        public var finding: String
        /// How much, from 0 (nothing) to 1 (everything): the distance of distributions, or a share of rows.
        public var score: Double
        /// Probability of such a distance when nothing changed, corrected for the number of features.
        public var pValue: Double?

        /// A contribution from its parts.
        public init(feature: String, finding: String, score: Double, pValue: Double? = nil) {
            self.feature = feature
            self.finding = finding
            self.score = score
            self.pValue = pValue
        }
    }

    /// Figures from their parts; what came later is set afterwards.
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
