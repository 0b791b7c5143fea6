/// Somebody looks after an incident: until it grows worse or is over, nobody is told of it again.
public struct AlertAcknowledged: Event {
    /// Durable; said by people (`hexloop alert ack`), read by the alert program.
    public static let kind = EventKind("alert", "acknowledged")

    /// The incident's number, as every notice has it.
    public var incident: Int64
    /// Who.
    public var by: String
    /// What they say to it; may be empty.
    public var note: String

    /// The incident.
    public var subject: String { "incident-\(incident)" }

    /// An acknowledgement from its parts.
    public init(incident: Int64, by: String, note: String) {
        self.incident = incident
        self.by = by
        self.note = note
    }
}
