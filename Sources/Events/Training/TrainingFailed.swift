/// A run ended without models.
public struct TrainingFailed: Event {
    public static let kind = EventKind("training", "failed")

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
