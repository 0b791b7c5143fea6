/// A node checked a model and serves it from now on.
public struct ModelLoaded: Event {
    public static let kind = EventKind("model", "loaded")

    public var pipeline: String
    public var node: String
    /// The container's SHA-256.
    public var digest: String
    /// The alias: `champion`, `shadow-1`, ...
    public var role: String
    /// When the node's reference was replaced.
    public var at: Timestamp
    /// From the rollout event's arrival to serving, in milliseconds.
    public var loadMs: Double

    public var subject: String { pipeline }

    public init(pipeline: String, node: String, digest: String, role: String, at: Timestamp, loadMs: Double) {
        self.pipeline = pipeline
        self.node = node
        self.digest = digest
        self.role = role
        self.at = at
        self.loadMs = loadMs
    }
}
