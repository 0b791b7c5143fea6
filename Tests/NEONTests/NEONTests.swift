import ChildProcesses
import Foundation
import Testing

/// The kernels for Arm processors, which this machine is not: built by Debian's clang, run under qemu-aarch64.
struct NEONTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    /// What `check.sh` needs; `scripts/test-dependencies.sh` installs it.
    private static let tools = [
        "/usr/bin/clang-19", "/usr/bin/ld.lld-19", "/usr/bin/qemu-aarch64", "/usr/aarch64-linux-gnu/lib/libc.a",
    ]
    private static let missing = tools.filter { !FileManager.default.fileExists(atPath: $0) }

    @Test(
        "Every NEON kernel gives the bytes of its scalar twin, with dot products and without",
        .enabled(if: missing.isEmpty, "missing: \(missing)"),
        .timeLimit(.minutes(2))
    )
    func sameBytes() throws {
        let output = "/tmp/hexloop-neon-\(UInt32.random(in: 0...UInt32.max)).log"
        defer { try? FileManager.default.removeItem(atPath: output) }
        let seed = UInt32.random(in: 0...UInt32.max)
        let check = try ChildProcess(
            "/bin/bash",
            arguments: [Self.directory.appendingPathComponent("check.sh").path, "1000", "\(seed)"],
            environment: ["PATH": "/usr/bin:/bin"],
            output: output
        )
        let code = check.wait()
        let text = try String(contentsOfFile: output, encoding: .utf8)
        #expect(code == 0, "\(text)")
        #expect(text.contains("neondot convolutions: 1000 cases, 0 differ"), "\(text)")
        #expect(text.contains("this processor has no dot products"), "\(text)")
    }
}
