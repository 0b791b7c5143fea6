import Bus
import Events
import Synchronization

/// Knows whether a lap is open: between a decay event, or a request for training, and its last node or its end.
///
/// A trading day is 24 hours and a lap takes about a second, so a replay of many days per second stands still meanwhile.
final class LapHold: Sendable {
    /// A lap that takes longer than this no longer holds the clock.
    static let holdMax: Duration = .seconds(60)

    private struct State {
        var open: [String: Lap] = [:]
        var closed: Set<String> = []
    }

    private struct Lap {
        var candidates: Int?
        var rejected = 0
        var isPromoted = false
    }

    private let state = Mutex(State())

    /// Kinds of events that it needs to hear.
    static var filters: [TopicFilter] {
        get throws {
            try [
                DecayDetected.kind.filter, DecayPersisted.kind.filter, TrainingStarted.kind.filter,
                TrainingFailed.kind.filter,
                TrainingDeclined.kind.filter, ConversionFailed.kind.filter, ModelRejected.kind.filter,
                ModelPromoted.kind.filter, RolloutCompleted.kind.filter,
            ]
        }
    }

    var isHeld: Bool { state.withLock { !$0.open.isEmpty } }

    /// Takes an event of the log.
    func heard(_ event: CloudEvent) {
        guard let run = event.runID else { return }
        state.withLock { state in
            func close() {
                state.open[run] = nil
                state.closed.insert(run)
            }
            switch event.type {
            case DecayDetected.kind.type, DecayPersisted.kind.type:
                if !state.closed.contains(run) { state.open[run] = state.open[run] ?? Lap() }
            case TrainingStarted.kind.type:
                state.open[run]?.candidates = (try? event.decode(TrainingStarted.self))?.candidates.count
            case ModelPromoted.kind.type: state.open[run]?.isPromoted = true
            case ModelRejected.kind.type:
                guard var lap = state.open[run] else { return }
                lap.rejected += 1
                state.open[run] = lap
                if !lap.isPromoted, lap.rejected >= lap.candidates ?? 1 { close() }
            case RolloutCompleted.kind.type, TrainingFailed.kind.type, TrainingDeclined.kind.type,
                ConversionFailed.kind.type:
                close()
            default: break
            }
        }
    }

    /// Waits while a lap is open; `giveUp` is told when one is open for too long.
    func wait(_ giveUp: (String) -> Void) async throws {
        let deadline = ContinuousClock.now + Self.holdMax
        while isHeld {
            guard ContinuousClock.now < deadline else {
                let runs = state.withLock { state in
                    defer {
                        state.closed.formUnion(state.open.keys)
                        state.open = [:]
                    }
                    return state.open.keys.map(\.shortID).sorted()
                }
                giveUp("the lap of run \(runs.joined(separator: ", ")) is open for \(Self.holdMax.short); going on")
                return
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
