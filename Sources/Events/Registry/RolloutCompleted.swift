/// Every live node serves the champion.
public struct RolloutCompleted: Event {
    public static let kind = EventKind("rollout", "completed")

    public var pipeline: String
    public var digest: String
    public var nodes: [String]

    public var subject: String { pipeline }

    public init(pipeline: String, digest: String, nodes: [String]) {
        self.pipeline = pipeline
        self.digest = digest
        self.nodes = nodes
    }
}
