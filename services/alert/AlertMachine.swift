import Events

/// An alert that was raised and not yet resolved.
struct OpenAlert: Sendable, Hashable {
    /// Rule and subject: raised once until it is resolved.
    struct Key: Sendable, Hashable {
        let rule: String
        let about: String

        /// `rule/about`
        var text: String { "\(rule)/\(about)" }
    }

    let key: Key
    var repeats: Int
    /// When it was raised or repeated last.
    var lastAt: Timestamp
}

/// What a rule with an age saw, as long as it is not old enough to be an alert.
struct PendingAlert: Sendable, Hashable {
    let key: OpenAlert.Key
    let since: Timestamp
    let occurrence: Occurrence
    let runID: String?
}

/// Decides which occurrence raises an alert, which only repeats one, and which resolves one.
///
/// It holds what is open; whoever runs it carries the actions out in the transaction of their cause.
struct AlertMachine: Sendable {
    /// What is to be done, in order.
    enum Action: Sendable, Hashable {
        /// The rule has an age: it becomes an alert at that age, unless it is dropped before.
        case hold(PendingAlert)
        case drop(OpenAlert.Key)
        /// Since when it holds: the first occurrence, also when the rule has an age.
        case raise(OpenAlert.Key, AlertRule, Occurrence, since: Timestamp, runID: String?)
        /// The alert stands already; it has now been repeated that often.
        case count(OpenAlert.Key, repeats: Int)
        /// It is over; the message says why, and the event that ended it is named if there is one.
        case resolve(OpenAlert.Key, AlertRule, repeats: Int, message: String, eventID: String)
    }

    let rules: [AlertRule]
    private(set) var open: [OpenAlert.Key: OpenAlert]
    private(set) var pending: [OpenAlert.Key: PendingAlert]

    /// A machine in which those alerts are open, and those wait for their age.
    init(rules: [AlertRule], open: [OpenAlert] = [], pending: [PendingAlert] = []) {
        self.rules = rules
        self.open = Dictionary(open.map { ($0.key, $0) }) { first, _ in first }
        self.pending = Dictionary(pending.map { ($0.key, $0) }) { first, _ in first }
    }

    /// Takes one occurrence. What it resolves comes before what it raises.
    mutating func take(_ occurrence: Occurrence, at now: Timestamp, runID: String?) -> [Action] {
        var actions: [Action] = []
        for rule in rules where rule.resolveBy.contains(occurrence.type) {
            let key = OpenAlert.Key(rule: rule.name, about: occurrence.about)
            if pending.removeValue(forKey: key) != nil { actions.append(.drop(key)) }
            guard let alert = open.removeValue(forKey: key) else { continue }
            actions.append(
                .resolve(
                    key,
                    rule,
                    repeats: alert.repeats,
                    message: "\(occurrence.type): \(occurrence.detail)",
                    eventID: occurrence.eventID
                )
            )
        }
        for rule in rules where rule.matches(occurrence) {
            let key = OpenAlert.Key(rule: rule.name, about: occurrence.about)
            if var alert = open[key] {
                alert.repeats += 1
                alert.lastAt = now
                open[key] = alert
                actions.append(.count(key, repeats: alert.repeats))
            } else if rule.after > .zero {
                guard pending[key] == nil else { continue }
                let waiting = PendingAlert(key: key, since: now, occurrence: occurrence, runID: runID)
                pending[key] = waiting
                actions.append(.hold(waiting))
            } else {
                open[key] = OpenAlert(key: key, repeats: 0, lastAt: now)
                actions.append(.raise(key, rule, occurrence, since: now, runID: runID))
            }
        }
        return actions
    }

    /// Raises what has reached its rule's age, oldest first; drops what no rule asks for any more; ends what has not been
    /// repeated for as long as its rule says.
    mutating func tick(at now: Timestamp) -> [Action] {
        var actions: [Action] = []
        for waiting in pending.values.sorted(by: { ($0.since, $0.key.text) < ($1.since, $1.key.text) }) {
            let key = waiting.key
            guard let rule = rules.first(where: { $0.name == key.rule }), open[key] == nil else {
                pending[key] = nil
                actions.append(.drop(key))
                continue
            }
            guard now - waiting.since >= rule.after else { continue }
            pending[key] = nil
            open[key] = OpenAlert(key: key, repeats: 0, lastAt: now)
            actions.append(.drop(key))
            actions.append(.raise(key, rule, waiting.occurrence, since: waiting.since, runID: waiting.runID))
        }
        for alert in open.values.sorted(by: { $0.key.text < $1.key.text }) {
            guard let rule = rules.first(where: { $0.name == alert.key.rule }), let endsAfter = rule.endsAfter,
                now - alert.lastAt >= endsAfter
            else { continue }
            open[alert.key] = nil
            actions.append(
                .resolve(
                    alert.key,
                    rule,
                    repeats: alert.repeats,
                    message: "no \(rule.type) for \(Self.text(endsAfter))",
                    eventID: ""
                )
            )
        }
        return actions
    }

    /// `1 h` of an hour.
    private static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, length) in [("d", 86_400 as Int64), ("h", 3_600), ("min", 60)]
        where seconds % length == 0 && seconds > 0 {
            return "\(seconds / length) \(unit)"
        }
        return "\(seconds) s"
    }
}
