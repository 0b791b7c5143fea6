import Events
import Pipelines
import Testing

@testable import TrainerApp

@Suite("The policy before a run")
struct TrainingPolicyTests {
    private let now = Timestamp(seconds: 10_000)

    private func policy(_ lines: String = "") throws -> TrainingPolicy {
        TrainingPolicy(
            pipeline: try Pipeline(
                yaml: """
                    pipeline: press
                    task: {kind: regression, inputs: {x: {shape: [1]}}, target: y}
                    data: {observations: in, labels: out}
                    policy: {cooldown: 60s, runs-per-day: 2, min-labels: 30, storm: 3 pipelines}
                    \(lines)
                    """
            )
        )
    }

    private func figures(cause: String = "concept", labels: Int? = 100, pValue: Double? = 0.01) -> DecayFigures {
        var figures = DecayFigures(
            cause: cause,
            metric: "mae",
            value: 2,
            baseline: 1,
            near: 1.5,
            breach: 2,
            window: 20,
            key: "k",
            firstSuspectKey: nil,
            firstSuspectAt: nil,
            message: ""
        )
        figures.labels = labels
        figures.pValue = pValue
        return figures
    }

    @Test("lets a proven decay begin a run, also one that says nothing of its labels")
    func agrees() throws {
        let policy = try policy()
        #expect(policy.objection(to: figures(), .init(), at: now) == nil)
        #expect(policy.objection(to: figures(cause: "concept", labels: nil, pValue: nil), .init(), at: now) == nil)
        let longAgo = TrainingPolicy.History(runsToday: 1, lastEnded: Timestamp(seconds: 9_900), othersDecayed: ["a"])
        #expect(policy.objection(to: figures(), longAgo, at: now) == nil)
    }

    @Test("says no with a reason that names the setting and its value")
    func refuses() throws {
        let policy = try policy()
        typealias History = TrainingPolicy.History
        let cases: [(DecayFigures, History, ErrorCode, String)] = [
            (figures(), History(openRun: "run-7"), .merged, "run-7"),
            (figures(cause: "quality"), History(), .wrongCause, "policy.causes is performance, concept"),
            (figures(labels: 29), History(), .unproven, "policy.min-labels is 30"),
            (figures(pValue: 0.11), History(), .unproven, "by chance with a probability of 11.0 %"),
            (figures(), History(othersDecayed: ["a", "b"]), .storm, "policy.storm is 3 pipelines"),
            (figures(), History(runsToday: 2), .runLimit, "policy.runs-per-day is 2"),
            (figures(), History(lastEnded: Timestamp(seconds: 9_941)), .cooldown, "policy.cooldown is 60 s"),
        ]
        for (figures, history, code, words) in cases {
            let objection = try #require(policy.objection(to: figures, history, at: now))
            #expect(objection.code == code)
            #expect(objection.message.contains(words), "\(objection.message)")
        }
    }

    @Test("asks people first where automation is not automatic", arguments: ["manual", "alert"])
    func levels(automation: String) throws {
        let policy = try policy("automation: \(automation)")
        let objection = try #require(policy.objection(to: figures(), .init(openRun: "run-7"), at: now))
        #expect(objection.code == .manual)
        #expect(objection.message.contains("'\(automation)'"))
    }
}
