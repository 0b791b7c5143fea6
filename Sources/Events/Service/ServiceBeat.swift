/// A program is alive: its health and its metrics, each second, on the telemetry plane.
public struct ServiceBeat: Event {
    /// Telemetry: a lost beat is replaced by the next one a second later.
    public static let kind = EventKind("service", "beat", reliability: .telemetry)

    /// The program, such as `inference-node`; instances are such as `node-1`, or `main` when there is one.
    public var service: String
    /// Which of several that run the same program.
    public var instance: String
    /// The operating system's number of the process, in its own namespace when it runs in a container.
    public var processID: Int32
    /// When the program began, by its own clock; a new value means a restart.
    public var startedAt: Timestamp
    /// Whether it can do its work.
    public var ready: Bool
    /// Why it is not ready, a line per part; empty when it is.
    public var reasons: [String]
    /// Resident memory in bytes.
    public var residentBytes: Int
    /// The metrics' samples as JSON.
    public var metrics: JSONValue

    /// Instances share names such as `main`, so the subject holds both.
    public var subject: String { "\(service).\(instance)" }

    /// A beat from its parts.
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
