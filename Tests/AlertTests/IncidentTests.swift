import Events
import Testing

@testable import AlertApp

@Suite("An incident")
struct IncidentTests {
    private func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: seconds) }

    private func alert(_ rule: String, _ severity: Severity, since: Double = 0) -> Incident.Alert {
        .init(
            rule: rule,
            severity: severity,
            title: rule,
            detail: "",
            since: at(since),
            repeats: 0,
            sinks: AlertRule.Sink.usual
        )
    }

    private func incident(_ alerts: Incident.Alert...) -> Incident {
        var incident = Incident(about: "oil", openedAt: at(0))
        for alert in alerts { incident.add(alert) }
        return incident
    }

    @Test("gathers its alerts before it is told, the gravest first, and once")
    func gathers() {
        var incident = incident(alert("a", .info), alert("c", .critical, since: 2), alert("b", .critical, since: 1))
        let policy = TellingPolicy()
        #expect(incident.tell(at: at(9.9), policy) == nil)
        let told = incident.tell(at: at(10), policy)
        #expect(told?.state == .raised)
        #expect(told?.alerts.map(\.rule) == ["b", "c", "a"])
        #expect(incident.tell(at: at(11), policy) == nil)
        incident.add(alert("d", .warning))
        incident.count("b", repeats: 5)
        #expect(incident.tell(at: at(12), policy) == nil)
    }

    @Test("that ends before it was told is never told")
    func short() {
        var incident = incident(alert("a", .critical))
        incident.resolve("a", message: "m")
        #expect(incident.tell(at: at(100), TellingPolicy()) == nil)
        #expect(incident.isClosed)
        #expect(incident.tell(at: at(200), TellingPolicy()) == nil)
    }

    @Test("is told at once when it grows worse, and not when it grows less")
    func worsens() {
        var incident = incident(alert("a", .warning))
        _ = incident.tell(at: at(10), TellingPolicy())
        incident.add(alert("b", .critical))
        #expect(incident.tell(at: at(11), TellingPolicy())?.state == .worsened)
        incident.resolve("b", message: "m")
        #expect(incident.tell(at: at(12), TellingPolicy()) == nil)
    }

    @Test("is told again after the interval, and never when there is none")
    func repeats() {
        var policy = TellingPolicy()
        policy.repeat = .seconds(60)
        var incident = incident(alert("a", .warning))
        _ = incident.tell(at: at(10), policy)
        #expect(incident.tell(at: at(69), policy) == nil)
        #expect(incident.tell(at: at(70), policy)?.state == .repeated)
        #expect(incident.tell(at: at(129), policy) == nil)
        var endless = alert("a", .warning)
        endless.canEnd = false
        var other = self.incident(endless)
        #expect(other.tell(at: at(10), policy)?.state == .raised)
        #expect(other.tell(at: at(1e9), policy) == nil)
        policy.repeat = nil
        #expect(incident.tell(at: at(1e9), policy) == nil)
    }

    @Test("escalates once, from the severity and after the time that the policy says")
    func escalates() {
        var policy = TellingPolicy()
        policy.escalation = .init(after: .seconds(100), severity: .critical, sinks: [.webhook])
        var mild = incident(alert("a", .warning))
        _ = mild.tell(at: at(10), policy)
        #expect(mild.tell(at: at(500), policy) == nil)
        var grave = incident(alert("a", .critical))
        _ = grave.tell(at: at(10), policy)
        #expect(grave.tell(at: at(109), policy) == nil)
        let told = grave.tell(at: at(110), policy)
        #expect(told?.state == .escalated)
        #expect(told?.sinks == [.webhook])
        #expect(grave.tell(at: at(500), policy) == nil)
    }

    @Test("is quiet in quiet hours unless it is grave, and told at their end, its end too")
    func quiet() {
        var policy = TellingPolicy()
        // From 00:00 to 01:00 UTC, as a clock two hours ahead shows it.
        policy.quietHours = .init(from: 2 * 60, to: 3 * 60, offset: 120, except: .critical)
        var mild = incident(alert("a", .warning))
        #expect(mild.tell(at: at(3_599), policy) == nil)
        #expect(mild.tell(at: at(3_600), policy)?.state == .raised)
        mild.resolve("a", message: "m")
        #expect(mild.tell(at: at(86_400), policy) == nil)
        #expect(mild.tell(at: at(90_000), policy)?.state == .resolved)
        #expect(mild.isClosed)
        var grave = incident(alert("a", .critical))
        #expect(grave.tell(at: at(10), policy)?.state == .raised)
        grave.resolve("a", message: "m")
        #expect(grave.tell(at: at(20), policy)?.state == .resolved)
    }

    @Test("has quiet hours over midnight", arguments: [(21, 59, false), (22, 0, true), (6, 59, true), (7, 0, false)])
    func midnight(hour: Int, minute: Int, isQuiet: Bool) {
        let hours = TellingPolicy.QuietHours(from: 22 * 60, to: 7 * 60, offset: 0, except: .critical)
        #expect(hours.contains(at(Double(hour * 3_600 + minute * 60))) == isQuiet)
        #expect(hours.contains(at(Double(hour * 3_600 + minute * 60 - 86_400))) == isQuiet)
    }

    @Test("hides what is inhibited or silenced while it is, and tells it afterwards")
    func hides() {
        var policy = TellingPolicy()
        policy.inhibitions = [.init(when: "b", mute: ["a"])]
        policy.silences = [.init(rules: ["c"], pipelines: ["o*"], from: at(5), until: at(50))]
        var incident = incident(alert("a", .warning), alert("b", .info), alert("c", .critical))
        #expect(incident.tell(at: at(10), policy)?.alerts.map(\.rule) == ["b"])
        incident.resolve("b", message: "m")
        let told = incident.tell(at: at(49), policy)
        #expect(told?.state == .worsened)
        #expect(told?.alerts.map(\.rule) == ["a"])
        #expect(incident.tell(at: at(50), policy)?.alerts.map(\.rule) == ["c", "a"])
    }

    @Test("that is wholly silenced is not told, and its silence ends by itself")
    func silenced() {
        var policy = TellingPolicy()
        policy.silences = [.init(until: at(1_000))]
        var incident = incident(alert("a", .critical))
        #expect(incident.tell(at: at(999), policy) == nil)
        #expect(incident.tell(at: at(1_000), policy)?.state == .raised)
        #expect(!policy.silences[0].covers(rule: "a", about: "oil", at: at(1_000)))
    }

    @Test("goes on when an alert comes back before its end was told")
    func returns() {
        var incident = incident(alert("a", .critical))
        _ = incident.tell(at: at(10), TellingPolicy())
        incident.resolve("a", message: "m")
        incident.add(alert("a", .critical))
        #expect(incident.tell(at: at(20), TellingPolicy()) == nil)
        incident.resolve("a", message: "gone")
        #expect(incident.tell(at: at(30), TellingPolicy())?.end == "gone")
    }

    @Test("keeps, for every sequence, one beginning, at most one end, and rising severity between repeats")
    func invariant() throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var state = seed
        func next(_ count: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % count)
        }
        var policy = TellingPolicy()
        policy.repeat = nil
        policy.quietHours = .init(from: 0, to: 6 * 60, offset: 0, except: .critical)
        for _ in 0..<200 {
            var incident = Incident(about: "oil", openedAt: at(0))
            incident.add(alert("a", .warning))
            var (states, gravest): ([AlertNotice.State], Severity) = ([], .info)
            for step in 1...100 {
                let rule = ["a", "b", "c"][next(3)]
                if next(2) == 0 {
                    incident.add(alert(rule, Severity.allCases[next(3)]))
                } else {
                    incident.resolve(rule, message: "m")
                }
                // What is kept is what goes on.
                incident = try EventCoding.decode(Incident.self, from: try EventCoding.encode(incident))
                guard let told = incident.tell(at: at(Double(step) * 1_700), policy) else { continue }
                states.append(told.state)
                guard let severity = told.alerts.first?.severity, told.state != .resolved else { continue }
                #expect(severity > gravest || told.state == .raised, "seed \(seed)")
                gravest = severity
            }
            #expect(states.isEmpty || states.first == .raised, "seed \(seed)")
            #expect(states.filter { $0 == .raised }.count <= 1, "seed \(seed)")
            #expect(!states.contains(.resolved) || states.last == .resolved, "seed \(seed)")
        }
    }

    @Test("that somebody looks after is said once to those who were told, and then only when it grows worse or is over")
    func acknowledged() {
        var policy = TellingPolicy()
        policy.repeat = .seconds(60)
        policy.escalation = .init(after: .seconds(30), severity: .warning)
        var incident = incident(alert("a", .warning))
        _ = incident.tell(at: at(10), policy)
        incident.acknowledge(by: "ada", note: "on it", at: at(12))
        let said = incident.tell(at: at(13), policy)
        #expect(said?.state == .acknowledged && said?.end == "ada looks after it: on it")
        #expect(said?.sinks == AlertRule.Sink.usual)
        for seconds in stride(from: 14.0, to: 1_000, by: 50) { #expect(incident.tell(at: at(seconds), policy) == nil) }
        incident.add(alert("b", .critical))
        #expect(incident.tell(at: at(1_001), policy)?.state == .worsened)
        #expect(incident.acknowledgement == nil)
        incident.resolve("a", message: "m")
        incident.resolve("b", message: "m")
        let last = incident.tell(at: at(1_002), policy)
        #expect(last?.state == .resolved && last?.alerts.map(\.rule) == ["b"] && last?.ended.map(\.rule) == ["a"])
    }

    @Test("names the alerts that were told and are over, and keeps to itself what is only recorded")
    func endedAndUnheard() {
        var incident = incident(alert("a", .warning), alert("b", .info))
        #expect(incident.tell(at: at(10), TellingPolicy(), unheard: ["a", "b"]) == nil)
        #expect(incident.tell(at: at(11), TellingPolicy())?.ended.isEmpty == true)
        incident.resolve("b", message: "m")
        incident.add(alert("c", .critical))
        let told = incident.tell(at: at(12), TellingPolicy())
        #expect(told?.alerts.map(\.rule) == ["c", "a"] && told?.ended.map(\.rule) == ["b"])
    }
}
