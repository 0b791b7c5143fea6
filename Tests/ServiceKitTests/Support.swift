import FoundationEssentials
import Logging
import Synchronization

@testable import ServiceKit

/// A directory of its own for one test, removed afterwards.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/servicekit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String, _ content: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(content.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}

/// Keeps log lines.
final class LineSink: Sendable {
    private let stored = Mutex<[String]>([])

    var lines: [String] { stored.withLock { $0 } }

    func logger(_ name: String, format: LogOutput.Format = .text, level: Logger.Level = .trace) -> Logger {
        Logger(label: name) { label in
            LineLogHandler(
                service: label,
                level: level,
                format: format,
                now: { Date(timeIntervalSince1970: 1_782_900_000.25) },
                sink: { line in self.stored.withLock { $0.append(line) } }
            )
        }
    }
}
