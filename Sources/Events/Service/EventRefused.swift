/// A program could not use an event and says so; the event itself stays in the log.
public struct EventRefused: Event {
    public static let kind = EventKind("event", "refused")

    /// The program that refuses.
    public var service: String
    /// Sequence of the refused record in the log; absent when it never got there.
    public var sequence: UInt64?
    /// `type`, `source` and `id` of the refused event as far as they could be read.
    public var type: String?
    public var source: String?
    public var id: String?
    /// Why, as a stable code and as a sentence.
    public var code: ErrorCode
    public var message: String

    public var subject: String { service }

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
