import Events

/// Why a request is not carried out, as the sender reads it.
struct Refusal: Error, Sendable, Hashable {
    /// The HTTP status.
    var status: Int
    /// A stable code.
    var code: String
    /// Names the attribute, field or value, and the way out.
    var message: String
    /// The refused event, when the refusal is one of an event and not of the request; it is announced then.
    var event: Event?

    /// What could be read of a refused event.
    struct Event: Sendable, Hashable {
        var code: ErrorCode
        var type: String?
        var source: String?
        var id: String?
    }

    /// A refusal of the request.
    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// A refusal of an event.
    init(_ status: Int, _ code: ErrorCode, _ message: String, of event: CloudEvent?) {
        self.init(status, code.rawValue, message)
        self.event = Event(code: code, type: event?.type, source: event?.source, id: event?.id)
    }

    /// A refusal of an event that could not be read as a whole.
    init(_ status: Int, _ code: ErrorCode, _ message: String, attributes: [String: JSONValue]) {
        self.init(status, code.rawValue, message)
        func text(_ name: String) -> String? {
            guard case .string(let text)? = attributes[name] else { return nil }
            return String(text.prefix(Self.attributeCharactersMax))
        }
        event = Event(code: code, type: text("type"), source: text("source"), id: text("id"))
    }

    private static let attributeCharactersMax = 256
}
