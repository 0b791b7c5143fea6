import Events
import Testing

@testable import AlertApp

@Suite("A notice")
struct AlertNoticeTests {
    private let alert = Incident.Alert(
        rule: "decay-detected",
        severity: .critical,
        title: "The champion of oil-price has decayed",
        detail: "mae over 20 labelled predictions is 1.865; near 1.343, breach 1.791",
        since: Timestamp(seconds: 100),
        repeats: 2,
        sinks: [.log],
        figures: figures
    )

    /// As the monitor says a decay.
    private static let figures = {
        var figures = DecayFigures(
            cause: "concept",
            metric: "mae",
            value: 1.865,
            baseline: 0.8954,
            near: 1.343,
            breach: 1.791,
            window: 20,
            key: "k",
            firstSuspectKey: "j",
            firstSuspectAt: Timestamp(seconds: 40),
            message: "m"
        )
        figures.detector = "threshold"
        return figures
    }()

    private func text(_ telling: Incident.Telling, about: String = "oil-price") throws -> String {
        try #require(AlertNotice(telling, of: 7, about: about, at: Timestamp(seconds: 110))?.text)
    }

    @Test("says what decayed, by how much, since when, what the loop did, and how to look")
    func decay() throws {
        var other = alert
        (other.rule, other.severity, other.title, other.detail) = ("x", .info, "Another", "a thing")
        let step = Incident.Step(at: Timestamp(seconds: 105), type: "training.started", detail: "with 400 rows")
        let telling = Incident.Telling(state: .raised, alerts: [alert, other], sinks: [.log], steps: [step])
        #expect(
            try text(telling) == """
                [critical] The champion of oil-price has decayed
                mae over 20 labelled predictions is 1.865; near 1.343, breach 1.791
                By how much: 2.083 times the model's own mae of 0.8954
                First seen: 1970-01-01T00:00:40.000000Z
                Since: 1970-01-01T00:01:40.000000Z
                Repeated: 2 times
                Also:
                  [info] Another: a thing
                What Hexloop did:
                  1970-01-01T00:01:45.000000Z training.started: with 400 rows
                Look:
                  hexloop laps --pipeline oil-price
                  hexloop history oil-price
                  hexloop status
                """
        )
    }

    @Test("says what ended it")
    func end() throws {
        let telling = Incident.Telling(state: .resolved, alerts: [alert], sinks: [], end: "rollout.completed: 3 nodes")
        #expect(
            try text(telling, about: "trainer/failed") == """
                [resolved] The champion of oil-price has decayed
                rollout.completed: 3 nodes
                Since: 1970-01-01T00:01:40.000000Z
                Repeated: 2 times
                What Hexloop did:
                  nothing
                Look:
                  hexloop status
                  hexloop bus status
                """
        )
    }

    @Test("compares with no baseline where there is none", arguments: [0.0, -1, .nan])
    func baseline(value: Double) throws {
        var alert = alert
        alert.figures?.baseline = value
        #expect(try !text(.init(state: .raised, alerts: [alert], sinks: [])).contains("By how much"))
    }

    @Test("compares a feature's value with no metric")
    func feature() throws {
        var alert = alert
        alert.figures?.detector = "out-of-range"
        #expect(try !text(.init(state: .raised, alerts: [alert], sinks: [])).contains("By how much"))
    }

    @Test("that repeats or escalates says so", arguments: [AlertNotice.State.repeated, .escalated])
    func states(state: AlertNotice.State) throws {
        let text = try text(.init(state: state, alerts: [alert], sinks: []))
        #expect(text.hasPrefix("[critical] The champion of oil-price has decayed (\(state.rawValue))\n"))
    }
}
