/// A trained or offered model could not be quantized or signed.
public struct ConversionFailed: Event {
    /// Durable; said by the converter for each model that it could not convert, read by registry and alert.
    public static let kind = EventKind("conversion", "failed")

    /// Name of the pipeline.
    public var pipeline: String
    /// The model's name in its run: `champion`, the shadow's name, or that of the offer.
    public var candidate: String
    /// What is wrong: `bad-container`; for an offer also `unsupported`, `bad-shape`, `too-few-rows` and others.
    public var code: ErrorCode
    /// One sentence for people that names what does not fit.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A failed conversion from its parts.
    public init(pipeline: String, candidate: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.candidate = candidate
        self.code = code
        self.message = message
    }
}
