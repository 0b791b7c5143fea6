import Events
import Testing

@testable import AlertApp

@Suite("The alert machine")
struct AlertMachineTests {
    private func occurrence(_ type: String, _ about: String = "oil", id: String = "e-1") -> Occurrence {
        Occurrence(type: type, about: about, detail: "mae 3", eventID: id, eventType: "dev.hexloop.\(type).v1")
    }

    private func key(_ rule: String, _ about: String = "oil") -> OpenAlert.Key { .init(rule: rule, about: about) }

    private func rule(_ name: String) throws -> AlertRule {
        try #require(AlertRule.builtIn.first { $0.name == name })
    }

    @Test("raises an alert once and only counts what repeats it")
    func raisesOnce() throws {
        var machine = AlertMachine(rules: AlertRule.builtIn)
        let first = occurrence("decay.detected")
        #expect(machine.take(first) == [.raise(key("decay-detected"), try rule("decay-detected"), first)])
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
                .resolve(key("decay-detected"), try rule("decay-detected"), repeats: 2, cleared)
            ]
        )
        #expect(machine.take(cleared) == [])
        let again = occurrence("decay.detected")
        #expect(machine.take(again) == [.raise(key("decay-detected"), try rule("decay-detected"), again)])
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

    @Test("goes on from the alerts that were open")
    func restored() {
        let open = OpenAlert(key: key("decay-detected"), repeats: 4)
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
                case .raise(let key, _, _): #expect(open.insert(key).inserted, "seed \(seed)")
                case .count(let key, _): #expect(open.contains(key), "seed \(seed)")
                case .resolve(let key, _, _, _): #expect(open.remove(key) != nil, "seed \(seed)")
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
}
