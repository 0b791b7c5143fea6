/// Every live node serves the champion.
public struct RolloutCompleted: Event {
    /// Durable; said by the registry, read by alert, which resolves what the lap had raised.
    public static let kind = EventKind("rollout", "completed")

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the champion's container.
    public var digest: String
    /// Instances of all live nodes, sorted; each of them serves it.
    public var nodes: [String]

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A completed rollout from its parts.
    public init(pipeline: String, digest: String, nodes: [String]) {
        self.pipeline = pipeline
        self.digest = digest
        self.nodes = nodes
    }
}
