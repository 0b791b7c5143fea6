/// A candidate failed a gate, or its container cannot be trusted; the champion stays.
public struct ModelRejected: Event {
    /// Durable; said by the registry, read by alert.
    public static let kind = EventKind("model", "rejected")

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the candidate's container.
    public var digest: String
    /// Its name in the run: `champion`, or the shadow's name.
    public var candidate: String
    /// `failed` when a gate was not passed, else why it could not be judged.
    public var code: ErrorCode
    /// For people: each gate that was not passed and by how much, or why it could not be judged.
    public var message: String
    /// What each gate said; empty when the candidate was not judged.
    public var gates: [GateResult]

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A rejection from its parts.
    public init(
        pipeline: String,
        digest: String,
        candidate: String,
        code: ErrorCode,
        message: String,
        gates: [GateResult]
    ) {
        self.pipeline = pipeline
        self.digest = digest
        self.candidate = candidate
        self.code = code
        self.message = message
        self.gates = gates
    }
}
