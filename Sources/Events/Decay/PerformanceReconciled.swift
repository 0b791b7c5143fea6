/// A window of predictions has the labels it will get: what was estimated without them, against what they say.
public struct PerformanceReconciled: Event {
    /// Durable; said by the monitor when a window is final, and again when a late label corrects it.
    public static let kind = EventKind("performance", "reconciled")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that answered.
    public var digest: String
    /// Such as `mae`.
    public var metric: String
    /// Beginning of the window, by the time of the predictions.
    public var from: Timestamp
    /// Its end; it is not in the window.
    public var to: Timestamp
    /// Predictions in the window.
    public var predictions: Int
    /// Of those, the ones with a label.
    public var labelled: Int
    /// Of the labels, those that came after the time-out.
    public var late: Int
    /// Labels that another value replaced.
    public var corrected: Int
    /// What was estimated without labels; none where nothing was, or the estimate was not believed.
    public var estimate: Double?
    /// What the labels say; none under `monitor.min-labels`: then it is unknown.
    public var realized: Double?
    /// Where the true value lies with 95 %; there when `realized` is.
    public var interval: DecayFigures.Interval?
    /// Whether the estimate is still believed.
    public var isTrusted: Bool
    /// True when this replaces what was said of the window before.
    public var isCorrection: Bool
    /// One sentence for people.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A reconciliation from its parts.
    public init(
        pipeline: String,
        digest: String,
        metric: String,
        from: Timestamp,
        to: Timestamp,
        predictions: Int,
        labelled: Int,
        late: Int,
        corrected: Int,
        estimate: Double?,
        realized: Double?,
        interval: DecayFigures.Interval?,
        isTrusted: Bool,
        isCorrection: Bool,
        message: String
    ) {
        self.pipeline = pipeline
        self.digest = digest
        self.metric = metric
        self.from = from
        self.to = to
        self.predictions = predictions
        self.labelled = labelled
        self.late = late
        self.corrected = corrected
        self.estimate = estimate
        self.realized = realized
        self.interval = interval
        self.isTrusted = isTrusted
        self.isCorrection = isCorrection
        self.message = message
    }
}
