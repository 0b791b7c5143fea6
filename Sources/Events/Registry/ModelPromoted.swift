/// A version got an alias: `champion`, `shadow-1`, `shadow-2`.
public struct ModelPromoted: Event {
    /// Durable; said by the registry, one for each alias of a rollout, before ``RolloutStepped``.
    public static let kind = EventKind("model", "promoted")

    /// Name of the pipeline.
    public var pipeline: String
    /// The model's version, from 1 per pipeline.
    public var version: Int
    /// SHA-256 of its container.
    public var digest: String
    /// What it serves as from now on: `champion`, `shadow-1`, ...
    public var alias: String
    /// The digest that had the alias before.
    public var previous: String?

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A promotion from its parts.
    public init(pipeline: String, version: Int, digest: String, alias: String, previous: String?) {
        self.pipeline = pipeline
        self.version = version
        self.digest = digest
        self.alias = alias
        self.previous = previous
    }
}
