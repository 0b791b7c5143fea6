import Bus
import ChildProcesses
import Foundation
import Glibc
import Membership
import Storage
import Synchronization
import Testing
import ZeroMQ

/// A registry of its own, with its data in a temporary directory, and `hexloop artifact` commands that talk to it.
///
/// No broker runs: artifacts do not need one.
final class ArtifactHouse: Sendable {
    let directory: String
    private let registry = Mutex<ChildProcess?>(nil)

    init() throws {
        directory = "/tmp/hl-art-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: "\(directory)/proxy", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        let keys = try ChildProcess(
            "hexloop",
            arguments: ["keys", "init", "--data", "\(directory)/data"],
            environment: ["HEXLOOP_DATA": "\(directory)/data"],
            output: "\(directory)/keys.log"
        )
        #expect(keys.wait() == 0)
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Where the registry keeps artifacts.
    var store: String { "\(directory)/data/registry/artifacts" }
    var socket: String { "\(directory)/run/artifacts.sock" }
    var proxySocket: String { "\(directory)/proxy/artifacts.sock" }
    var processID: pid_t { registry.withLock { $0?.id ?? 0 } }

    func start() throws {
        let child = try ChildProcess(
            "registry",
            environment: [
                "HEXLOOP_DATA": "\(directory)/data", "HEXLOOP_BUS": "ipc://\(directory)/run",
                "HEXLOOP_VERIFICATION_KEY": "\(directory)/data/keys/signing.pub", "HEXLOOP_LOG_LEVEL": "error",
            ],
            output: "\(directory)/registry.log"
        )
        registry.withLock { $0 = child }
    }

    /// kill -9, without waiting; for the threads that inject faults.
    func strike() { registry.withLock { $0?.signal(SIGKILL) } }

    /// kill -9, and waits until the process is gone.
    func kill() {
        registry.withLock { child in
            child?.signal(SIGKILL)
            child?.wait()
            child = nil
        }
    }

    func client(patience: Duration = .seconds(30)) throws -> ArtifactClient {
        var client = ArtifactClient(try #require(BusAddress("ipc://\(directory)/run")))
        client.patience = patience
        return client
    }

    /// Starts `hexloop artifact ...`; through the proxy when asked.
    func command(_ arguments: [String], proxied: Bool = false, log: String = "command") throws -> ChildProcess {
        try ChildProcess(
            "hexloop",
            arguments: ["artifact"] + arguments,
            environment: [
                "HEXLOOP_DATA": "\(directory)/data",
                "HEXLOOP_BUS": "ipc://\(directory)/run",
                "HEXLOOP_ARTIFACTS": "ipc://\(directory)/\(proxied ? "proxy" : "run")",
            ],
            output: "\(directory)/\(log).log"
        )
    }

    /// Runs `hexloop artifact ...` to its end.
    /// - Returns: Its exit code.
    func run(_ arguments: [String], proxied: Bool = false, log: String = "command") async throws -> Int32 {
        await end(try command(arguments, proxied: proxied, log: log))
    }

    /// Waits for a child's end on a thread of its own.
    func end(_ child: ChildProcess) async -> Int32 {
        await withCheckedContinuation { continuation in
            _ = DedicatedThread("wait") { continuation.resume(returning: child.wait()) }
        }
    }

    func log(_ name: String = "command") -> String {
        (try? String(contentsOfFile: "\(directory)/\(name).log", encoding: .utf8)) ?? ""
    }

    /// Writes a file of bytes that do not repeat, and returns its digest. Its middle is a hole, read as zeros.
    func make(_ path: String, bytes: Int, seed: UInt64) throws -> String {
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var state = seed
        let block = (0..<131_072).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
        for offset in stride(from: 0, to: bytes, by: 16 << 20) {
            let count = min(1 << 20, bytes - offset)
            #expect(block.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, count, off_t(offset)) } == count)
            var mark = UInt64(offset) ^ seed
            if count >= 8 { #expect(pwrite(descriptor, &mark, 8, off_t(offset)) == 8) }
        }
        #expect(ftruncate(descriptor, off_t(bytes)) == 0)
        return try OutgoingFile(path: path).digest()
    }

    /// Stores a new artifact in the registry, past the socket.
    func place(bytes: Int, seed: UInt64) throws -> String {
        let temporary = "\(store)/.new-\(seed)"
        let digest = try make(temporary, bytes: bytes, seed: seed)
        try FileManager.default.moveItem(atPath: temporary, toPath: "\(store)/\(digest)")
        return digest
    }

    func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? -1
    }

    /// A figure of the registry's `/proc/<pid>/status`, in bytes.
    func memory(_ field: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(field):") })
        return try #require(Int(line.split(whereSeparator: { " \t".contains($0) })[1])) * 1024
    }
}
