/// Somebody asks for a training run without waiting for decay: the first model, or level 0 and 1 of automation.
public struct TrainingRequested: Event {
    /// Durable; said by people and other systems, read by the trainer and the registry, which begins a lap.
    public static let kind = EventKind("training", "requested")

    /// Name of the pipeline.
    public var pipeline: String
    /// Why, for the audit.
    public var reason: String
    /// Newest example the run may use; all when absent.
    public var untilKey: String?
    /// The incident that it answers, as the notices of the alert program have it.
    public var because: Int64?

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A request from its parts.
    public init(pipeline: String, reason: String, untilKey: String? = nil, because: Int64? = nil) {
        self.pipeline = pipeline
        self.reason = reason
        self.untilKey = untilKey
        self.because = because
    }
}
