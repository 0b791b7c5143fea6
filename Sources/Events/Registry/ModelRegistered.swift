/// A container is a version of its pipeline: checked, measured, and stored.
public struct ModelRegistered: Event {
    /// Durable; said by the registry for each candidate that passed all gates, promoted or not.
    public static let kind = EventKind("model", "registered")

    /// Name of the pipeline.
    public var pipeline: String
    /// From 1 per pipeline; candidates that fail a gate use up numbers too.
    public var version: Int
    /// SHA-256 of its container.
    public var digest: String
    /// `champion`, or the shadow's name.
    public var candidate: String
    /// What each gate said; all are passed.
    public var gates: [GateResult]

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A registered version from its parts.
    public init(pipeline: String, version: Int, digest: String, candidate: String, gates: [GateResult]) {
        self.pipeline = pipeline
        self.version = version
        self.digest = digest
        self.candidate = candidate
        self.gates = gates
    }
}
