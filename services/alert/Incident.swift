import Events

/// All alerts about one pipeline (or one refusing program) from the first that is raised to the last that is resolved.
///
/// People are told of it once, and again only when it grows worse, lasts, or is over. It decides that by itself from
/// the time that is handed in; whoever runs it keeps it in the transaction in which what it says is queued.
struct Incident: Codable, Sendable, Hashable {
    /// An alert of it that is open.
    struct Alert: Codable, Sendable, Hashable {
        var rule: String
        var severity: Severity
        var title: String
        var detail: String
        var since: Timestamp
        var repeats: Int
        var sinks: Set<AlertRule.Sink>
        /// Whether an event can resolve it. What nothing resolves is not told again and again.
        var canEnd = true
        var figures: DecayFigures?
        var runID: String?
    }

    /// Something that the loop did, or that came of it.
    struct Step: Codable, Sendable, Hashable {
        var at: Timestamp
        /// `noun.verb`
        var type: String
        var detail: String
    }

    /// What was last said of it.
    struct Told: Codable, Sendable, Hashable {
        var firstAt: Timestamp
        var lastAt: Timestamp
        /// The gravest alert of the last telling.
        var alert: Alert
        var sinks: Set<AlertRule.Sink>
        var hasEscalated = false
        /// All alerts that were told and whose end was not; nil in what an earlier version kept.
        var named: [Alert]?
    }

    /// Somebody looks after it.
    struct Acknowledgement: Codable, Sendable, Hashable {
        var by: String
        var note: String
        var at: Timestamp
        /// The sinks know.
        var isTold = false
    }

    /// What is to be said, and to whom.
    struct Telling: Sendable, Hashable {
        var state: AlertNotice.State
        /// The gravest first, then the oldest.
        var alerts: [Alert]
        var sinks: Set<AlertRule.Sink>
        var steps: [Step] = []
        /// What ended it, when it is over; who looks after it, when that is what is said.
        var end: String?
        /// Alerts that were told before and are no longer among those above.
        var ended: [Alert] = []
    }

    /// Steps that are remembered; older ones go.
    static let stepsMax = 20

    let about: String
    let openedAt: Timestamp
    private(set) var alerts: [Alert] = []
    private(set) var told: Told?
    private(set) var steps: [Step] = []
    /// Who looks after it; nil again when it grows worse.
    private(set) var acknowledgement: Acknowledgement?
    /// What resolved the last alert; nil while one is open.
    private(set) var end: String?
    /// Nothing more will be said of it.
    private(set) var isClosed = false

    init(about: String, openedAt: Timestamp) {
        self.about = about
        self.openedAt = openedAt
    }

    /// An alert was raised.
    mutating func add(_ alert: Alert) {
        alerts.removeAll { $0.rule == alert.rule }
        alerts.append(alert)
        end = nil
    }

    /// An alert was repeated.
    mutating func count(_ rule: String, repeats: Int) {
        guard let index = alerts.firstIndex(where: { $0.rule == rule }) else { return }
        alerts[index].repeats = repeats
        if told?.alert.rule == rule { told?.alert.repeats = repeats }
    }

    /// An alert was resolved; `message` says by what.
    mutating func resolve(_ rule: String, message: String) {
        alerts.removeAll { $0.rule == rule }
        if alerts.isEmpty { end = message }
    }

    /// Somebody looks after it from now on.
    mutating func acknowledge(by: String, note: String, at time: Timestamp) {
        guard !isClosed else { return }
        acknowledgement = Acknowledgement(by: by, note: note, at: time)
    }

    /// The loop did something.
    mutating func note(_ step: Step) {
        steps.append(step)
        steps.removeFirst(max(steps.count - Self.stepsMax, 0))
    }

    /// What is to be said now, if anything; it counts as said.
    /// - Parameter unheard: Rules whose alerts are recorded only, as the pipeline's automation says.
    mutating func tell(at now: Timestamp, _ policy: TellingPolicy, unheard: Set<String> = []) -> Telling? {
        guard !isClosed else { return nil }
        let isQuiet = policy.quietHours?.contains(now) ?? false
        let loudest = policy.quietHours?.except ?? .info
        if let end {
            guard let told else {
                isClosed = true
                return nil
            }
            // Who slept through the end of a trouble was not woken by its beginning either.
            if isQuiet, told.alert.severity < loudest { return nil }
            isClosed = true
            return Telling(
                state: .resolved,
                alerts: [told.alert],
                sinks: told.sinks,
                steps: steps,
                end: end,
                ended: Self.missing(told.named, in: [told.alert])
            )
        }
        let audible = audible(at: now, policy).filter { !unheard.contains($0.rule) }
        guard let gravest = audible.first, !isQuiet || gravest.severity >= loudest else { return nil }
        let sinks = audible.reduce(into: Set<AlertRule.Sink>()) { $0.formUnion($1.sinks) }
        guard var told else {
            guard now - openedAt >= policy.wait else { return nil }
            self.told = Told(firstAt: now, lastAt: now, alert: gravest, sinks: sinks, named: audible)
            return Telling(state: .raised, alerts: audible, sinks: sinks, steps: steps)
        }
        let state: AlertNotice.State
        var (to, why) = (sinks, String?.none)
        if gravest.severity > told.alert.severity {
            state = .worsened
            acknowledgement = nil
        } else if var seen = acknowledgement {
            guard !seen.isTold else { return nil }
            seen.isTold = true
            acknowledgement = seen
            state = .acknowledged
            to = told.sinks
            why = "\(seen.by) looks after it\(seen.note.isEmpty ? "" : ": \(seen.note)")"
        } else if let escalation = policy.escalation, !told.hasEscalated, gravest.severity >= escalation.severity,
            now - told.firstAt >= escalation.after
        {
            state = .escalated
            to = escalation.sinks
            told.hasEscalated = true
        } else if let interval = policy.repeat, now - told.lastAt >= interval, audible.contains(where: \.canEnd) {
            state = .repeated
        } else {
            return nil
        }
        let ended = Self.missing(told.named, in: audible)
        told.lastAt = now
        told.alert = gravest
        told.sinks.formUnion(to)
        told.named = audible
        self.told = told
        return Telling(state: state, alerts: audible, sinks: to, steps: steps, end: why, ended: ended)
    }

    /// Those that are not among `present`; an alert that changed its severity is another one.
    private static func missing(_ named: [Alert]?, in present: [Alert]) -> [Alert] {
        (named ?? []).filter { one in !present.contains { $0.rule == one.rule && $0.severity == one.severity } }
    }

    /// The alerts that people may hear of, the gravest first, then the oldest.
    private func audible(at now: Timestamp, _ policy: TellingPolicy) -> [Alert] {
        let open = Set(alerts.map(\.rule))
        let muted = policy.inhibitions.reduce(into: Set<String>()) { muted, one in
            if open.contains(one.when) { muted.formUnion(one.mute) }
        }
        return alerts.filter { alert in
            !muted.contains(alert.rule)
                && !policy.silences.contains { $0.covers(rule: alert.rule, about: about, at: now) }
        }
        .sorted { ($1.severity, $0.since, $0.rule) < ($0.severity, $1.since, $1.rule) }
    }
}
