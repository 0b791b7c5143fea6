import ArgumentParser
import Bus
import Events
import FoundationEssentials
import GRDB
import Glibc
import Logging
import Membership
import ServiceKit
import ServiceLifecycle
import Storage

/// One client of ``ChaosCommand``: it works until it is told to stop, and writes down what it was promised.
struct ChaosClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos-client",
        abstract: "A client of 'hexloop chaos'.",
        shouldDisplay: false
    )

    enum Role: String, ExpressibleByArgument, CaseIterable {
        /// Numbered events from an outbox on disk.
        case producer
        /// Named events, asked again until they are acknowledged.
        case publisher
        /// A durable consumer: effect and cursor in one transaction.
        case consumer
        /// A member of a work group over the log.
        case worker
        /// Telemetry out.
        case sender
        /// Telemetry in.
        case listener
    }

    @Argument var role: Role
    @Option var name: String
    @Option var yard: String
    @Option var bus: String
    /// Milliseconds between two rounds of a producer, or for one job or batch of records.
    @Option var pause = 2
    /// Ends the process with the job that a worker finds poisonous: each whose number is a multiple of this.
    @Option var poison = 0

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        guard let address = BusAddress(bus) else { throw CommandError("bus '\(bus)' is no address") }
        let history = try ChaosHistory(path: "\(yard)/history/\(name)")
        let client = ChaosClient(
            name: name,
            yard: yard,
            address: address,
            pause: .milliseconds(pause),
            poison: poison,
            history: history
        )
        // Nobody is left behind when the nemesis itself is killed.
        let parent = getppid()
        let watch = Task {
            while getppid() == parent { try await Task.sleep(for: .milliseconds(200)) }
            _exit(2)
        }
        defer { watch.cancel() }
        switch role {
        case .producer: try await client.produce()
        case .publisher: try await client.publish()
        case .consumer: try await client.consume()
        case .worker: try await client.work()
        case .sender: try await client.send()
        case .listener: try await client.listen()
        }
        history.append("z")
    }
}

/// What the clients do; ``ChaosYard/stop``, ``ChaosYard/until`` and ``ChaosYard/end`` end it.
struct ChaosClient: Sendable {
    static let site = "local"
    static let telemetryTopic = "t/local/chaos/sample/v1/a/"

    let name: String
    let yard: String
    let address: BusAddress
    let pause: Duration
    let poison: Int
    let history: ChaosHistory

    private var isStopped: Bool { access("\(yard)/\(ChaosYard.stop)", F_OK) == 0 }

    /// The sequence up to which consumers read before they end.
    private var until: UInt64? {
        FileManager.default.contents(atPath: "\(yard)/\(ChaosYard.until)").flatMap {
            UInt64(String(decoding: $0, as: UTF8.self))
        }
    }

    private var logger: Logger { Logger(label: "chaos") { StreamLogHandler.standardError(label: $0) } }

    private func member(_ migrations: [Store.Migration]) async throws -> Member {
        try await Member(
            service: name,
            configuration: MemberConfiguration(
                data: "\(yard)/data",
                bus: address,
                artifacts: address,
                site: Self.site
            ),
            migrations: migrations,
            metrics: MetricsRegistry(),
            logger: logger
        )
    }

    // MARK: Event plane

