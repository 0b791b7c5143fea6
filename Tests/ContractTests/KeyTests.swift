import ChildProcesses
import Foundation
import Glibc
import Testing

/// The clients over TCP, where the broker lets in whom it knows by key.
@Suite("Programs in Python and C show their key", .enabled(if: Repository.python != nil, Repository.noPython))
struct KeyTests {
    @Test(
        "with it they are served inside their rights, outside they hear denied, without it nothing",
        .timeLimit(.minutes(2))
    )
    func keys() async throws {
        let directory = "/tmp/hexloop-keys-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let python = try #require(Repository.python)
        let clients = Repository.root.appendingPathComponent("examples/clients").path
        let address = "tcp://127.0.0.1:\(try Self.freePorts())"
        func shell(_ line: String, key: String? = nil) async throws -> (code: Int32, output: String) {
            try await Repository.run(
                "/bin/sh",
                ["-c", "cd '\(directory)' && \(line)"],
                environment: key.map { ["HEXLOOP_BUS_KEY": "\(directory)/keys/\($0)/bus.key"] } ?? [:]
            )
        }
        func hexloop(_ arguments: String...) async throws {
            let (code, output) = try await Repository.run("hexloop", arguments + ["--data", directory])
            try #require(code == 0, "\(output)")
        }
        try await hexloop("keys", "setup")
        let rights = ["--publish", "e/local/label/", "--subscribe", "e/*/label/", "--source", "//plant-a/plc-7/"]
        let made = try await Repository.run("hexloop", ["keys", "make", "plc-7", "--data", directory] + rights)
        try #require(made.code == 0, "\(made.output)")
        let broker = try ChildProcess(
            "bus",
            environment: [
                "HEXLOOP_DATA": directory, "HEXLOOP_BUS": address,
                "HEXLOOP_BUS_KEY": "\(directory)/keys/bus/bus.key",
                "HEXLOOP_ACCESS_FILE": "\(directory)/keys/access/access.json",
            ],
            output: "\(directory)/bus.log"
        )
        defer {
            broker.signal(SIGKILL)
            broker.wait()
        }
        let built = try await shell("make -C '\(clients)/c' OUT='\(directory)' CC=$(command -v clang || command -v cc)")
        try #require(built.code == 0, "\(built.output)")

        let event = #"{"specversion":"1.0","id":"c","source":"//plant-a/plc-7/c","type":"x.y","data":1}"#
        let forged = #"{"specversion":"1.0","id":"c","source":"//plant-a/plc-8/c","type":"x.y","data":1}"#
        let lines: [(line: String, code: Int32, output: String)] = [
            (
                "\(python) '\(clients)'/python/publisher.py \(address) outbox.sqlite keyed 20", 0,
                "20 events are in the log"
            ),
            ("echo '\(event)' | ./publish \(address) e/local/label/recorded/v1/keyed/", 0, "21"),
            (
                "\(python) '\(clients)'/python/consumer.py \(address) counts.sqlite 'e/*/label/' 21", 0,
                "21 events, 0 of them twice"
            ),
            ("./consume \(address) 'e/*/label/' cursor 21", 0, "21 e/local/label/recorded/v1/keyed/ 1"),
            ("echo '\(event)' | ./publish \(address) e/local/observation/recorded/v1/keyed/", 1, "denied"),
            ("echo '\(forged)' | ./publish \(address) e/local/label/recorded/v1/keyed/", 1, "denied"),
            ("./consume \(address) e/ other 1", 1, "denied"),
            ("\(python) '\(clients)'/python/consumer.py \(address) other.sqlite e/ 1", 1, "denied"),
            ("\(python) '\(clients)'/python/worker.py \(address) infer 'e/*/label/' 1", 1, "denied"),
            ("HEXLOOP_BUS_KEY=missing ./publish \(address) e/ < /dev/null", 1, "cannot be read"),
            ("HEXLOOP_BUS_KEY=bus.log ./publish \(address) e/ < /dev/null", 1, "no key file"),
            ("HEXLOOP_BUS_KEY=bus.log \(python) '\(clients)'/python/ask.py \(address) q/x/ t 1", 1, "no key file"),
        ]
        for expected in lines {
            let (code, output) = try await shell(expected.line, key: "plc-7")
            #expect(code == expected.code, "\(expected.line): \(output)")
            #expect(output.contains(expected.output), "\(expected.line): \(output)")
        }
        // Whoever shows none is not answered, so it cannot tell a closed door from no door.
        let keyless =
            "import sys; sys.path.insert(0, '\(clients)/python'); from hexbus import Bus; Bus('\(address)', 'x', timeout=2)"
        let (code, output) = try await shell("\(python) -c \"\(keyless)\"")
        #expect(code == 1)
        #expect(output.contains("timeout: no bus at"))
    }

    /// The first of four ports in a row that nobody has at the moment.
    private static func freePorts() throws -> UInt16 {
        for _ in 0..<200 {
            let first = UInt16.random(in: 20_000...32_000)
            if (first..<first + 4).allSatisfy(isFree) { return first }
        }
        throw ContractError("no four free ports were found")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
