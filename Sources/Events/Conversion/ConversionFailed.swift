/// A trained model could not be quantized or signed.
public struct ConversionFailed: Event {
    public static let kind = EventKind("conversion", "failed")

    public var pipeline: String
    public var candidate: String
    public var code: ErrorCode
    public var message: String

    public var subject: String { pipeline }

    public init(pipeline: String, candidate: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.candidate = candidate
        self.code = code
        self.message = message
    }
}
