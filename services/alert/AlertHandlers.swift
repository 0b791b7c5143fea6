import Events
import Membership
import Storage

/// What each event does to the alerts.
enum AlertHandlers {
    static func make(_ configuration: AlertConfiguration) -> EventHandlers {
        let rules = configuration.rules
        let sinks: Set<AlertRule.Sink> = configuration.webhookURL == nil ? [.log] : [.log, .webhook]
        let used = Set(rules.map(\.type)).union(rules.flatMap(\.resolveBy))
        var handlers = EventHandlers()
        for watched in WatchedEvent.all where used.contains(watched.type) {
            watched.register(in: &handlers) { occurrence, transaction in
                let open = try AlertTable.open(about: occurrence.about, transaction.database)
                var machine = AlertMachine(rules: rules, open: open)
                for action in machine.take(occurrence) { try perform(action, sinks, transaction) }
            }
        }
        return handlers
    }

    private static func perform(
        _ action: AlertMachine.Action,
        _ sinks: Set<AlertRule.Sink>,
        _ transaction: Transaction
    ) throws {
        switch action {
        case .raise(let key, let rule, let occurrence):
            let raised = AlertRaised(
                alert: key.text,
                rule: rule.name,
                severity: rule.severity,
                about: key.about,
                title: rule.title(about: key.about),
                detail: occurrence.detail,
                eventID: occurrence.eventID,
                eventType: occurrence.eventType
            )
            let number = try AlertTable.insert(raised, at: transaction.now, transaction.database)
            try transaction.send(raised)
            let notice = AlertNotice(raised, at: transaction.now, runID: transaction.runID)
            for sink in rule.sinks.intersection(sinks) {
                try DeliveryTable.insert(
                    alert: number,
                    sink: sink,
                    notice,
                    at: transaction.now,
                    transaction.database
                )
            }
        case .count(let key, let repeats):
            try AlertTable.count(key, repeats: repeats, at: transaction.now, transaction.database)
        case .resolve(let key, let rule, let repeats, let occurrence):
            let resolved = AlertResolved(
                alert: key.text,
                rule: rule.name,
                about: key.about,
                repeats: repeats,
                message: "\(occurrence.type): \(occurrence.detail)"
            )
            guard
                let number = try AlertTable.resolve(
                    key,
                    by: occurrence.eventID,
                    at: transaction.now,
                    transaction.database
                )
            else { return }
            try transaction.send(resolved)
            let notice = AlertNotice(
                resolved,
                rule.title(about: key.about),
                rule.severity,
                at: transaction.now,
                runID: transaction.runID
            )
            for sink in rule.sinks.intersection(sinks) {
                try DeliveryTable.insert(
                    alert: number,
                    sink: sink,
                    notice,
                    at: transaction.now,
                    transaction.database
                )
            }
            try AlertTable.prune(transaction.database)
        }
    }
}
