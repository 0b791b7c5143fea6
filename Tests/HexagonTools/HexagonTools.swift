import ChildProcesses
import Foundation

/// The compiler, the linker and the emulator for Hexagon; none of them is needed to build or run Hexloop.
public enum HexagonTools {
    private static let missing = ["clang-19", "ld.lld-19", "qemu-hexagon"].filter {
        !FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }

    /// Whether programs can be compiled and run.
    public static var arePresent: Bool { missing.isEmpty }

    /// What a skipped test says.
    public static var comment: String {
        "\(missing.joined(separator: ", ")) missing: apt-get install clang-19 lld-19 qemu-user"
    }

    /// A tool that ended with another code than 0, and what it said.
    public struct Failure: Error, CustomStringConvertible {
        /// For a person.
        public let description: String
    }

    /// Compiles C without a C library for a version of the processor, runs it on an input, and gives what it wrote.
    ///
    /// - Throws: ``Failure`` when a tool or the program ends with another code than 0.
    public static func run(_ source: String, input: [UInt8], version: Int = 66) async throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hexagon-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(source.utf8).write(to: folder.appending(path: "program.c"))
        try Data(input).write(to: folder.appending(path: "input"))
        let script = """
            cd \(folder.path)
            clang-19 --target=hexagon -O2 -mhvx -mhvx-length=128B -mcpu=hexagonv\(version) -ffreestanding \
            -Wall -Wextra -Wno-unused-function -Wno-unused-variable -Werror -c program.c -o program.o
            ld.lld-19 -static program.o -o program
            qemu-hexagon program <input >output
            """
        let log = folder.appending(path: "log").path
        let child = try ChildProcess(
            "/bin/sh",
            arguments: ["-ec", script],
            environment: ["PATH": "/usr/bin:/bin"],
            output: log
        )
        let code = await withCheckedContinuation { continuation in
            // Compilers take seconds, and must not hold the threads of other tests.
            Thread { continuation.resume(returning: child.wait()) }.start()
        }
        guard code == 0 else {
            let text = try String(contentsOfFile: log, encoding: .utf8)
            throw Failure(description: "exit code \(code): \(text.prefix(2000))")
        }
        return [UInt8](try Data(contentsOf: folder.appending(path: "output")))
    }
}
