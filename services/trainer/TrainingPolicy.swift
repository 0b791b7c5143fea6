import Events
import Pipelines

/// Whether a decay may begin a run, by the pipeline's automation and policy. Every no has a reason that names the setting.
///
/// docs/pipeline.md has the same list, in the same order.
struct TrainingPolicy: Sendable {
    /// A no.
    struct Objection: Sendable, Hashable {
        let code: ErrorCode
        let message: String
    }

    /// What happened before.
    struct History: Sendable {
        /// The run that is queued or under way.
        var openRun: String?
        /// Runs queued in the last 24 hours.
        var runsToday = 0
        /// When the last run ended.
        var lastEnded: Timestamp?
        /// Other pipelines that decayed within `policy.storm-window`.
        var othersDecayed: [String] = []
    }

    let pipeline: Pipeline

    /// Why no run begins; nil when one does.
    func objection(to figures: DecayFigures, _ history: History, at now: Timestamp) -> Objection? {
        let policy = pipeline.policy
        if pipeline.automation != .automatic {
            return Objection(
                code: .manual,
                message: "automation is '\(pipeline.automation.rawValue)': ask for it with training.requested"
            )
        }
        if let run = history.openRun {
            return Objection(code: .merged, message: "run \(run) is under way and answers this decay too")
        }
        return cause(figures, policy) ?? evidence(figures, policy) ?? storm(history, policy)
            ?? limit(history, policy, now)
    }

    private func cause(_ figures: DecayFigures, _ policy: Pipeline.Policy) -> Objection? {
        // What has another cause than these was said by another program, and is no reason to decline.
        guard let cause = Pipeline.Policy.Cause(rawValue: figures.cause), !policy.causes.contains(cause) else {
            return nil
        }
        let causes = policy.causes.map(\.rawValue).joined(separator: ", ")
        return Objection(
            code: .wrongCause,
            message: "the cause is '\(cause.rawValue)'; policy.causes is \(causes.isEmpty ? "empty" : causes)"
        )
    }

    /// The largest probability of so bad a metric while the true one is at the baseline.
    private static let pValueMax = 0.1

    /// A decay must rest on enough labels, and the lower bound of the metric (90 %) must be over the baseline.
    private func evidence(_ figures: DecayFigures, _ policy: Pipeline.Policy) -> Objection? {
        if let labels = figures.labels, labels < policy.minLabels {
            return Objection(
                code: .unproven,
                message: "the champion has \(labels) labelled predictions; policy.min-labels is \(policy.minLabels)"
            )
        }
        if let p = figures.pValue, p > Self.pValueMax {
            return Objection(
                code: .unproven,
                message:
                    "\(figures.metric) is over the baseline \(figures.baseline.readable) by chance with a probability of "
                    + "\((p * 1000).rounded() / 10) %; up to \(Int(Self.pValueMax * 100)) % begin a run"
            )
        }
        return nil
    }

    private func storm(_ history: History, _ policy: Pipeline.Policy) -> Objection? {
        let others = history.othersDecayed
        guard others.count + 1 >= policy.stormPipelines else { return nil }
        return Objection(
            code: .storm,
            message: "\(others.count + 1) pipelines decayed within \(Int(policy.stormSeconds)) s, which looks like a "
                + "trouble that they share: \(others.prefix(5).joined(separator: ", ")); policy.storm is "
                + "\(policy.stormPipelines) pipelines"
        )
    }

    private func limit(_ history: History, _ policy: Pipeline.Policy, _ now: Timestamp) -> Objection? {
        if history.runsToday >= policy.runsPerDay {
            return Objection(
                code: .runLimit,
                message: "\(history.runsToday) runs in the last 24 hours; policy.runs-per-day is \(policy.runsPerDay)"
            )
        }
        guard let ended = history.lastEnded else { return nil }
        let since = now.seconds - ended.seconds
        guard since < policy.cooldownSeconds else { return nil }
        return Objection(
            code: .cooldown,
            message: "the last run ended \(Int(since)) s ago; policy.cooldown is \(Int(policy.cooldownSeconds)) s"
        )
    }
}
