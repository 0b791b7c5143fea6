/// The trainer did not start a run, by the pipeline's policy.
public struct TrainingDeclined: Event {
    /// Durable; said by the trainer, read by the registry, which ends the lap, and by alert.
    public static let kind = EventKind("training", "declined")

    /// Name of the pipeline.
    public var pipeline: String
    /// `manual`, `merged`, `wrongCause`, `unproven`, `storm`, `runLimit` or `cooldown`.
    public var code: ErrorCode
    /// One sentence for people that names the setting and its value.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A declined run from its parts.
    public init(pipeline: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.code = code
        self.message = message
    }
}
