import Events
import Testing

@testable import AlertApp

extension AlertMachine {
    /// Takes an occurrence of no lap at a time that does not matter.
    fileprivate mutating func take(_ occurrence: Occurrence) -> [Action] {
        take(occurrence, at: Timestamp(seconds: 0), runID: nil)
    }
}

@Suite("The alert machine")
struct AlertMachineTests {
    private func occurrence(_ type: String, _ about: String = "oil", id: String = "e-1") -> Occurrence {
        Occurrence(type: type, about: about, detail: "mae 3", eventID: id, eventType: "dev.hexloop.\(type).v1")
    }

    private func key(_ rule: String, _ about: String = "oil") -> OpenAlert.Key { .init(rule: rule, about: about) }

    private func rule(_ name: String) throws -> AlertRule {
        try #require(AlertRule.builtIn.first { $0.name == name })
    }

    private func raise(_ name: String, _ occurrence: Occurrence) throws -> AlertMachine.Action {
        .raise(key(name), try rule(name), occurrence, since: Timestamp(seconds: 0), runID: nil)
    }

    @Test("raises an alert once and only counts what repeats it")
    func raisesOnce() throws {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        let first = occurrence("decay.detected")
        #expect(machine.take(first) == [try raise("decay-detected", first)])
        #expect(machine.take(occurrence("decay.detected", id: "e-2")) == [.count(key("decay-detected"), repeats: 1)])
        #expect(machine.take(occurrence("decay.detected", id: "e-3")) == [.count(key("decay-detected"), repeats: 2)])
    }

    @Test("keeps subjects apart")
    func subjects() {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        _ = machine.take(occurrence("decay.detected", "oil"))
        _ = machine.take(occurrence("decay.detected", "gas"))
        _ = machine.take(occurrence("decay.cleared", "oil"))
        #expect(Set(machine.open.keys) == [key("decay-detected", "gas")])
    }

