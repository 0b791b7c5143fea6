import Bus
import Events
import Synchronization

/// Hears the log during the demo: shows what matters and keeps every answer.
final class DemoWatcher: Sendable {
    /// One observation's answer.
    struct Answer: Sendable, Hashable {
        let digest: String
        let output: Float
    }

    private struct State {
        var answers: [String: Answer] = [:]
        /// Keys that were answered twice with different numbers.
        var contradictions: Set<String> = []
        /// Rows of the labels that were told so far, and the errors of the newest answers to them.
        var labels: [String: Double] = [:]
        var errors: [Double] = []
        var decayDays: [String: String] = [:]
        var endings: [String: Ending] = [:]
        var rejected: [String: [String]] = [:]
        var candidates: [String: Int] = [:]
    }

    /// How a run ended.
    enum Ending: Sendable, Hashable {
        case served
        case without(String)
    }

    private static let rollingMax = 20
    /// Kinds that get a line.
    private static let shown: Set<String> = [
        DecaySuspected.kind.type, DecayDetected.kind.type, DecayPersisted.kind.type, DecayCleared.kind.type,
        DecayForecast.kind.type, PerformanceReconciled.kind.type, TrainingStarted.kind.type,
        TrainingCompleted.kind.type, TrainingFailed.kind.type, TrainingDeclined.kind.type,
        ConversionCompleted.kind.type, ConversionFailed.kind.type, PipelineRegistered.kind.type,
        PipelineRejected.kind.type, ModelRegistered.kind.type, ModelRejected.kind.type, ModelRefused.kind.type,
        RolloutCompleted.kind.type, AlertRaised.kind.type, EventRefused.kind.type,
    ]

    let hold = LapHold()
    private let terminal: Terminal
    private let state = Mutex(State())

    init(_ terminal: Terminal) { self.terminal = terminal }

    /// Follows the log from its beginning until the task is cancelled.
    func run(_ connection: BusConnection) async throws {
        try await connection.follow([try TopicFilter("e/")], from: .origin) { _, event in
            try heard(event)
            return true
        }
    }

    private func heard(_ event: CloudEvent) throws {
        hold.heard(event)
        switch event.type {
        case PredictionsMade.kind.type: keep(try event.decode(PredictionsMade.self))
        case LabelRecorded.kind.type: keep(try event.decode(LabelRecorded.self))
        case DecayDetected.kind.type:
            let key = try event.decode(DecayDetected.self).figures.key
            if let run = event.runID { state.withLock { $0.decayDays[run] = $0.decayDays[run] ?? key } }
        case DecayPersisted.kind.type:
            let key = try event.decode(DecayPersisted.self).figures.key
            if let run = event.runID { state.withLock { $0.decayDays[run] = $0.decayDays[run] ?? key } }
        case ModelPromoted.kind.type:
            if try event.decode(ModelPromoted.self).alias == "champion" { show(event) }
        case ModelLoaded.kind.type:
            if try event.decode(ModelLoaded.self).role == "champion" { show(event) }
        default: break
        }
        noteEnding(event)
        if Self.shown.contains(event.type) { show(event) }
    }

    private func show(_ event: CloudEvent) { terminal.line(EventLine(event).text(terminal)) }

    private func noteEnding(_ event: CloudEvent) {
        guard let run = event.runID else { return }
        state.withLock { state in
            switch event.type {
            case RolloutCompleted.kind.type: state.endings[run] = .served
            case TrainingStarted.kind.type:
                state.candidates[run] = (try? event.decode(TrainingStarted.self))?.candidates.count
            case TrainingFailed.kind.type, TrainingDeclined.kind.type, ConversionFailed.kind.type:
                state.endings[run] = .without(EventLine(event).summary.text)
            case ModelRejected.kind.type:
                state.rejected[run, default: []].append(EventLine(event).summary.text)
                let reasons = state.rejected[run] ?? []
                if reasons.count == state.candidates[run] {
                    state.endings[run] = .without("every model was rejected: \(reasons.joined(separator: "; "))")
                }
            default: break
            }
        }
    }

    private func keep(_ event: PredictionsMade) {
        state.withLock { state in
            for prediction in event.predictions {
                guard let output = prediction.outputs.first else { continue }
                let answer = Answer(digest: prediction.digest, output: output)
                if let known = state.answers[prediction.key] {
                    if known != answer { state.contradictions.insert(prediction.key) }
                    continue
                }
                state.answers[prediction.key] = answer
                Self.join(prediction.key, &state)
            }
        }
    }

    private func keep(_ event: LabelRecorded) {
        state.withLock { state in
            state.labels[event.key] = event.value
            Self.join(event.key, &state)
        }
    }

    private static func join(_ key: String, _ state: inout State) {
        guard let answer = state.answers[key], let label = state.labels[key] else { return }
        state.errors.append(abs(Double(answer.output) - label))
        if state.errors.count > rollingMax { state.errors.removeFirst() }
    }

    // MARK: What it knows

    var answers: [String: Answer] { state.withLock { $0.answers } }
    var answered: Int { state.withLock { $0.answers.count } }
    var contradictions: Set<String> { state.withLock { $0.contradictions } }
    /// The day of the decay event that began a run, by run id.
    var decayDays: [String: String] { state.withLock { $0.decayDays } }

    /// Mean absolute error of the newest answers.
    var rollingError: Double? {
        state.withLock { $0.errors.isEmpty ? nil : $0.errors.reduce(0, +) / Double($0.errors.count) }
    }

    /// Waits until a day is answered, at most for `patience`.
    func wait(forAnswerTo key: String, patience: Duration) async throws {
        let deadline = ContinuousClock.now + patience
        while state.withLock({ $0.answers[key] == nil }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Waits for a run's end.
    func ending(of run: String, timeout: Duration) async throws -> Ending? {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            if let ending = state.withLock({ $0.endings[run] }) { return ending }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }
}
