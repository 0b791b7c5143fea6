/// A node did not load a model; it goes on serving what it had.
public struct ModelRefused: Event {
    /// Durable; said by the node that refuses, read by alert.
    public static let kind = EventKind("model", "refused")

    /// Name of the pipeline.
    public var pipeline: String
    /// The node's instance, such as `node-1`.
    public var node: String
    /// SHA-256 of the container that was to be loaded.
    public var digest: String
    /// The alias it was to serve under: `champion`, `shadow-1`, ...
    public var role: String
    /// Why: such as `badSignature`, `badGolden`, `badContainer`, `badShape` or `digestMismatch`.
    public var code: ErrorCode
    /// One sentence for people that names what does not fit.
    public var message: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A refusal from its parts.
    public init(pipeline: String, node: String, digest: String, role: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.node = node
        self.digest = digest
        self.role = role
        self.code = code
        self.message = message
    }
}
