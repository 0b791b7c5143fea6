public import Bus
import ChildProcesses
import Events
import Foundation
import Glibc
import Logging
import ZeroMQ

/// All programs, started by `hexloop up` in a temporary directory, and a client of their bus.
public final class RunningStack: Sendable {
    /// Where all programs keep their files; removed by ``stop()``.
    public let directory: String
    /// The gateway's port on the loopback interface.
    public let gatewayPort: UInt16
    /// Where the stack's bus is, as `--bus` takes it.
    public let address: String
    /// A client of the stack's bus.
    public let bus: BusClient
    private let process: ChildProcess

    /// Starts the stack and waits until it says that it is ready.
    /// - Parameter hasKeys: The programs meet over TCP on the loopback interface, each with its own key.
    public init(nodes: Int = 1, hasKeys: Bool = false) async throws {
        directory = "/tmp/hl-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        gatewayPort = try Self.freePort()
        address = hasKeys ? "tcp://127.0.0.1:\(try Self.freePorts())" : "ipc://\(directory)/run"
        guard let parsed = BusAddress(address) else { throw StackError("'\(address)' is no address") }
        if hasKeys {
            let setUp = try ChildProcess("hexloop", arguments: ["keys", "setup", "--data", directory])
            guard setUp.wait() == 0 else { throw StackError("no keys were made in \(directory)") }
        }
        process = try ChildProcess(
            "hexloop",
            arguments: [
                "up", "--data", directory, "--bus", address, "--nodes", "\(nodes)", "--gateway-port", "\(gatewayPort)",
                "--quiet",
            ],
            output: "\(directory)/up.log"
        )
        bus = BusClient(
            .init(
                address: parsed,
                name: "loop-test",
                keyPath: hasKeys ? "\(directory)/keys/operator/bus.key" : nil
            ),
            logger: Logger(label: "loop-test") { _ in SwiftLogNoOpLogHandler() }
        )
        do { try await waitUntilReady() } catch {
            await stop()
            throw error
        }
    }

    private func waitUntilReady() async throws {
        for await frames in bus.listen(prefixes: ["t/"]) {
            guard process.isRunning else { break }
            guard let beat = try? Record(frames: frames).event().decode(ServiceBeat.self), beat.ready else { continue }
            let text = (try? String(contentsOfFile: "\(directory)/up.log", encoding: .utf8)) ?? ""
            if text.contains("ready in") { return }
        }
        throw StackError(output)
    }

    /// What `hexloop up` said so far.
    public var output: String { (try? String(contentsOfFile: "\(directory)/up.log", encoding: .utf8)) ?? "" }

    /// Stops everything and removes the directory.
    public func stop() async {
        process.signal(SIGTERM)
        _ = try? await DedicatedThread.run("wait") { [process] in process.wait() }
        bus.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Kills a program with SIGKILL; `hexloop up` starts it again.
    public func kill(_ program: String) throws { try signal(program, SIGKILL) }

    /// Sends a signal to a program.
    public func signal(_ program: String, _ signal: Int32) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/run/pids.json"))
        let processes = try JSONDecoder().decode([Entry].self, from: data)
        guard let entry = processes.first(where: { $0.program == program }) else {
            throw StackError("\(program) is not among the running programs")
        }
        Glibc.kill(entry.pid, signal)
    }

    private struct Entry: Decodable {
        let program: String
        let pid: Int32
    }

    /// The first of four ports in a row that nobody has at the moment.
    private static func freePorts() throws -> UInt16 {
        for _ in 0..<200 {
            let first = UInt16.random(in: 20_000...32_000)
            if (try? (first..<first + 4).map(freePort)) != nil { return first }
        }
        throw StackError("no four free ports in a row")
    }

    private static func freePort(_ wanted: UInt16 = 0) throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = wanted.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> UInt16? in
                guard bind(descriptor, pointer, length) == 0, getsockname(descriptor, pointer, &length) == 0 else {
                    return nil
                }
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        guard let port else { throw StackError("no free port") }
        return port
    }
}

/// What a rehearsal could not do.
public struct StackError: Error, CustomStringConvertible {
    /// What went wrong, with the output of the stack where it helps.
    public let description: String

    /// An error with its reason.
    public init(_ description: String) { self.description = description }
}
