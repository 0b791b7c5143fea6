import Synchronization

/// A bar for each phase of a command.
final class Bars: Sendable {
    private struct State {
        var phase: String?
        var bar: ProgressBar?
    }

    private let terminal: Terminal?
    private let state = Mutex(State())

    init(_ terminal: Terminal?) { self.terminal = terminal }

    func update(_ phase: String, _ done: Int, _ total: Int) {
        guard let terminal else { return }
        let bar = state.withLock { state in
            if phase != state.phase {
                state.bar?.finish()
                state = State(phase: phase, bar: ProgressBar(terminal, phase, total: total))
            }
            return state.bar
        }
        bar?.update(done, "\(done) of \(total)")
    }

    func finish() { state.withLock { $0.bar }?.finish() }
}
