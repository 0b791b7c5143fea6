/// A container is a version of its pipeline: checked, measured, and stored.
public struct ModelRegistered: Event {
    public static let kind = EventKind("model", "registered")

    public var pipeline: String
    public var version: Int
    public var digest: String
    /// `champion`, or the shadow's name.
    public var candidate: String
    public var gates: [GateResult]

    public var subject: String { pipeline }

    public init(pipeline: String, version: Int, digest: String, candidate: String, gates: [GateResult]) {
        self.pipeline = pipeline
        self.version = version
        self.digest = digest
        self.candidate = candidate
        self.gates = gates
    }
}
