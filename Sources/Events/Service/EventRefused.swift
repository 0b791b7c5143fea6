/// A program could not use an event and says so; the event itself stays in the log.
public struct EventRefused: Event {
    /// Durable; said by any program that could not use an event, read by alert.
    public static let kind = EventKind("event", "refused")

    /// The program that refuses.
    public var service: String
    /// Sequence of the refused record in the log; absent when it never got there.
    public var sequence: UInt64?
    /// CloudEvents `type` of the refused event, when it could be read.
    public var type: String?
    /// CloudEvents `source` of the refused event, when it could be read.
    public var source: String?
    /// CloudEvents `id` of the refused event, when it could be read.
    public var id: String?
    /// Why, as a stable code.
    public var code: ErrorCode
    /// Why, as a sentence that names the field and the way out.
    public var message: String

    /// The program: its refusals can be followed alone.
    public var subject: String { service }

    /// A refusal from its parts; what could not be read stays out.
    public init(
        service: String,
        sequence: UInt64? = nil,
        type: String? = nil,
        source: String? = nil,
        id: String? = nil,
        code: ErrorCode,
        message: String
    ) {
        self.service = service
        self.sequence = sequence
        self.type = type
        self.source = source
        self.id = id
        self.code = code
        self.message = message
    }
}