    @Test("resolves with the count of repetitions and may raise again afterwards")
    func resolves() throws {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        for _ in 0..<3 { _ = machine.take(occurrence("decay.detected")) }
        let cleared = occurrence("decay.cleared")
        #expect(
            machine.take(cleared) == [
                .resolve(
                    key("decay-detected"),
                    try rule("decay-detected"),
                    repeats: 2,
                    message: "\(cleared.type): \(cleared.detail)",
                    eventID: cleared.eventID
                )
            ]
        )
        #expect(machine.take(cleared) == [])
        let again = occurrence("decay.detected")
        #expect(machine.take(again) == [try raise("decay-detected", again)])
    }

    @Test("ends with a completed rollout whatever the lap raised")
    func rollout() {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        let raising = [
            "decay.suspected", "decay.detected", "training.failed", "training.declined", "conversion.failed",
            "model.rejected", "model.refused",
        ]
        for type in raising { _ = machine.take(occurrence(type)) }
        #expect(machine.open.count == raising.count)
        #expect(machine.take(occurrence("rollout.completed")).count == raising.count)
        #expect(machine.open.isEmpty)
    }

    @Test("does nothing for events without a rule")
    func ignores() {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        #expect(machine.take(occurrence("model.loaded")) == [])
    }

    @Test("raises only what the rule's pipelines and causes name")
    func filters() throws {
        var rule = AlertRule("r", on: "decay.detected", .critical, resolveBy: ["decay.cleared"], title: "t")
        rule.pipelines = ["oil-*", "gas"]
        rule.causes = ["concept"]
        var machine = AlertMachine(rules: [rule])
        func seen(_ about: String, _ cause: String?) -> Occurrence {
            Occurrence(type: "decay.detected", about: about, cause: cause, detail: "", eventID: "e", eventType: "x")
        }
        for (about, cause) in [("oil", "concept"), ("gasoline", "concept"), ("oil-price", "inputs"), ("gas", nil)] {
            #expect(machine.take(seen(about, cause)) == [], "\(about)")
        }
        #expect(machine.take(seen("oil-price", "concept")).count == 1)
        #expect(machine.take(seen("gas", "concept")).count == 1)
        #expect(Set(machine.open.keys) == [key("r", "oil-price"), key("r", "gas")])
    }

    @Test("raises at the rule's age, counted from the first occurrence, and drops what was resolved before")
    func age() throws {
        var rule = AlertRule("r", on: "training.failed", .critical, resolveBy: ["training.completed"], title: "t")
        rule.after = .seconds(60)
        var machine = AlertMachine(rules: [rule])
        let first = occurrence("training.failed")
        let waiting = PendingAlert(key: key("r"), since: Timestamp(seconds: 100), occurrence: first, runID: "lap")
        #expect(machine.take(first, at: Timestamp(seconds: 100), runID: "lap") == [.hold(waiting)])
        #expect(machine.take(occurrence("training.failed"), at: Timestamp(seconds: 130), runID: nil) == [])
        #expect(machine.tick(at: Timestamp(seconds: 159.9)) == [])
        // A restart in between changes nothing.
        machine = AlertMachine(rules: [rule], pending: [waiting])
        #expect(
            machine.tick(at: Timestamp(seconds: 160)) == [
                .drop(key("r")),
                .raise(key("r"), rule, first, since: Timestamp(seconds: 100), runID: "lap"),
            ]
        )
        #expect(machine.tick(at: Timestamp(seconds: 999)) == [])
        #expect(machine.take(occurrence("training.failed")) == [.count(key("r"), repeats: 1)])

        machine = AlertMachine(rules: [rule], pending: [waiting])
        #expect(machine.take(occurrence("training.completed")) == [.drop(key("r"))])
        #expect(machine.tick(at: Timestamp(seconds: 999)) == [])
        machine = AlertMachine(rules: [], pending: [waiting])
        #expect(machine.tick(at: Timestamp(seconds: 101)) == [.drop(key("r"))])
    }

    @Test("goes on from the alerts that were open")
    func restored() {
        let open = OpenAlert(key: key("decay-detected"), repeats: 4, lastAt: Timestamp(seconds: 0))
        var machine = AlertMachine(rules: AlertRule.builtIn, open: [open])
        #expect(machine.take(occurrence("decay.detected")) == [.count(key("decay-detected"), repeats: 5)])
    }

    @Test("has, for every sequence of events, one open alert per rule and subject, and a raise for every resolve")
    func invariant() {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var state = seed
        func next(_ count: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % count)
        }
        let types = ["decay.suspected", "decay.detected", "decay.cleared", "training.failed", "rollout.completed"]
        var machine = AlertMachine(rules: AlertRule.builtIn)
        var open: Set<OpenAlert.Key> = []
        for _ in 0..<2_000 {
            for action in machine.take(occurrence(types[next(5)], "p\(next(3))")) {
                switch action {
                case .hold, .drop: Issue.record("no built-in rule has an age")
                case .raise(let key, _, _, _, _): #expect(open.insert(key).inserted, "seed \(seed)")
                case .count(let key, _): #expect(open.contains(key), "seed \(seed)")
                case .resolve(let key, _, _, _, _): #expect(open.remove(key) != nil, "seed \(seed)")
                }
            }
        }
        #expect(Set(machine.open.keys) == open, "seed \(seed)")
    }
}

@Suite("Waiting between attempts")
struct BackoffTests {
    @Test("doubles from one second up to five minutes and ends after the last attempt")
    func waits() {
        let backoff = Backoff(attemptsMax: 12)
        #expect((1...4).map { backoff.wait(after: $0) } == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(backoff.wait(after: 11) == .seconds(300))
        #expect(backoff.wait(after: 12) == nil)
        #expect(Backoff(attemptsMax: 1).wait(after: 1) == nil)
    }

    @Test("an alert that nothing but age ends is over when it was not repeated for so long")
    func age() throws {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        let refused = Occurrence(type: "event.refused", about: "bus/denied", detail: "d", eventID: "e", eventType: "x")
        func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: seconds) }
        _ = machine.take(refused, at: at(0), runID: nil)
        #expect(machine.tick(at: at(3_599)).isEmpty)
        _ = machine.take(refused, at: at(3_599), runID: nil)
        #expect(machine.tick(at: at(7_198)).isEmpty)
        let key = OpenAlert.Key(rule: "event-refused", about: "bus/denied")
        let rule = try #require(AlertRule.builtIn.first { $0.name == "event-refused" })
        #expect(
            machine.tick(at: at(7_199)) == [
                .resolve(key, rule, repeats: 1, message: "no event.refused for 1 h", eventID: "")
            ]
        )
        #expect(machine.open.isEmpty && machine.tick(at: at(9_999)).isEmpty)
    }
}
