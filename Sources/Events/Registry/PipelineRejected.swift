/// A pipeline's file is wrong; what was in force stays in force.
public struct PipelineRejected: Event {
    /// Durable; said by the registry, read by alert.
    public static let kind = EventKind("pipeline", "rejected")

    /// The name under which the file was pushed.
    public var pipeline: String
    /// `badPipeline`.
    public var code: ErrorCode
    /// Names the key and the way out.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A rejected file from its parts.
    public init(pipeline: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.code = code
        self.message = message
    }
}
