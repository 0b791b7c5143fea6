/// A candidate failed a gate, or its container cannot be trusted; the champion stays.
public struct ModelRejected: Event {
    public static let kind = EventKind("model", "rejected")

    public var pipeline: String
    public var digest: String
    public var candidate: String
    public var code: ErrorCode
    public var message: String
    public var gates: [GateResult]

    public var subject: String { pipeline }

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
