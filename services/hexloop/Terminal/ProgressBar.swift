import Synchronization

/// How far something is: a bar on a screen, one line per 5% elsewhere.
final class ProgressBar: Sendable {
    private struct State {
        var done = 0
        var linesWritten = 0
        var drawnAt: ContinuousClock.Instant?
    }

    private static let width = 24
    private static let redrawInterval: Duration = .milliseconds(50)

    private let terminal: Terminal
    private let title: String
    private let total: Int
    private let state = Mutex(State())

    init(_ terminal: Terminal, _ title: String, total: Int) {
        self.terminal = terminal
        self.title = title
        self.total = max(total, 1)
    }

    /// Moves on by one.
    func step(_ detail: @autoclosure () -> String = "") {
        let done = state.withLock { state in
            state.done += 1
            return state.done
        }
        update(done, detail())
    }

    /// Shows that `done` of the total are done.
    func update(_ done: Int, _ detail: @autoclosure () -> String = "") {
        let percent = min(100, done * 100 / total)
        if terminal.isScreen {
            let isDue = state.withLock { state in
                let now = ContinuousClock.now
                if let last = state.drawnAt, now - last < Self.redrawInterval, done < total { return false }
                state.drawnAt = now
                return true
            }
            guard isDue else { return }
            let filled = min(Self.width, done * Self.width / total)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
            let text = "\(title) \(bar) \(String(percent).leftPadded(3))%  \(detail())"
            terminal.setBar(String(text.prefix(max(20, terminal.columns - 1))))
        } else {
            let isDue = state.withLock { state in
                guard percent / 5 > state.linesWritten else { return false }
                state.linesWritten = percent / 5
                return true
            }
            if isDue { terminal.line("\(title) \(String(percent).leftPadded(3))%  \(detail())") }
        }
    }

    /// Removes the bar.
    func finish() { terminal.setBar("") }
}
