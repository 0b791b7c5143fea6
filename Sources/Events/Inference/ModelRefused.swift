/// A node did not load a model; it goes on serving what it had.
public struct ModelRefused: Event {
    public static let kind = EventKind("model", "refused")

    public var pipeline: String
    public var node: String
    public var digest: String
    public var role: String
    public var code: ErrorCode
    public var message: String

    public var subject: String { pipeline }

    public init(pipeline: String, node: String, digest: String, role: String, code: ErrorCode, message: String) {
        self.pipeline = pipeline
        self.node = node
        self.digest = digest
        self.role = role
        self.code = code
        self.message = message
    }
}
