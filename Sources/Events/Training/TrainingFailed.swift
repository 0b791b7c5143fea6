/// A run ended without models.
public struct TrainingFailed: Event {
    /// Durable; said by the trainer, read by the registry, which ends the lap, and by alert.
    public static let kind = EventKind("training", "failed")

    /// Name of the pipeline.
    public var pipeline: String
    /// Why: such as `tooFewRows`, `unknownPipeline`, `badContainer` or `failed`.
    public var code: ErrorCode
    /// One sentence for people that names what went wrong.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A failed run from its parts.
    public init(pipeline: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.code = code
        self.message = message
    }
}
