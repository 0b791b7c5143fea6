/// How much an alert matters.
public enum Severity: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
    case info, warning, critical

    /// In order of weight: `info`, `warning`, `critical`.
    public static func < (left: Severity, right: Severity) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// People should know of something.
public struct AlertRaised: Event {
    /// Durable; said by the alert program, for people and other systems.
    public static let kind = EventKind("alert", "raised")

    /// Rule and subject; raised once until it is resolved.
    public var alert: String
    /// Name of the rule that raised it, as the rules file or the built-in rules have it.
    public var rule: String
    /// As the rule says.
    public var severity: Severity
    /// The pipeline; for refusals the program and the code, as `<service>/<code>`. At most 200 characters.
    public var about: String
    /// One line for people, from the rule's title.
    public var title: String
    /// What the causing event says of itself, in one sentence; at most 1000 characters.
    public var detail: String
    /// The event that raised it.
    public var eventID: String
    /// CloudEvents `type` of the event that raised it.
    public var eventType: String

    /// The rule: a receiver can take one rule's alerts alone.
    public var subject: String { rule }

    /// An alert from its parts.
    public init(
        alert: String,
        rule: String,
        severity: Severity,
        about: String,
        title: String,
        detail: String,
        eventID: String,
        eventType: String
    ) {
        self.alert = alert
        self.rule = rule
        self.severity = severity
        self.about = about
        self.title = title
        self.detail = detail
        self.eventID = eventID
        self.eventType = eventType
    }
}
