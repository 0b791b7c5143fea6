/// The trainer did not start a run, by the pipeline's policy.
public struct TrainingDeclined: Event {
    public static let kind = EventKind("training", "declined")

    public var pipeline: String
    public var code: ErrorCode
    public var message: String

    public var subject: String { pipeline }

    public init(pipeline: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.code = code
        self.message = message
    }
}
