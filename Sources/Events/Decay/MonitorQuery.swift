/// Asks the monitor how it sees a pipeline; a request of class `q`, answered with ``MonitorAnswer``.
public struct MonitorQuery: Event {
    /// A question (class `q`): kept in memory, leased to one monitor, and asked again by whoever got no
    /// answer.
    public static let kind = EventKind("monitor", "query", reliability: .work)

    /// The pipeline.
    public var pipeline: String

    /// The pipeline, as the topic's last segment; any monitor answers about it.
    public var subject: String { pipeline }

    /// A question about one pipeline.
    public init(pipeline: String) { self.pipeline = pipeline }
}

/// How the monitor sees a pipeline's champion.
public struct MonitorAnswer: Codable, Sendable, Hashable {
    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that is watched.
    public var digest: String
    /// Predictions of the champion so far.
    public var predictions: Int
    /// Of those, the ones with a label.
    public var labels: Int
    /// Share of predictions with a label, among those whose labels are due; none before any is.
    public var labelledShare: Double?
    /// Labels that came after the time-out.
    public var labelsLate: Int
    /// Labels that another value replaced.
    public var labelsCorrected: Int
    /// Episodes of decay in the champion's time.
    public var episodes: Int
    /// What is watched, the pipeline's metric first.
    public var values: [Value]
    /// When the metric will cross its breach level; none where it does not move towards it.
    public var forecast: Forecast?
    /// How forecasts came out.
    public var record: DecayForecast.Record
    /// Performance without labels.
    public var estimate: Estimate?
    /// The newest windows by the time of the predictions, the newest first.
    public var windows: [Window]
    /// Features by how far they are from their reference, the farthest first.
    public var features: [Feature]

    /// One watched value: of all predictions, of a slice or of a node.
    public struct Value: Codable, Sendable, Hashable {
        /// `all`, or such as `node=node-1` or `hour=13`.
        public var part: String
        /// Such as `mae`.
        public var metric: String
        /// The mean over the newest labelled predictions; none while there are too few: then it is unknown.
        public var value: Double?
        /// Where the true value lies with 95 %.
        public var interval: DecayFigures.Interval?
        /// What it is held against; none while that is being learned.
        public var baseline: Double?
        /// Level from which decay is suspected.
        public var near: Double?
        /// Level from which decay counts.
        public var breach: Double?
        /// `unknown`, `normal`, `near` or `breach`.
        public var zone: String
        /// Labelled predictions in the value.
        public var window: Int
        /// The sequential detector's evidence as a share of what gives an alarm; none for parts.
        public var evidence: Double?

        /// A value from its parts.
        public init(
            part: String,
            metric: String,
            value: Double?,
            interval: DecayFigures.Interval?,
            baseline: Double?,
            near: Double?,
            breach: Double?,
            zone: String,
            window: Int,
            evidence: Double?
        ) {
            self.part = part
            self.metric = metric
            self.value = value
            self.interval = interval
            self.baseline = baseline
            self.near = near
            self.breach = breach
            self.zone = zone
            self.window = window
            self.evidence = evidence
        }
    }

    /// A forecast in force.
    public struct Forecast: Codable, Sendable, Hashable {
        /// Labelled predictions until the crossing, most likely.
        public var samples: Int
        /// With 80 % it comes no sooner.
        public var earliest: Int
        /// With 80 % it comes no later.
        public var latest: Int

        /// A forecast from its parts.
        public init(samples: Int, earliest: Int, latest: Int) {
            self.samples = samples
            self.earliest = earliest
            self.latest = latest
        }
    }

    /// Performance without labels.
    public struct Estimate: Codable, Sendable, Hashable {
        /// The metric as it is estimated for the newest predictions; none before there are enough.
        public var value: Double?
        /// Whether it is believed.
        public var isTrusted: Bool
        /// The estimate less what labels said, on average.
        public var gap: Double

        /// An estimate from its parts.
        public init(value: Double?, isTrusted: Bool, gap: Double) {
            self.value = value
            self.isTrusted = isTrusted
            self.gap = gap
        }
    }

    /// A window by the time of the predictions.
    public struct Window: Codable, Sendable, Hashable {
        /// Its beginning.
        public var from: Timestamp
        /// Predictions in it.
        public var predictions: Int
        /// Share of them that has a label.
        public var labelledShare: Double
        /// The metric of those; none under the minimum of labels: then it is unknown.
        public var value: Double?
        /// Where the true value lies with 95 %.
        public var interval: DecayFigures.Interval?
        /// Whether its labels are no longer waited for.
        public var isFinal: Bool

        /// A window from its parts.
        public init(
            from: Timestamp,
            predictions: Int,
            labelledShare: Double,
            value: Double?,
            interval: DecayFigures.Interval?,
            isFinal: Bool
        ) {
            self.from = from
            self.predictions = predictions
            self.labelledShare = labelledShare
            self.value = value
            self.interval = interval
            self.isFinal = isFinal
        }
    }

    /// How one feature stands to its reference.
    public struct Feature: Codable, Sendable, Hashable {
        /// Its name, with the element for inputs of several: `price[3]`.
        public var feature: String
        /// Rows in the reference.
        public var referenceRows: Int
        /// The reference's median; none before the first row.
        public var referenceMedian: Double?
        /// The median of the newest rows.
        public var median: Double?
        /// The largest distance of the two distribution functions, 0...1.
        public var distance: Double
        /// Probability of such a distance when nothing changed, not corrected; 1 where it cannot be told.
        public var pValue: Double
        /// The sequential detector's evidence as a share of what gives an alarm.
        public var evidence: Double

        /// A feature from its parts.
        public init(
            feature: String,
            referenceRows: Int,
            referenceMedian: Double?,
            median: Double?,
            distance: Double,
            pValue: Double,
            evidence: Double
        ) {
            self.feature = feature
            self.referenceRows = referenceRows
            self.referenceMedian = referenceMedian
            self.median = median
            self.distance = distance
            self.pValue = pValue
            self.evidence = evidence
        }
    }

    /// An answer from its parts.
    public init(
        pipeline: String,
        digest: String,
        predictions: Int,
        labels: Int,
        labelledShare: Double?,
        labelsLate: Int,
        labelsCorrected: Int,
        episodes: Int,
        values: [Value],
        forecast: Forecast?,
        record: DecayForecast.Record,
        estimate: Estimate?,
        windows: [Window],
        features: [Feature]
    ) {
        self.pipeline = pipeline
        self.digest = digest
        self.predictions = predictions
        self.labels = labels
        self.labelledShare = labelledShare
        self.labelsLate = labelsLate
        self.labelsCorrected = labelsCorrected
        self.episodes = episodes
        self.values = values
        self.forecast = forecast
        self.record = record
        self.estimate = estimate
        self.windows = windows
        self.features = features
    }
}
