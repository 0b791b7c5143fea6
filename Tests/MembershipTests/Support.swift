import Bus
import ChildProcesses
import Events
import Foundation
import GRDB
import Glibc
import Logging
import ServiceKit
import Storage
import Testing

@testable import Membership

/// A broker of its own: the built executable on `ipc://` in a new directory; killed and removed at the end.
final class BusProcess {
    let directory: String
    private var process: ChildProcess?

    init() throws {
        directory = "/tmp/hexloop-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    var address: BusAddress {
        get throws { try #require(BusAddress("ipc://\(directory)/run")) }
    }

    /// Runs the broker to its end and returns its exit code; for starts that fail.
    func run() throws -> Int32 {
        try start()
        defer { process = nil }
        return process?.wait() ?? -1
    }

    func start() throws {
        process = try ChildProcess(
            "bus",
            environment: [
                "HEXLOOP_DATA": "\(directory)/data", "HEXLOOP_BUS": "ipc://\(directory)/run",
                "HEXLOOP_LOG_LEVEL": "error",
            ]
        )
    }

    /// kill -9, and waits until the process is gone.
    func kill() {
        process?.signal(SIGKILL)
        process?.wait()
        process = nil
    }

    func configuration() throws -> MemberConfiguration {
        MemberConfiguration(data: "\(directory)/data", bus: try address, artifacts: try address, site: "local")
    }

    func client(_ name: String) throws -> BusClient {
        BusClient(.init(address: try address, name: name), logger: quietLogger)
    }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A program of the loop that writes down the keys of labels, each under the sequence that it had.
final class Program {
    static let migrations = [
        Store.Migration("seen-1", "CREATE TABLE seen (id INTEGER PRIMARY KEY, sequence INTEGER, key TEXT) STRICT")
    ]

    let member: Member
    private let inbox: Task<Void, any Error>
    private let relay: Task<Void, any Error>
    private let commits: AsyncStream<Void>

    init(_ service: String, _ bus: BusProcess) async throws {
        let member = try await Member(
            service: service,
            configuration: try bus.configuration(),
            migrations: Self.migrations,
            metrics: MetricsRegistry(),
            logger: quietLogger
        )
        self.member = member
        var handlers = EventHandlers()
        handlers.on(LabelRecorded.self) { label, context, tx in
            if label.value < 0 { throw EventError(.badData, "a label of this program is not negative") }
            try tx.database.execute(
                sql: "INSERT INTO seen (sequence, key) VALUES (?, ?)",
                arguments: [Int64(context.sequence), label.key]
            )
        }
        let (commits, committed) = AsyncStream.makeStream(of: Void.self)
        self.commits = commits
        let part = Inbox(
            store: member.store,
            bus: member.bus,
            relay: member.relay,
            consumer: "\(service)/main",
            service: service,
            handlers: handlers,
            logger: quietLogger,
            committed: { committed.yield() }
        )
        inbox = Task {
            defer { committed.finish() }
            try await part.run()
        }
        relay = Task { try await member.relay.run() }
    }

    func send(_ keys: [String], value: Double = 1) async throws {
        try await member.store.write { tx in
            for key in keys { try tx.send(LabelRecorded(stream: "s", key: key, value: value)) }
        }
    }

    func seen() async throws -> [String] {
        try await member.store.read { db in try String.fetchAll(db, sql: "SELECT key FROM seen ORDER BY id") }
    }

    /// Waits for commits of the inbox until that many labels were seen.
    func seen(_ count: Int) async throws -> [String] {
        var iterator = commits.makeAsyncIterator()
        while true {
            let seen = try await seen()
            if seen.count >= count { return seen }
            if await iterator.next() == nil { return seen }
        }
    }

    /// Waits until the log has everything that was sent.
    func waitUntilLogged() async throws {
        let state = try await member.store.outboxState()
        #expect(await member.relay.waitUntilAcknowledged(state.base + state.last))
    }

    func stop() async throws {
        inbox.cancel()
        try await inbox.value
        relay.cancel()
        try await relay.value
    }
}
