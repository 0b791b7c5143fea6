/// A program is alive: its health and its metrics, each second, on the telemetry plane.
public struct ServiceBeat: Event {
    public static let kind = EventKind("service", "beat", reliability: .telemetry)

    /// Program and instance, such as `inference-node` and `node-1`.
    public var service: String
    public var instance: String
    public var processID: Int32
    public var startedAt: Timestamp
    /// Whether it can do its work, and if not, why.
    public var ready: Bool
    public var reasons: [String]
    /// Resident memory in bytes.
    public var residentBytes: Int
    /// The metrics' samples as JSON.
    public var metrics: JSONValue

    /// Instances share names such as `main`, so the subject holds both.
    public var subject: String { "\(service).\(instance)" }

    public init(
        service: String,
        instance: String,
        processID: Int32,
        startedAt: Timestamp,
        ready: Bool,
        reasons: [String],
        residentBytes: Int,
        metrics: JSONValue
    ) {
        self.service = service
        self.instance = instance
        self.processID = processID
        self.startedAt = startedAt
        self.ready = ready
        self.reasons = reasons
        self.residentBytes = residentBytes
        self.metrics = metrics
    }
}
