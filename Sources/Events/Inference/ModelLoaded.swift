/// A node checked a model and serves it from now on.
public struct ModelLoaded: Event {
    /// Durable; said by each node for the champion and each shadow, read by the registry, which follows the rollout.
    public static let kind = EventKind("model", "loaded")

    /// Name of the pipeline.
    public var pipeline: String
    /// The node's instance, such as `node-1`.
    public var node: String
    /// The container's SHA-256.
    public var digest: String
    /// The alias: `champion`, `shadow-1`, ...
    public var role: String
    /// When the node's reference was replaced.
    public var at: Timestamp
    /// From the rollout event's arrival to serving, in milliseconds.
    public var loadMs: Double
    /// The layers of the model that stay float; missing when there are none.
    public var floatLayers: [String]?

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A loaded model from its parts.
    public init(
        pipeline: String,
        node: String,
        digest: String,
        role: String,
        at: Timestamp,
        loadMs: Double,
        floatLayers: [String]? = nil
    ) {
        self.pipeline = pipeline
        self.node = node
        self.digest = digest
        self.role = role
        self.at = at
        self.loadMs = loadMs
        self.floatLayers = floatLayers
    }
}
