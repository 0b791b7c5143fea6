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
}

/// Decides which occurrence raises an alert, which only repeats one, and which resolves one.
///
/// It holds what is open; whoever runs it carries the actions out in the transaction of their cause.
struct AlertMachine: Sendable {
    /// What is to be done, in order.
    enum Action: Sendable, Hashable {
        case raise(OpenAlert.Key, AlertRule, Occurrence)
        /// The alert stands already; it has now been repeated that often.
        case count(OpenAlert.Key, repeats: Int)
        case resolve(OpenAlert.Key, AlertRule, repeats: Int, Occurrence)
    }

    let rules: [AlertRule]
    private(set) var open: [OpenAlert.Key: OpenAlert]

    /// A machine in which those alerts are open.
    init(rules: [AlertRule], open: [OpenAlert] = []) {
        self.rules = rules
        self.open = Dictionary(open.map { ($0.key, $0) }) { first, _ in first }
    }

    /// Takes one occurrence. What it resolves comes before what it raises.
    mutating func take(_ occurrence: Occurrence) -> [Action] {
        var actions: [Action] = []
        for rule in rules where rule.resolveBy.contains(occurrence.type) {
            let key = OpenAlert.Key(rule: rule.name, about: occurrence.about)
            guard let alert = open.removeValue(forKey: key) else { continue }
            actions.append(.resolve(key, rule, repeats: alert.repeats, occurrence))
        }
        for rule in rules where rule.type == occurrence.type {
            let key = OpenAlert.Key(rule: rule.name, about: occurrence.about)
            if var alert = open[key] {
                alert.repeats += 1
                open[key] = alert
                actions.append(.count(key, repeats: alert.repeats))
            } else {
                open[key] = OpenAlert(key: key, repeats: 0)
                actions.append(.raise(key, rule, occurrence))
            }
        }
        return actions
    }
}
