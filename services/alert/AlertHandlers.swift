import Events
import KnownPipelines
import Membership
import Pipelines
import Storage

/// What each event, and the passing of time, does to alerts and incidents.
enum AlertHandlers {
    static func make(_ configuration: AlertConfiguration) -> EventHandlers {
        let rules = configuration.rules
        let used = Set(rules.map(\.type)).union(rules.flatMap(\.resolveBy)).union(WatchedEvent.steps)
        var handlers = EventHandlers()
        for watched in WatchedEvent.all where used.contains(watched.type) {
            watched.register(in: &handlers) { occurrence, transaction in
                try take(occurrence, rules, transaction)
            }
        }
        PipelineTable.follow(&handlers)
        handlers.on(AlertAcknowledged.self) { event, context, transaction in
            try acknowledge(event, at: context.time, transaction)
        }
        handlers.on(AlertSilenced.self) { event, _, transaction in
            try silence(event, rules, transaction)
        }
        return handlers
    }

    /// Somebody looks after an incident.
    static func acknowledge(_ event: AlertAcknowledged, at time: Timestamp, _ transaction: Transaction) throws {
        guard var one = try IncidentTable.open(number: event.incident, transaction.database) else {
            throw EventError(.notFound, "there is no open incident \(event.incident)")
        }
        one.incident.acknowledge(
            by: String(event.by.prefix(Occurrence.aboutCharactersMax)),
            note: String(event.note.prefix(Occurrence.detailCharactersMax)),
            at: time
        )
        try IncidentTable.update(one, at: transaction.now, transaction.database)
    }

    /// Somebody silences alerts.
    static func silence(_ event: AlertSilenced, _ rules: [AlertRule], _ transaction: Transaction) throws {
        let names = rules.map(\.name)
        if let unknown = event.rules.first(where: { !names.contains($0) }) {
            throw EventError(.notFound, "there is no rule '\(unknown)'; there are \(names.joined(separator: ", "))")
        }
        try SilenceTable.set(event, at: transaction.now, transaction.database)
    }

    /// Takes one event.
    static func take(_ occurrence: Occurrence, _ rules: [AlertRule], _ transaction: Transaction) throws {
        let db = transaction.database
        var machine = AlertMachine(
            rules: rules,
            open: try AlertTable.open(about: occurrence.about, db),
            pending: try PendingTable.all(about: occurrence.about, db)
        )
        for action in machine.take(occurrence, at: transaction.now, runID: transaction.runID) {
            try perform(action, transaction)
        }
        guard WatchedEvent.steps.contains(occurrence.type) else { return }
        let step = Incident.Step(at: transaction.now, type: occurrence.type, detail: occurrence.detail)
        try change(occurrence.about, transaction) { $0.note(step) }
    }

    /// Raises what has reached its age, ends what was not repeated for long enough, and queues what is to be told now;
    /// `sinks` are those that are set up.
    static func tick(
        _ rules: [AlertRule],
        _ policy: TellingPolicy,
        _ sinks: Set<AlertRule.Sink>,
        links: [String] = [],
        _ transaction: Transaction
    ) throws {
        let (db, now) = (transaction.database, transaction.now)
        let pending = try PendingTable.all(db)
        let ageing = Set(rules.filter { $0.endsAfter != nil }.map(\.name))
        let aged = try AlertTable.open(db).filter { ageing.contains($0.key.rule) }
        for about in Set(pending.map(\.key.about) + aged.map(\.key.about)).sorted() {
            var machine = AlertMachine(
                rules: rules,
                open: try AlertTable.open(about: about, db),
                pending: pending.filter { $0.key.about == about }
            )
            for action in machine.tick(at: now) { try perform(action, transaction) }
        }
        var policy = policy
        policy.silences += try SilenceTable.all(at: now, db).map(TellingPolicy.Silence.init)
        for var one in try IncidentTable.open(db) {
            let before = one.incident
            let automation = try PipelineTable.fetch(one.incident.about, db)?.pipeline.automation ?? .automatic
            // Level 0 only records what decays; what fails is told at every level.
            let unheard = automation == .manual ? Set(rules.filter(\.isDecay).map(\.name)) : []
            if let telling = one.incident.tell(at: now, policy, unheard: unheard),
                let notice = AlertNotice(
                    telling,
                    of: one.number,
                    about: one.incident.about,
                    at: now,
                    isAsked: automation == .alert,
                    links: links
                )
            {
                for sink in telling.sinks.intersection(sinks).sorted() {
                    try DeliveryTable.insert(notice, of: one.number, to: sink, at: now, db)
                }
            }
            if one.incident != before { try IncidentTable.update(one, at: now, db) }
        }
    }

    private static func perform(_ action: AlertMachine.Action, _ transaction: Transaction) throws {
        let (db, now) = (transaction.database, transaction.now)
        switch action {
        case .hold(let waiting): try PendingTable.insert(waiting, db)
        case .drop(let key): try PendingTable.remove(key, db)
        case .raise(let key, let rule, let occurrence, let since, let runID):
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
            try AlertTable.insert(raised, at: now, db)
            try transaction.send(raised, runID: runID)
            let alert = Incident.Alert(
                rule: rule.name,
                severity: rule.severity,
                title: raised.title,
                detail: raised.detail,
                since: since,
                repeats: 0,
                sinks: rule.sinks ?? AlertRule.Sink.usual,
                canEnd: rule.canEnd,
                figures: occurrence.figures,
                runID: runID
            )
            if try !change(key.about, transaction, { $0.add(alert) }) {
                var incident = Incident(about: key.about, openedAt: now)
                incident.add(alert)
                try IncidentTable.insert(incident, db)
            }
        case .count(let key, let repeats):
            try AlertTable.count(key, repeats: repeats, at: now, db)
            try change(key.about, transaction) { $0.count(key.rule, repeats: repeats) }
        case .resolve(let key, let rule, let repeats, let message, let eventID):
            let resolved = AlertResolved(
                alert: key.text,
                rule: rule.name,
                about: key.about,
                repeats: repeats,
                message: message
            )
            guard try AlertTable.resolve(key, by: eventID, at: now, db) != nil else { return }
            try transaction.send(resolved)
            try change(key.about, transaction) { $0.resolve(key.rule, message: resolved.message) }
            try AlertTable.prune(db)
        }
    }

    /// Changes the incident about a subject; false when none is open.
    @discardableResult
    private static func change(
        _ about: String,
        _ transaction: Transaction,
        _ body: (inout Incident) -> Void
    ) throws -> Bool {
        guard var one = try IncidentTable.open(about: about, transaction.database) else { return false }
        body(&one.incident)
        try IncidentTable.update(one, at: transaction.now, transaction.database)
        return true
    }
}
