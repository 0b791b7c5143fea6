/// How much an alert matters.
public enum Severity: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
    case info, warning, critical

    public static func < (left: Severity, right: Severity) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// People should know of something.
public struct AlertRaised: Event {
    public static let kind = EventKind("alert", "raised")

    /// Rule and subject; raised once until it is resolved.
    public var alert: String
    public var rule: String
    public var severity: Severity
    public var about: String
    public var title: String
    public var detail: String
    /// The event that raised it.
    public var eventID: String
    public var eventType: String

    public var subject: String { rule }

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
