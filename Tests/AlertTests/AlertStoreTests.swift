import Events
import Foundation
import GRDB
import Pipelines
import Storage
import Synchronization
import Testing

@testable import AlertApp

@Suite("Alerts in their store")
struct AlertStoreTests {
    private func store() throws -> Store {
        let directory = FileManager.default.temporaryDirectory.appending(path: "alert-\(UUID().uuidString)").path
        return try Store(
            directory: directory,
            identity: .init(site: "local", service: "alert", instance: "main"),
            migrations: AlertMigrations.all,
            clock: { Timestamp(seconds: 100) }
        )
    }

    private let alert = Incident.Alert(
        rule: "r",
        severity: .warning,
        title: "t",
        detail: "d",
        since: Timestamp(seconds: 90),
        repeats: 0,
        sinks: [.webhook]
    )

    private let raised = AlertRaised(
        alert: "r/oil",
        rule: "r",
        severity: .warning,
        about: "oil",
        title: "t",
        detail: "d",
        eventID: "e",
        eventType: "x"
    )

    @Test("cannot be open twice for one rule and subject")
    func unique() async throws {
        let (store, raised) = (try store(), raised)
        _ = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        await #expect(throws: (any Error).self) {
            _ = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        }
    }

    @Test("are counted, resolved and open again")
    func life() async throws {
        let (store, raised) = (try store(), raised)
        let key = OpenAlert.Key(rule: "r", about: "oil")
        let first = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        try await store.write { try AlertTable.count(key, repeats: 3, at: $0.now, $0.database) }
        let open = OpenAlert(key: key, repeats: 3, lastAt: Timestamp(seconds: 100))
        #expect(try await store.read { try AlertTable.open(about: "oil", $0) } == [open])
        let ended = try await store.write { try AlertTable.resolve(key, by: "e2", at: $0.now, $0.database) }
        #expect(ended == first)
        #expect(try await store.write { try AlertTable.resolve(key, by: "e2", at: $0.now, $0.database) } == nil)
        let second = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        #expect(second > first)
        #expect(try await store.read { try AlertTable.openCount($0) } == 1)
    }

    @Test("tell their end only after their begin, and a begin that failed only when it is due again")
    func deliveries() async throws {
        let (store, alert) = (try store(), alert)
        let begin = Timestamp(seconds: 100)
        try await store.write { transaction in
            for (state, seconds) in [(AlertNotice.State.raised, 100.0), (.resolved, 101)] {
                let telling = Incident.Telling(state: state, alerts: [alert], sinks: [.webhook])
                let notice = try #require(AlertNotice(telling, of: 7, about: "oil", at: begin))
                let at = Timestamp(seconds: seconds - 1)
                try DeliveryTable.insert(notice, of: 7, to: .webhook, at: at, transaction.database)
            }
        }
        @Sendable func due(_ seconds: Double) async throws -> [DeliveryTable.Delivery] {
            try await store.read { try DeliveryTable.due(.webhook, at: Timestamp(seconds: seconds), limit: 10, $0) }
        }
        let first = try #require(try await due(100).first)
        #expect(try await due(100).map(\.idempotencyKey) == ["incident-7-raised-99000000"])
        try await store.write {
            try DeliveryTable.fail(
                first.number,
                "500",
                attempts: 1,
                dueAt: Timestamp(seconds: 160),
                at: begin,
                $0.database
            )
        }
        #expect(try await due(159).isEmpty)
        let again = try #require(try await due(160).first)
        #expect(again.attempts == 1)
        #expect(again.idempotencyKey == first.idempotencyKey)
        try await store.write {
            try DeliveryTable.fail(first.number, "500", attempts: 2, dueAt: nil, at: begin, $0.database)
        }
        let last = try await due(160)
        #expect(last.map(\.idempotencyKey) == ["incident-7-resolved-100000000"])
        #expect(last.first?.idempotencyKey != first.idempotencyKey)
        #expect(try await store.read { try DeliveryTable.due(.log, at: begin, limit: 10, $0) }.isEmpty)
    }
    @Test("of an incident are told once, and of its end once, over restarts between any two steps")
    func incident() async throws {
        let (store, clock) = try timed()
        let rules = AlertRule.builtIn
        func take(_ type: String, at seconds: Double) async throws {
            clock.set(seconds)
            let occurrence = Occurrence(type: type, about: "oil", detail: type, eventID: "e", eventType: "x")
            try await store.write { try AlertHandlers.take(occurrence, rules, $0) }
        }
        func told(at seconds: Double) async throws -> [AlertNotice] {
            clock.set(seconds)
            try await store.write { try AlertHandlers.tick(rules, TellingPolicy(), [.webhook], $0) }
            let due = try await store.read {
                try DeliveryTable.due(.webhook, at: Timestamp(seconds: seconds), limit: 9, $0)
            }
            for one in due { try await store.write { try DeliveryTable.remove(one.number, $0.database) } }
            return try due.map { try EventCoding.decode(AlertNotice.self, from: $0.body) }
        }
        try await take("decay.suspected", at: 100)
        try await take("decay.detected", at: 101)
        try await take("training.declined", at: 102)
        #expect(try await told(at: 109).isEmpty)
        let first = try #require(try await told(at: 110).first)
        #expect(first.state == .raised)
        #expect(first.alert == "decay-detected/oil")
        #expect(first.since == Timestamp(seconds: 101))
        #expect(first.others?.map(\.rule) == ["training-declined"])
        try await take("decay.detected", at: 111)
        #expect(try await told(at: 200).isEmpty)
        #expect(first.steps?.map(\.type) == ["training.declined"])
        try await take("training.started", at: 250)
        try await take("rollout.completed", at: 300)
        let last = try await told(at: 301)
        #expect(last.map(\.state) == [.resolved])
        #expect(last.first?.incident == first.incident)
        #expect(last.first?.repeats == 1)
        #expect(last.first?.steps?.map(\.type) == ["training.declined", "training.started", "rollout.completed"])
        #expect(last.first?.detail == "rollout.completed: rollout.completed")
        #expect(try await told(at: 100_000).isEmpty)
        #expect(try await store.read { try IncidentTable.open($0) }.isEmpty)
        try await take("decay.suspected", at: 100_001)
        #expect(try await told(at: 100_011).first?.incident != first.incident)
    }

    @Test("wait for the age of their rule in the store")
    func age() async throws {
        let (store, clock) = try timed()
        var rule = AlertRule("slow", on: "model.rejected", .warning, title: "{about}")
        rule.after = .seconds(30)
        let rules = [rule]
        let occurrence = Occurrence(type: "model.rejected", about: "oil", detail: "", eventID: "e", eventType: "x")
        try await store.write { try AlertHandlers.take(occurrence, rules, $0) }
        for (seconds, open) in [(129.0, 0), (130, 1), (131, 1)] {
            clock.set(seconds)
            try await store.write { try AlertHandlers.tick(rules, TellingPolicy(), [.log], $0) }
            #expect(try await store.read { try AlertTable.openCount($0) } == open)
        }
        #expect(try await store.read { try PendingTable.all($0) }.isEmpty)
        #expect(try await store.read { try IncidentTable.open($0) }.first?.incident.alerts.first?.since.seconds == 100)
    }

    @Test("that an earlier version left open become an incident, and its deliveries go on")
    func migration() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "alert-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let identity = Store.Identity(site: "local", service: "alert", instance: "main")
        let raised = raised
        do {
            let old = try Store(
                directory: directory,
                identity: identity,
                migrations: [AlertMigrations.all[0]],
                clock: { Timestamp(seconds: 100) }
            )
            try await old.write { transaction in
                for (rule, severity, at) in [("a", Severity.warning, 50.0), ("b", .critical, 60)] {
                    var alert = raised
                    (alert.rule, alert.severity) = (rule, severity)
                    try AlertTable.insert(alert, at: Timestamp(seconds: at), transaction.database)
                }
                try transaction.database.execute(
                    sql: """
                        INSERT INTO delivery (alert, sink, state, body, dueAt) VALUES (2, 'webhook', 'raised', x'7B7D', 1)
                        """
                )
            }
        }
        let new = try Store(
            directory: directory,
            identity: identity,
            migrations: AlertMigrations.all,
            clock: { Timestamp(seconds: 200) }
        )
        let open = try await new.read { try IncidentTable.open($0) }
        #expect(open.map(\.incident.about) == ["oil"])
        let incident = try #require(open.first?.incident)
        #expect(incident.openedAt == Timestamp(seconds: 50))
        #expect(incident.alerts.map(\.rule) == ["a", "b"])
        #expect(incident.told?.alert.rule == "b")
        #expect(incident.told?.lastAt == Timestamp(seconds: 60))
        let due = try await new.read { try DeliveryTable.due(.webhook, at: Timestamp(seconds: 200), limit: 9, $0) }
        #expect(due.map(\.idempotencyKey) == ["2-raised"])
    }

    @Test(
        "are told as the pipeline's automation says: with what the loop did, with the command that answers, or not",
        arguments: [("automatic", true, nil), ("alert", true, "hexloop train oil --because 1"), ("manual", false, nil)]
            as [(String, Bool, String?)]
    )
    func levels(_ automation: String, _ isTold: Bool, _ answer: String?) async throws {
        let (store, clock) = try timed()
        let definition = try Pipeline(
            yaml: """
                pipeline: oil
                automation: \(automation)
                task: {kind: regression, inputs: {x: {shape: [1]}}, target: y}
                data: {observations: in, labels: out}
                """
        ).canonicalJSON()
        let figures = DecayFigures(
            cause: "concept",
            metric: "mae",
            value: 2,
            baseline: 1,
            near: 1.5,
            breach: 2,
            window: 20,
            key: "k",
            firstSuspectKey: nil,
            firstSuspectAt: nil,
            message: "m"
        )
        let occurrence = Occurrence(
            type: "decay.detected",
            about: "oil",
            figures: figures,
            detail: "d",
            eventID: "e",
            eventType: "x"
        )
        try await store.write { transaction in
            try transaction.database.execute(
                sql: "INSERT INTO pipeline (name, version, definition) VALUES ('oil', 'v', ?)",
                arguments: [definition]
            )
            try AlertHandlers.take(occurrence, AlertRule.builtIn, transaction)
        }
        clock.set(200)
        try await store.write { try AlertHandlers.tick(AlertRule.builtIn, TellingPolicy(), [.webhook], $0) }
        let due = try await store.read { try DeliveryTable.due(.webhook, at: Timestamp(seconds: 200), limit: 9, $0) }
        let notice = try due.first.map { try EventCoding.decode(AlertNotice.self, from: $0.body) }
        #expect((notice != nil) == isTold && notice?.answer == answer)
        #expect(notice?.text?.contains("hexloop train") ?? false == (answer != nil))
        #expect(try await store.read { try AlertTable.openCount($0) } == 1, "what is not told is recorded")
    }

    @Test("are acknowledged and silenced by events that outlast a restart")
    func said() async throws {
        let (store, clock) = try timed()
        let rules = AlertRule.builtIn
        let occurrence = Occurrence(type: "model.rejected", about: "oil", detail: "d", eventID: "e", eventType: "x")
        let silence = AlertSilenced(
            silence: "work",
            rules: ["model-rejected"],
            pipelines: ["o*"],
            until: Timestamp(seconds: 1_000),
            by: "ada",
            reason: "r"
        )
        try await store.write { transaction in
            try AlertHandlers.silence(silence, rules, transaction)
            try AlertHandlers.take(occurrence, rules, transaction)
        }
        func told(at seconds: Double) async throws -> [AlertNotice.State] {
            clock.set(seconds)
            try await store.write { try AlertHandlers.tick(rules, TellingPolicy(), [.log], $0) }
            let due = try await store.read {
                try DeliveryTable.due(.log, at: Timestamp(seconds: seconds), limit: 9, $0)
            }
            for one in due { try await store.write { try DeliveryTable.remove(one.number, $0.database) } }
            return try due.map { try EventCoding.decode(AlertNotice.self, from: $0.body).state }
        }
        #expect(try await told(at: 999) == [])
        #expect(try await told(at: 1_000) == [.raised])
        try await store.write {
            try AlertHandlers.acknowledge(.init(incident: 1, by: "ada", note: "on it"), at: $0.now, $0)
        }
        #expect(try await told(at: 1_001) == [.acknowledged])
        #expect(try await told(at: 100_000) == [])
        let shown = try await store.read { try IncidentTable.shown(all: false, $0) }
        #expect(shown.map(\.acknowledgedBy) == ["ada"] && shown.first?.alerts.map(\.rule) == ["model-rejected"])
        for (number, rule) in [(9 as Int64, "model-rejected"), (1, "nothing")] {
            await #expect(throws: EventError.self) {
                try await store.write { transaction in
                    if rule == "nothing" {
                        var wrong = silence
                        wrong.rules = [rule]
                        try AlertHandlers.silence(wrong, rules, transaction)
                    } else {
                        try AlertHandlers.acknowledge(
                            .init(incident: number, by: "a", note: ""),
                            at: transaction.now,
                            transaction
                        )
                    }
                }
            }
        }
    }

    @Test("that were given up are shown with their reason and tried again")
    func dead() async throws {
        let (store, alert) = (try store(), alert)
        let now = Timestamp(seconds: 100)
        try await store.write { transaction in
            let telling = Incident.Telling(state: .raised, alerts: [alert], sinks: [.webhook])
            let notice = try #require(AlertNotice(telling, of: 7, about: "oil", at: now))
            for sink in [AlertRule.Sink.webhook, "gone"] {
                try DeliveryTable.insert(notice, of: 7, to: sink, at: now, transaction.database)
            }
            try DeliveryTable.fail(1, "it answered 500", attempts: 10, dueAt: nil, at: now, transaction.database)
            try DeliveryTable.giveUp(except: [.log, .webhook], at: now, transaction.database)
        }
        let dead = try await store.read { try DeliveryTable.givenUp($0) }
        #expect(dead.map(\.sink) == ["gone", "webhook"] && dead.last?.failure == "it answered 500")
        #expect(dead.last?.headline == "[warning] t")
        #expect(try await store.write { try DeliveryTable.requeue(1, at: $0.now, $0.database) } == 1)
        #expect(try await store.write { try DeliveryTable.requeue(99, at: $0.now, $0.database) } == 0)
        #expect(try await store.read { try DeliveryTable.due(.webhook, at: now, limit: 9, $0) }.first?.attempts == 0)
    }

    private func timed() throws -> (Store, Clock) {
        let clock = Clock()
        let store = try Store(
            directory: FileManager.default.temporaryDirectory.appending(path: "alert-\(UUID().uuidString)").path,
            identity: .init(site: "local", service: "alert", instance: "main"),
            migrations: AlertMigrations.all,
            clock: { Timestamp(seconds: clock.seconds) }
        )
        return (store, clock)
    }

    /// Seconds since 1970, as the test says.
    private final class Clock: Sendable {
        private let value = Mutex(100.0)

        var seconds: Double { value.withLock { $0 } }

        func set(_ seconds: Double) { value.withLock { $0 = seconds } }
    }
}
