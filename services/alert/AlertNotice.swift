import Events

/// What a sink tells people: the body of the webhook's POST.
struct AlertNotice: Codable, Sendable, Hashable {
    /// Whether the alert begins or ends.
    enum State: String, Codable, Sendable, Hashable {
        case raised, resolved
    }

    var alert: String
    var state: State
    var rule: String
    var severity: Severity
    var about: String
    var title: String
    var detail: String
    var at: Timestamp
    /// Events that repeated the alert; 0 when it is raised.
    var repeats: Int
    var runID: String?

    init(_ raised: AlertRaised, at: Timestamp, runID: String?) {
        alert = raised.alert
        state = .raised
        rule = raised.rule
        severity = raised.severity
        about = raised.about
        title = raised.title
        detail = raised.detail
        self.at = at
        repeats = 0
        self.runID = runID
    }

    init(_ resolved: AlertResolved, _ title: String, _ severity: Severity, at: Timestamp, runID: String?) {
        alert = resolved.alert
        state = .resolved
        rule = resolved.rule
        self.severity = severity
        about = resolved.about
        self.title = title
        detail = resolved.message
        self.at = at
        repeats = resolved.repeats
        self.runID = runID
    }
}
