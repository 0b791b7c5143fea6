/// The metric moves towards its breach level: when it will cross it, or that it no longer will.
public struct DecayForecast: Event {
    /// Durable; said by the monitor, read by whoever plans.
    public static let kind = EventKind("decay", "forecast")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the forecast is about.
    public var digest: String
    /// Such as `mae`.
    public var metric: String
    /// The mean over the window now.
    public var value: Double
    /// The level that would be crossed.
    public var threshold: Double
    /// True when the last forecast no longer holds; then the numbers are those of the last one.
    public var isWithdrawn: Bool
    /// Labelled predictions until the crossing, most likely.
    public var samples: Int
    /// With 80 % it comes no sooner.
    public var earliest: Int
    /// With 80 % it comes no later.
    public var latest: Int
    /// When that is, at the present rate of labels; none where the rate is not known.
    public var expectedAt: Timestamp?
    /// The sample after which it was made.
    public var key: String
    /// How the forecasts of this pipeline came out so far.
    public var record: Record
    /// One sentence for people.
    public var message: String

    /// The books over forecasts.
    public struct Record: Codable, Sendable, Hashable {
        /// Forecasts whose interval is over or whose crossing came.
        public var settled: Int
        /// Of those, the ones with a crossing inside of the interval.
        public var right: Int
        /// Crossings, forecast or not.
        public var crossings: Int
        /// Of those, the ones that a forecast in force had named.
        public var foreseen: Int

        /// Books from their parts.
        public init(settled: Int, right: Int, crossings: Int, foreseen: Int) {
            self.settled = settled
            self.right = right
            self.crossings = crossings
            self.foreseen = foreseen
        }

        /// Share of forecasts that came true; nil before any was settled.
        public var precision: Double? { settled > 0 ? Double(right) / Double(settled) : nil }
        /// Share of crossings that were foreseen; nil before any.
        public var recall: Double? { crossings > 0 ? Double(foreseen) / Double(crossings) : nil }
    }

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A forecast from its parts.
    public init(
        pipeline: String,
        digest: String,
        metric: String,
        value: Double,
        threshold: Double,
        isWithdrawn: Bool,
        samples: Int,
        earliest: Int,
        latest: Int,
        expectedAt: Timestamp?,
        key: String,
        record: Record,
        message: String
    ) {
        self.pipeline = pipeline
        self.digest = digest
        self.metric = metric
        self.value = value
        self.threshold = threshold
        self.isWithdrawn = isWithdrawn
        self.samples = samples
        self.earliest = earliest
        self.latest = latest
        self.expectedAt = expectedAt
        self.key = key
        self.record = record
        self.message = message
    }
}
