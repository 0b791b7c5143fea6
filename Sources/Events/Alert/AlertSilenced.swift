/// Nobody is told of some alerts for a time, such as that of planned work.
public struct AlertSilenced: Event, Hashable {
    /// Durable; said by people (`hexloop alert silence`), read by the alert program.
    public static let kind = EventKind("alert", "silenced")

    /// Its name: a topic segment. One that is there already is replaced, and lifted by an ``until`` that is over.
    public var silence: String
    /// Rules that it covers; all when empty.
    public var rules: [String]
    /// Names of pipelines, or their beginnings with a `*` at the end; all when empty.
    public var pipelines: [String]
    /// Since when; at once when absent.
    public var from: Timestamp?
    /// Until when.
    public var until: Timestamp
    /// Who.
    public var by: String
    /// Why.
    public var reason: String

    /// The silence's name.
    public var subject: String { silence }

    /// A silence from its parts.
    public init(
        silence: String,
        rules: [String],
        pipelines: [String],
        from: Timestamp? = nil,
        until: Timestamp,
        by: String,
        reason: String
    ) {
        self.silence = silence
        self.rules = rules
        self.pipelines = pipelines
        self.from = from
        self.until = until
        self.by = by
        self.reason = reason
    }
}
