import Bus
import ChildProcesses
import Events
import Foundation
import Glibc
import Testing
import ZeroMQ

/// Attackers that break the rules of ZeroMQ, against a real broker; a well-behaved client goes on beside them.
@Suite("Who breaks the rules does not take the broker from the others", .timeLimit(.minutes(2)), .serialized)
struct LimitTests {
    private func openBus() async throws -> (SecureBus, BusClient) {
        let secure = try SecureBus(setUp: false)
        try secure.start(["HEXLOOP_ACCESS_OPEN": "true"])
        let client = secure.client("honest", keyed: false)
        try await client.say("e/local/x/y/v1/a/", source: "//honest")
        return (secure, client)
    }

    private func port(_ secure: SecureBus, _ row: SocketTable.Row) throws -> Int {
        try #require(Int(secure.address.endpoint(row).split(separator: ":").last ?? ""))
    }

    @Test("a message that never ends costs its sender the connection, not the broker its memory (T7)")
    func endless() async throws {
        let (secure, client) = try await openBus()
        defer { client.close() }
        for (row, type) in [(SocketTable.command, "DEALER"), (SocketTable.ingress, "PUB"), (SocketTable.fanOut, "SUB")]
        {
            let before = try secure.peakMB()
            let attacker = try RawPeer(try port(secure, row))
            attacker.greet(type)
            let frame = [UInt8](repeating: 1, count: 1 << 20)
            var sent = 0
            while sent < 1000, attacker.sendMore(frame) { sent += 1 }
            #expect(sent < 1000, "the broker took \(sent) MiB of one message at \(row.name)")
            let grown = try secure.peakMB() - before
            #expect(grown < 200, "the broker grew by \(grown) MB at \(row.name)")
            try await client.say("e/local/x/y/v1/a/", source: "//honest")
        }
        try await client.waitForRefusal("bytes of one message")
    }

    @Test("with keys too: hundreds of frames in one message")
    func manyFrames() async throws {
        let secure = try SecureBus()
        try secure.hexloop("keys", "make", "plc", "--data", secure.directory)
        try secure.start()
        let `operator` = secure.client("operator")
        defer { `operator`.close() }
        try await `operator`.say("e/local/x/y/v1/a/", source: "//local/x")
        let before = try secure.peakMB()
        let context = try Context()
        var options = SocketOptions()
        options.curve = try secure.key("plc").toBus
        let attacker = try Socket(context, .dealer, options: options)
        try attacker.connect(secure.address.endpoint(SocketTable.command))
        attacker.waitWritable(milliseconds: 10_000)
        _ = try attacker.send([[UInt8]](repeating: [UInt8](repeating: 1, count: 1_000_000), count: 300))
        try await `operator`.waitForRefusal("bytes of one message")
        let grown = try secure.peakMB() - before
        #expect(grown < 200, "the broker grew by \(grown) MB")
        try await `operator`.say("e/local/x/y/v1/a/", source: "//local/x")
    }

    @Test("garbage and a thousand handshakes that never begin leave the others their broker")
    func garbage() async throws {
        let (secure, client) = try await openBus()
        defer { client.close() }
        Descriptors.raiseLimit()
        let port = try port(secure, SocketTable.command)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let attacker = try RawPeer(port)
            attacker.send((0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let http = try RawPeer(port)
        http.send(Array("GET / HTTP/1.1\r\nHost: bus\r\n\r\n".utf8))
        let slow = SlowPeers(port, count: 1000)
        #expect(slow.count > 900)
        for _ in 0..<20 { try await client.say("e/local/x/y/v1/a/", source: "//honest") }
        let late = secure.client("late", keyed: false)
        defer { late.close() }
        try await late.say("e/local/x/y/v1/a/", source: "//late")
        #expect(secure.bus?.isRunning == true)
    }

    @Test("more subscriptions than allowed cost the connection; fewer are all served")
    func subscriptions() async throws {
        let (secure, client) = try await openBus()
        defer { client.close() }
        let context = try Context()
        let greedy = try Socket(context, .subscriber)
        for number in 0..<2000 { greedy.subscribe("e/local/\(number)/") }
        try greedy.connect(secure.address.endpoint(SocketTable.fanOut))
        try await client.waitForRefusal("wanted more than 256 subscriptions")
        let modest = client.listen(prefixes: (0..<200).map { "t/\($0)/" } + ["e/local/x/"])
        let saying = Task {
            for number in 0..<10_000 where !Task.isCancelled {
                try await client.say("e/local/x/y/v1/a/", source: "//honest", id: "s\(number)")
            }
        }
        for await frames in modest where frames[0].starts(with: "e/local/x/".utf8) { break }
        saying.cancel()
        _ = await saying.result
    }

    @Test("without descriptors it goes on for those who are there, and takes others when there are some again")
    func descriptors() async throws {
        let (secure, client) = try await openBus()
        defer { client.close() }
        let bus = try #require(secure.bus)
        // What it holds now, and room for a few: how much it inherits depends on who started it.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(bus.id)/fd").count
        #expect(limitDescriptors(of: bus.id, to: rlim_t(open + 12)) == 0)
        let port = try port(secure, SocketTable.command)
        do {
            let crowd = SlowPeers(port, count: 200)
            #expect(crowd.count > 0)
            for _ in 0..<20 { try await client.say("e/local/x/y/v1/a/", source: "//honest") }
            #expect(bus.isRunning)
        }
        let late = secure.client("late", keyed: false)
        defer { late.close() }
        try await late.say("e/local/x/y/v1/a/", source: "//late")
    }
}

/// Takes descriptors from a running process; Swift's Glibc module does not carry prlimit.
private func limitDescriptors(of process: pid_t, to count: rlim_t) -> Int32 {
    typealias Call = @convention(c) (pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> Int32
    guard let symbol = dlsym(nil, "prlimit") else { return -1 }
    var limit = rlimit(rlim_cur: count, rlim_max: count)
    return unsafeBitCast(symbol, to: Call.self)(process, Int32(RLIMIT_NOFILE.rawValue), &limit, nil)
}

/// Connections that say nothing, and go together.
private final class SlowPeers {
    private var descriptors: [Int32] = []

    var count: Int { descriptors.count }

    init(_ port: Int, count: Int) {
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0)
            var address = RawPeer.loopback(port)
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if status == 0 || errno == EINPROGRESS { descriptors.append(descriptor) } else { close(descriptor) }
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
