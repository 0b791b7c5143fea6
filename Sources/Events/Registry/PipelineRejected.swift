/// A pipeline's file is wrong; what was in force stays in force.
public struct PipelineRejected: Event {
    public static let kind = EventKind("pipeline", "rejected")

    public var pipeline: String
    public var code: ErrorCode
    /// Names the key and the way out.
    public var message: String

    public var subject: String { pipeline }

    public init(pipeline: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.code = code
        self.message = message
    }
}
