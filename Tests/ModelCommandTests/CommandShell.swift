import ChildProcesses
import Foundation

/// A directory in which lines of the shell run with `hexloop` as `$H`.
struct CommandShell {
    let directory = "/tmp/hexloop-command-\(UInt32.random(in: 0...UInt32.max))"

    typealias Run = (_ line: String) throws -> (code: Int32, output: String)

    /// Makes the directory, lets `prepare` fill it, and calls `body` in it; it is gone afterwards.
    func use(prepare: () throws -> Void, _ body: (_ shell: Run) throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try prepare()
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("hexloop").path
        try body { line in
            let log = "\(directory)/log"
            try? FileManager.default.removeItem(atPath: log)
            let child = try ChildProcess(
                "/bin/sh",
                arguments: ["-c", "cd '\(directory)' && \(line)"],
                environment: ["H": program, "PATH": "/usr/bin:/bin"],
                output: log
            )
            let code = child.wait()
            return (code, try String(contentsOfFile: log, encoding: .utf8))
        }
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
    }

    /// Writes a file, and the folders that it lies in.
    func write(_ bytes: [UInt8], _ name: String) throws {
        let file = URL(fileURLWithPath: "\(directory)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: file)
    }
}
