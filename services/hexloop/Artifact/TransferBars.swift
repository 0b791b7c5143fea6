import Storage
import Synchronization
import ZeroMQ

/// Hashes a file on a thread of its own.
enum FileDigest {
    static func of(_ path: String, progress: @escaping @Sendable (Int, Int) -> Void) async throws -> String {
        try await DedicatedThread.run("digest") {
            let file = try OutgoingFile(path: path)
            return try file.digest { progress($0, file.count) }
        }
    }
}

/// The bars of one command, one after the other.
final class TransferBars: Sendable {
    private let terminal = Terminal()
    private let current = Mutex<(title: String, bar: ProgressBar)?>(nil)

    func show(_ title: String, _ done: Int, _ total: Int) {
        guard total > 0 else { return }
        let bar = current.withLock { current in
            if let current, current.title == title { return current.bar }
            let bar = ProgressBar(terminal, title, total: total)
            current = (title, bar)
            return bar
        }
        bar.update(done, "\(done.megabytes) of \(total.megabytes) MB")
    }

    func clear() { current.withLock { $0 }?.bar.finish() }

    func finish(_ line: String) {
        clear()
        terminal.line(line)
    }
}
