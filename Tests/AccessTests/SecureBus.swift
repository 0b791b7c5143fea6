import Bus
import ChildProcesses
import Events
import Foundation
import Glibc
import Logging
import Synchronization
import Testing
import ZeroMQ

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

struct SetUpError: Error, CustomStringConvertible {
    let description: String
}

/// A broker of its own over TCP on the loopback interface, as its operator would set it up with `hexloop keys`.
final class SecureBus {
    let directory: String
    let address: BusAddress
    private var processes: [ChildProcess] = []
    private(set) var bus: ChildProcess?

    var keys: String { "\(directory)/keys" }
    var accessFile: String { "\(keys)/access/access.json" }

    init(setUp: Bool = true) throws {
        directory = "/tmp/hl-key-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        address = try #require(BusAddress("tcp://127.0.0.1:\(try Self.freePorts())"))
        if setUp { try hexloop("keys", "setup", "--data", directory) }
    }

    deinit {
        for process in processes {
            process.signal(SIGKILL)
            process.wait()
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Starts the broker, with its keys or open to everybody.
    @discardableResult
    func start(_ settings: [String: String]? = nil) throws -> ChildProcess {
        let own = ["HEXLOOP_BUS_KEY": "\(keys)/bus/bus.key", "HEXLOOP_ACCESS_FILE": accessFile]
        let process = try start("bus", settings ?? own)
        bus = process
        return process
    }

    @discardableResult
    func start(_ program: String, _ settings: [String: String]) throws -> ChildProcess {
        let process = try ChildProcess(
            program,
            environment: [
                "HEXLOOP_DATA": "\(directory)/data", "HEXLOOP_BUS": address.text, "HEXLOOP_LOG_LEVEL": "info",
            ].merging(settings) { $1 },
            output: "\(directory)/\(program).log"
        )
        processes.append(process)
        return process
    }

    /// What a program has logged.
    func log(_ program: String) -> String {
        (try? String(contentsOfFile: "\(directory)/\(program).log", encoding: .utf8)) ?? ""
    }

    /// Runs the command to its end.
    func hexloop(_ arguments: String...) throws {
        let process = try ChildProcess("hexloop", arguments: arguments, output: "\(directory)/hexloop.log")
        let code = process.wait()
        guard code == 0 else {
            throw SetUpError(description: "hexloop \(arguments) ended with \(code)\n\(log("hexloop"))")
        }
    }

    func keyPath(_ name: String) -> String { "\(keys)/\(name)/bus.key" }

    func key(_ name: String) throws -> BusKey { try BusKey(path: keyPath(name)) }

    func client(_ name: String, keyed: Bool = true, producer: String? = nil) -> BusClient {
        BusClient(
            .init(address: address, name: name, producer: producer, keyPath: keyed ? keyPath(name) : nil),
            logger: quietLogger
        )
    }

    /// Resident memory of the broker at its highest, in MB.
    func peakMB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(try #require(bus).id)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return (Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0) / 1024
    }

    /// Where the next ports are looked for: buses that start at the same time do not get the same ones.
    private static let nextPorts = Mutex(Int.random(in: 0..<3_000))

    /// The first of four ports in a row that nobody has at the moment.
    private static func freePorts() throws -> Int {
        for _ in 0..<200 {
            let place = nextPorts.withLock { place in
                place = (place + 1) % 3_000
                return place
            }
            let first = 8_000 + 4 * place
            if (first..<first + 4).allSatisfy({ isFree($0) }) { return first }
        }
        throw SetUpError(description: "no four free ports were found")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = RawPeer.loopback(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

extension BusClient {
    /// Publishes an event under a source and topic of the caller's choice.
    @discardableResult
    func say(_ topic: String, source: String, id: String = UUID().uuidString) async throws -> Receipt {
        let event = CloudEvent(id: id, source: source, type: "x.y", dataContentType: "application/json", data: [0x31])
        return try await publish(topic: try Topic(topic), event, timeout: .seconds(30))
    }

    /// What the broker answers to something that it should refuse.
    func refusal(_ body: (BusClient) async throws -> Void) async -> ErrorCode? {
        do { try await body(self) } catch let error as BusError { return error.code } catch { return nil }
        return nil
    }

    /// Waits until the log has a refusal that says `text`.
    func waitForRefusal(_ text: String, service: String = "bus") async throws {
        let (id, records) = subscribe(
            SubscribeRequest(consumer: nil, filters: [try EventRefused.kind.filter], start: .origin, credit: 100)
        )
        defer { leave(id) }
        while true {
            let batch = await records.next(max: 100)
            guard let last = batch.last else { throw SetUpError(description: "the bus ended before '\(text)' came") }
            for record in batch {
                let refused = try record.event().decode(EventRefused.self)
                if refused.service == service, refused.message.contains(text) { return }
            }
            acknowledge(id, upTo: last.sequence, credit: batch.count)
        }
    }
}

/// A peer that speaks ZMTP by hand, so that it can break every rule.
struct RawPeer: ~Copyable {
    let descriptor: Int32

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    /// Connects.
    init(_ port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        self.descriptor = descriptor
        guard status == 0 else { throw SetUpError(description: "nobody listens on port \(port)") }
    }

    deinit { close(descriptor) }

    /// False when the other side is gone.
    @discardableResult
    borrowing func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Reads until the other side closes.
    borrowing func waitForEnd() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }

    /// Greets without keys, as a socket of that type.
    borrowing func greet(_ type: String) {
        var greeting: [UInt8] = [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8)
        greeting += [UInt8](repeating: 0, count: 64 - greeting.count)
        let body =
            [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, UInt8(type.utf8.count)]
            + Array(type.utf8)
        send(greeting + [4, UInt8(body.count)] + body)
    }

    /// A frame after which more are promised.
    borrowing func sendMore(_ bytes: [UInt8]) -> Bool {
        var frame: [UInt8] = [3]
        for shift in stride(from: 56, through: 0, by: -8) {
            frame.append(UInt8(truncatingIfNeeded: bytes.count >> shift))
        }
        return send(frame) && send(bytes)
    }
}