    func produce() async throws {
        let member = try await member([
            .init("chaos-1", "CREATE TABLE counter (one INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT")
        ])
        let parts = member.parts()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in parts { group.addTask { try await part.run() } }
            group.addTask {
                while !isStopped {
                    await round(member.store)
                    try await Task.sleep(for: pause)
                }
                let state = try await member.store.outboxState()
                await member.relay.waitUntilAcknowledged(state.base + state.last)
            }
            // The producer's end, or the failure of a part.
            _ = try await group.next()
            group.cancelAll()
        }
        let count = try await member.store.read { try Int.fetchOne($0, sql: "SELECT value FROM counter") ?? 0 }
        history.append("i \(count)")
    }

    /// Some events in one transaction with the counter that they count.
    private func round(_ store: Store) async {
        let (name, count) = (name, Int.random(in: 1...6))
        do {
            let last = try await store.write { transaction in
                let before =
                    try Int.fetchOne(transaction.database, sql: "SELECT value FROM counter") ?? 0
                for number in before + 1...before + count {
                    try transaction.send(LabelRecorded(stream: name, key: "\(number)", value: Double(number)))
                }
                try transaction.database.execute(
                    sql: "INSERT INTO counter (one, value) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET value = ?1",
                    arguments: [before + count]
                )
                return before + count
            }
            for number in last - count + 1...last { history.append("o \(number)") }
        } catch {
            // The caller is told: nothing of it was kept, and nothing was promised.
            history.append("f 0")
        }
    }

    func publish() async throws {
        let client = BusClient(.init(address: address, name: "chaos/\(name)"), logger: logger)
        defer { client.close() }
        let begun = ChaosHistory.read(history.path)
        let open = begun.invoked.subtracting(begun.acknowledged.keys).sorted()
        for number in open { await publish(number, client) }
        var next = (begun.invoked.max() ?? 0) + 1
        while !isStopped {
            let numbers = next..<next + 8
            next += 8
            await withTaskGroup(of: Void.self) { group in
                for number in numbers { group.addTask { await publish(number, client) } }
            }
            try await Task.sleep(for: pause)
        }
    }

    /// Asks until the log has it; the source and id make it one event however often it is sent.
    private func publish(_ number: Int, _ client: BusClient) async {
        history.append("i \(number)")
        guard let topic = try? LabelRecorded.kind.topic(site: Self.site, subject: name),
            let event = try? CloudEvent(
                LabelRecorded(stream: name, key: "\(number)", value: Double(number)),
                id: "\(number)",
                source: "//\(Self.site)/\(name)/main",
                time: Member.clock()
            )
        else { return }
        while true {
            do {
                let receipt = try await client.publish(topic: topic, event, timeout: .seconds(2))
                history.append("o \(number) \(receipt.sequence)")
                return
            } catch {
                history.append("f \(number)")
            }
        }
    }

    func consume() async throws {
        let member = try await member([
            .init("chaos-1", "CREATE TABLE effect (sequence INTEGER PRIMARY KEY, source TEXT, number INTEGER) STRICT")
        ])
        var handlers = EventHandlers()
        handlers.on(LabelRecorded.self) { label, context, transaction in
            // A second application of a record would break the key.
            try transaction.database.execute(
                sql: "INSERT INTO effect (sequence, source, number) VALUES (?, ?, ?)",
                arguments: [Int64(context.sequence), label.stream, Int64(label.key)]
            )
        }
        let parts = member.parts(handlers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in parts { group.addTask { try await part.run() } }
            group.addTask {
                while true {
                    try await Task.sleep(for: max(pause, .milliseconds(20)))
                    guard let until else { continue }
                    let reached = try await member.store.read { database in
                        try Int64.fetchOne(database, sql: "SELECT max(sequence) FROM effect") ?? 0
                    }
                    if UInt64(reached) >= until { return }
                }
            }
            _ = try await group.next()
            group.cancelAll()
        }
        let sequences = try await member.store.read { database in
            try Int64.fetchAll(database, sql: "SELECT sequence FROM effect ORDER BY rowid")
        }
        for sequence in sequences { history.append("a 0 \(sequence)") }
    }

    // MARK: Work plane

    static let group = "chaos"
    static let leaseMs = 1500

    func work() async throws {
        let client = BusClient(.init(address: address, name: "chaos/\(name)"), logger: logger)
        defer { client.close() }
        let (id, jobs) = client.join(
            JoinRequest(
                group: Self.group,
                filters: [try LabelRecorded.kind.filter],
                start: .origin,
                credit: 16,
                leaseMs: Self.leaseMs
            )
        )
        let end = Task {
            while access("\(yard)/\(ChaosYard.end)", F_OK) != 0 { try await Task.sleep(for: .milliseconds(50)) }
            client.leave(id)
        }
        defer { end.cancel() }
        while true {
            let batch = await jobs.next(max: 16)
            if batch.isEmpty { return }
            for job in batch {
                let label = try? job.record.event().decode(LabelRecorded.self)
                if poison > 0, let number = label.flatMap({ Int($0.key) }), number.isMultiple(of: poison) { _exit(3) }
                if pause > .zero { try await Task.sleep(for: pause) }
                history.append("a \(job.token.delivery) \(job.token.job)")
                client.finish(id, job.token)
            }
        }
    }

    // MARK: Telemetry plane

    func send() async throws {
        let client = BusClient(.init(address: address, name: "chaos/\(name)"), logger: logger)
        defer { client.close() }
        let topic = try Topic(Self.telemetryTopic)
        var number = 0
        while !isStopped {
            for _ in 0..<200 {
                number += 1
                client.sendTelemetry(
                    topic: topic,
                    CloudEvent(id: "\(number)", source: "//\(Self.site)/\(name)/main", type: "t")
                )
            }
            try await Task.sleep(for: pause)
        }
        // The listener is awake by now: what these two show is that it has caught up.
        while until == nil {
            number += 1
            client.sendTelemetry(
                topic: topic,
                CloudEvent(id: "\(number)", source: "//\(Self.site)/\(name)/main", type: "t", subject: "end")
            )
            try await Task.sleep(for: .milliseconds(100))
        }
        history.append("o \(number)")
    }

    func listen() async throws {
        let client = BusClient(.init(address: address, name: "chaos/\(name)"), logger: logger)
        defer { client.close() }
        var (first, last, received, missing) = (UInt64(0), UInt64(0), 0, 0)
        for await frames in client.listen(prefixes: ["t/"], buffer: 1024) {
            guard let record = try? Record(frames: frames) else { continue }
            if first == 0 { first = record.sequence } else { missing += Int(record.sequence - last - 1) }
            last = record.sequence
            received += 1
            let event = try? record.event()
            if event?.subject == "end", until != nil || isStopped { break }
        }
        // Received and missing together are all that the broker relayed meanwhile.
        history.append("o \(received) \(last - first + 1)")
        history.append("i \(missing)")
    }
}
