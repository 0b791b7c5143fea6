import Events

/// What a sink tells people: the body of the webhook's POST.
///
/// It is about the gravest alert of an incident, and names the others.
struct AlertNotice: Codable, Sendable, Hashable {
    /// What happened to the incident.
    enum State: String, Codable, Sendable, Hashable {
        case raised, worsened, escalated, repeated, acknowledged, resolved, test
    }

    /// Another alert of the same incident.
    struct Other: Codable, Sendable, Hashable {
        var rule: String
        var severity: Severity
        var title: String
        var detail: String
        var since: Timestamp
    }

    /// One line: how grave, and what.
    var headline: String {
        let tag =
            switch state {
            case .resolved: "resolved"
            case .acknowledged: "acknowledged"
            case .test: "test"
            default: severity.rawValue
            }
        return "[\(tag)] \(title)" + (state == .escalated || state == .repeated ? " (\(state.rawValue))" : "")
    }

    var alert: String
    var state: State
    var rule: String
    var severity: Severity
    var about: String
    var title: String
    /// What the causing event says of itself; when resolved, what ended it; when acknowledged, who looks after it.
    var detail: String
    /// When this was said.
    var at: Timestamp
    /// Events that repeated the alert.
    var repeats: Int
    var runID: String?
    /// The same for all that is said of one incident.
    var incident: Int64?
    /// Since when the alert holds.
    var since: Timestamp?
    var others: [Other]?
    /// Alerts of the incident that were told before and are over.
    var ended: [Other]?
    /// What the monitor saw, when the alert is about decay.
    var figures: DecayFigures?
    /// What the loop did since the incident began, oldest first.
    var steps: [Incident.Step]?
    /// The command that carries out what the loop does not do by itself.
    var answer: String?
    /// Commands that show more.
    var look: [String]?
    /// Pages that show more.
    var links: [String]?
    /// All of it as lines for people.
    var text: String?

    /// What is said; nil when the telling names no alert, which none of an ``Incident`` does.
    ///
    /// - Parameters:
    ///   - isAsked: The pipeline waits for a person to say that a training shall begin.
    ///   - links: Addresses with `{about}` in the place of the pipeline.
    init?(
        _ telling: Incident.Telling,
        of incident: Int64,
        about: String,
        at now: Timestamp,
        isAsked: Bool = false,
        links: [String] = []
    ) {
        guard let first = telling.alerts.first else { return nil }
        alert = OpenAlert.Key(rule: first.rule, about: about).text
        state = telling.state
        rule = first.rule
        severity = first.severity
        self.about = about
        title = first.title
        detail = telling.end ?? first.detail
        at = now
        repeats = first.repeats
        runID = first.runID
        self.incident = incident
        since = first.since
        figures = first.figures
        steps = telling.steps
        look =
            about.contains("/")
            ? ["hexloop status", "hexloop bus status"]
            : ["hexloop laps --pipeline \(about)", "hexloop history \(about)", "hexloop status"]
        if isAsked, state != .resolved, telling.alerts.contains(where: { $0.figures != nil }) {
            answer = "hexloop train \(about) --because \(incident)"
        }
        self.links = links.map { $0.replacing("{about}", with: about) }
        others = telling.alerts.dropFirst().map(Other.init)
        ended = telling.ended.map(Other.init)
        text = lines.joined(separator: "\n")
    }

    /// Detectors whose value is the model's own metric, and its baseline that of the model.
    private static let errorDetectors: Set = ["threshold", "sequential", "part"]

    /// What decayed, by how much, since when, what the loop did about it, and how to look.
    private var lines: [String] {
        var lines = [headline, detail]
        if let figures, state != .resolved {
            if Self.errorDetectors.contains(figures.detector ?? ""), figures.baseline > 0 {
                let times = figures.value / figures.baseline
                lines.append(
                    "By how much: \(times.readable) times the model's own \(figures.metric) of "
                        + figures.baseline.readable
                )
            }
            if let first = figures.firstSuspectAt { lines.append("First seen: \(first.rfc3339)") }
        }
        if let since { lines.append("Since: \(since.rfc3339)") }
        if repeats > 0 { lines.append("Repeated: \(repeats) times") }
        if let others, !others.isEmpty {
            lines.append("Also:")
            lines += others.map { "  [\($0.severity.rawValue)] \($0.title): \($0.detail)" }
        }
        lines.append("What Hexloop did:")
        let steps = steps ?? []
        lines +=
            steps.isEmpty
            ? [state == .resolved ? "  nothing" : "  nothing yet"]
            : steps.map { "  \($0.at.rfc3339) \($0.type): \($0.detail)" }
        if let answer { lines += ["Answer:", "  \(answer)"] }
        lines.append("Look:")
        lines += ((look ?? []) + (links ?? [])).map { "  \($0)" }
        return lines
    }

    /// A notice about nothing, to see whether a sink takes one.
    init(testAt now: Timestamp, by: String) {
        (alert, rule, about) = ("test/hexloop", "test", "hexloop")
        (state, severity) = (.test, .info)
        title = "Hexloop can tell you of alerts"
        detail = "this is a test by \(by); there is nothing to do"
        at = now
        repeats = 0
        since = now
        text = [headline, detail].joined(separator: "\n")
    }
}

extension AlertNotice.Other {
    fileprivate init(_ alert: Incident.Alert) {
        self.init(
            rule: alert.rule,
            severity: alert.severity,
            title: alert.title,
            detail: alert.detail,
            since: alert.since
        )
    }
}
