import ChildProcesses
import Foundation
import HexagonCode
import Testing

/// The compiler, the linker and the emulator for Hexagon; none of them is needed to build or run Hexloop.
enum HexagonTools {
    static let names = ["clang-19", "ld.lld-19", "qemu-hexagon"]

    static let missing = names.filter { !FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)") }

    static let arePresent = missing.isEmpty

    /// What a skipped test says.
    static let comment: Comment =
        "\(missing.joined(separator: ", ")) missing: apt-get install clang-19 lld-19 qemu-user"

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Compiles a program for a version of the processor, runs it on some rows, and gives what it wrote.
    static func run(_ program: HexagonProgram, _ rows: [UInt8], version: Int = 66) async throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hexagon-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(program.source().utf8).write(to: folder.appending(path: "model.c"))
        try Data(rows).write(to: folder.appending(path: "input"))
        let script = """
            cd \(folder.path)
            clang-19 --target=hexagon -O2 -mhvx -mhvx-length=128B -mcpu=hexagonv\(version) -ffreestanding \
            -Wall -Wextra -Wno-unused-function -Wno-unused-variable -Werror -c model.c -o model.o
            ld.lld-19 -static model.o -o model
            qemu-hexagon model <input >output
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
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw Failure(description: "exit code \(code): \(text.prefix(2000))")
        }
        return [UInt8](try Data(contentsOf: folder.appending(path: "output")))
    }
}
