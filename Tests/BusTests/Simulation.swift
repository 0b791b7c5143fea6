import Events
import Testing

@testable import Bus

/// A broker, its log, and clients that publish, consume and work, under virtual time with faults from a seed.
///
/// Time goes in steps. Links keep the order of their messages, as TCP does, and lose all of them when they break.
/// The log works behind a queue; a crash of the broker loses the queue and keeps what was written.
struct Simulation {
    static let step: Duration = .milliseconds(20)
    private static let eventsPerClient = 12
    private static let subscription: UInt64 = 2
    private static let membership: UInt64 = 3
    private static let credit = 4
    private static let jobTopic = "e/site/job/wanted/v1/a/"

    private struct Link {
        var peer: PeerID
        var up: [(at: Duration, frames: Frames)] = []
        var down: [(at: Duration, frames: Frames)] = []
        var isOpenFrom: Duration
        /// Its own, so that the order in which peers are served does not matter.
        var random: SeededGenerator

        mutating func delay(_ max: Int) -> Duration { .milliseconds(Int.random(in: 0...max, using: &random)) }
    }

    private struct Client {
        let index: Int
        let filter: TopicFilter
        let works: Bool
        // What survives a crash: the outbox's length, the inbox's cursor and effects, named events that are wanted.
        var produced = 0
        var cursor: UInt64 = 0
        var applied: [UInt64] = []
        var worked: Set<UInt64> = []
        var namedWanted: [Int] = []
        var namedAccepted: [Int] = []
        // What does not.
        var core: ClientCore
        var link: Link
        var sent = 0
        var acknowledged = 0
        var isGreeted = false
        var received: [UInt64] = []
        var jobs: [(at: Duration, token: LeaseToken, isGood: Bool)] = []
        var asked: [UInt64: Int] = [:]
        var askCount: UInt64 = 100
        var isDownUntil: Duration?
    }

    private enum LogCommand {
        case append([Append], [LogNote])
        case read(ReadRequest)
    }

    private enum LogResult {
        case committed(Commit)
        case read(ReadResult)
    }

    private var random: SeededGenerator
    private var now: Duration = .zero
    private var log = FakeLog()
    private var broker: Broker
    private var logQueue: [LogCommand] = []
    private var logResults: [(at: Duration, result: LogResult)] = []
    private var failedGeneration: UInt64 = 0
    private var clients: [Client] = []
    private var peerCount = 0
    private var hasFaults = true
    private(set) var violation: String?
    private(set) var faults = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        broker = Broker(site: "site", log: log.snapshot)
        for index in 0..<3 {
            guard let filter = try? TopicFilter(["e/", "e/*/c0/", "e/*/*/said/v1/"][index]) else { continue }
            let link = newLink()
            var client = Client(
                index: index,
                filter: filter,
                works: index > 0,
                core: Self.newCore(index, now: .zero),
                link: link
            )
            Self.begin(&client)
            clients.append(client)
        }
    }

    private static func newCore(_ index: Int, now: Duration) -> ClientCore {
        ClientCore(hello: Hello(name: "c\(index)", producer: "c\(index)", producerEpoch: 1), now: now)
    }

    /// What a program does when it starts.
    private static func begin(_ client: inout Client) {
        client.core.subscribe(
            subscription,
            SubscribeRequest(
                consumer: "c\(client.index)",
                filters: [client.filter],
                start: .after(client.cursor),
                credit: credit
            )
        )
        if client.works, let filter = try? TopicFilter("e/*/job/") {
            client.core.join(
                membership,
                JoinRequest(group: "work", filters: [filter], start: .origin, credit: 2, leaseMs: 600)
            )
        }
    }

    private mutating func newLink() -> Link {
        peerCount += 1
        let delay = Duration.milliseconds(Int.random(in: 0...60, using: &random))
        return Link(
            peer: PeerID([UInt8(peerCount >> 8), UInt8(peerCount & 255)]),
            isOpenFrom: now + delay,
            random: SeededGenerator(seed: random.next())
        )
    }

    // MARK: Running

    /// Faults for `chaos`, then none until everything is done.
    mutating func run(chaos: Duration = .seconds(4), settle: Duration = .seconds(60)) {
        while now < chaos, violation == nil { advance() }
        hasFaults = false
        for index in clients.indices { clients[index].isDownUntil = clients[index].isDownUntil.map { _ in now } }
        while now < chaos + settle, violation == nil {
            for _ in 0..<5 { advance() }
            if isSettled { break }
        }
        if violation == nil { checkEnd() }
    }

    private mutating func advance() {
        now += Self.step
        if hasFaults { injectFaults() }
        for index in clients.indices {
            var client = clients[index]
            advance(&client)
            clients[index] = client
        }
        deliverUp()
        advanceLog()
        broker.tick(now: now, at: BrokerHarness.time)
        runBroker()
    }

    private mutating func injectFaults() {
        if random.one(in: 120) {
            faults += 1
            broker = Broker(site: "site", log: log.snapshot)
            (logQueue, logResults, failedGeneration) = ([], [], 0)
            for index in clients.indices { clients[index].link = newLink() }
        }
        for index in clients.indices {
            if random.one(in: 60) {
                faults += 1
                clients[index].link = newLink()
            }
            if random.one(in: 120) {
                faults += 1
                clients[index].isDownUntil = now + .milliseconds(Int.random(in: 0...3000, using: &random))
            }
        }
    }

    // MARK: Clients

    private mutating func advance(_ client: inout Client) {
        if let until = client.isDownUntil {
            if now < until { return }
            client.isDownUntil = nil
            client.core = Self.newCore(client.index, now: now)
            client.link = newLink()
            (client.sent, client.acknowledged, client.isGreeted) = (0, 0, false)
            (client.received, client.jobs, client.asked) = ([], [], [:])
            Self.begin(&client)
        }
        while let first = client.link.down.first, first.at <= now {
            client.link.down.removeFirst()
            client.core.receive(first.frames, now: now)
            perform(&client)
        }
        client.core.tick(now: now)
        perform(&client)
        produce(&client)
        consume(&client)
        work(&client)
        perform(&client)
    }

    private mutating func produce(_ client: inout Client) {
        if client.produced < Self.eventsPerClient, random.one(in: 8) {
            client.produced += Int.random(in: 1...3, using: &random)
            if random.one(in: 2) { client.namedWanted.append(client.produced) }
        }
        if client.isGreeted, client.sent < client.produced {
            let events = (client.sent + 1...client.produced).map { number in
                (
                    number: UInt64(number), topic: Self.topic(client.index, number), header: [UInt8](),
                    data: Array("\(client.index) \(number)".utf8)
                )
            }
            client.sent = client.produced
            client.core.append(events, epoch: 1)
        }
        for name in client.namedWanted where !client.asked.values.contains(name) {
            let event = CloudEvent(id: "\(name)", source: "//named/\(client.index)", type: "t")
            guard let header = try? event.header() else { continue }
            client.askCount += 1
            client.asked[client.askCount] = name
            client.core.ask(
                client.askCount,
                .publishUnsequenced(
                    client.askCount,
                    topic: "e/site/named/said/v1/a/",
                    header: header,
                    data: Array("named \(client.index) \(name)".utf8)
                ),
                deadline: now + .milliseconds(400)
            )
        }
    }

    private static func topic(_ client: Int, _ number: Int) -> String {
        number % 3 == 0 ? jobTopic : "e/site/c\(client)/said/v1/s\(number % 2)/"
    }

    private mutating func consume(_ client: inout Client) {
        while !client.received.isEmpty, !hasFaults || random.one(in: 10) {
            let count = Int.random(in: 1...client.received.count, using: &random)
            let batch = client.received.prefix(count)
            for sequence in batch {
                if sequence <= client.cursor {
                    fail("client \(client.index) got \(sequence) again after \(client.cursor)")
                }
                client.applied.append(sequence)
                client.cursor = sequence
            }
            client.received.removeFirst(count)
            client.core.acknowledge(Self.subscription, sequence: client.cursor, credit: count)
        }
    }

    private mutating func work(_ client: inout Client) {
        let due = client.jobs.filter { $0.at <= now }
        client.jobs.removeAll { $0.at <= now }
        for job in due {
            if job.isGood {
                client.worked.insert(job.token.job)
                client.core.finish(Self.membership, job.token, result: [])
            } else {
                client.core.fail(Self.membership, job.token, Refusal(.failed, "not now"))
            }
        }
    }

    private mutating func perform(_ client: inout Client) {
        var isBroken = false
        for action in client.core.takeActions() {
            switch action {
            case .send(let frames):
                guard !isBroken else { continue }
                if now < client.link.isOpenFrom {
                    isBroken = true
                } else {
                    let at = max(now + client.link.delay(delayMax), client.link.up.last?.at ?? .zero)
                    client.link.up.append((at, frames))
                }
            case .reopen: client.link = newLink()
            case .connected(let welcome):
                let known = Int(welcome.producerSequence)
                if known > client.produced {
                    fail("the log knows \(known) of client \(client.index)'s \(client.produced)")
                }
                client.isGreeted = true
                client.sent = max(client.sent, known)
            case .producerAcknowledged(let upTo):
                let logged = log.snapshot.producers["c\(client.index)"]?.sequence ?? 0
                if upTo > logged { fail("\(upTo) of client \(client.index) acknowledged, the log has \(logged)") }
                client.acknowledged = max(client.acknowledged, Int(upTo))
            case .producerFenced(let refusal): fail("client \(client.index) was fenced: \(refusal)")
            case .answered(let id, let answer):
                guard let name = client.asked.removeValue(forKey: id) else { continue }
                if case .accepted(let sequence, _) = answer {
                    client.namedWanted.removeAll { $0 == name }
                    client.namedAccepted.append(name)
                    let data = log.records[Int(sequence) - 1].data
                    if data != Array("named \(client.index) \(name)".utf8) {
                        fail("ack \(sequence) names another event")
                    }
                }
            case .deliver(_, let record):
                client.received.append(record.sequence)
                if client.received.count > Self.credit { fail("more records than credit") }
                if !client.filter.matches(record.topic) { fail("\(record.topic) does not match \(client.filter)") }
            case .job(_, let token, _):
                let at = now + .milliseconds(Int.random(in: 0...800, using: &random))
                client.jobs.append((at, token, !hasFaults || !random.one(in: 6)))
            case .jobs: fail("client \(client.index) got a batch that it did not ask for")
            case .ended(_, let refusal): fail("client \(client.index) lost a subscription: \(refusal)")
            case .disconnected: break
            }
        }
        if isBroken {
            client.core.sendFailed(now: now)
            perform(&client)
        }
    }

    private var delayMax: Int { hasFaults ? 150 : 5 }

    // MARK: Broker and log

    private mutating func deliverUp() {
        for index in clients.indices {
            while let first = clients[index].link.up.first, first.at <= now {
                clients[index].link.up.removeFirst()
                broker.receive(from: clients[index].link.peer, first.frames, now: now, at: BrokerHarness.time)
            }
        }
        runBroker()
    }

    private mutating func runBroker() {
        var appends: [Append] = []
        var notes: [LogNote] = []
        var reads: [ReadRequest] = []
        var gone: [PeerID] = []
        for action in broker.takeActions() {
            switch action {
            case .send(let peer, let message):
                guard let index = clients.firstIndex(where: { $0.link.peer == peer && $0.isDownUntil == nil }),
                    let frames = try? message.frames()
                else {
                    gone.append(peer)
                    continue
                }
                let at = max(now + clients[index].link.delay(delayMax), clients[index].link.down.last?.at ?? .zero)
                clients[index].link.down.append((at, frames))
            case .append(let append): appends.append(append)
            case .note(let note): notes.append(note)
            case .read(let request): reads.append(request)
            case .store, .fanOut: break
            }
        }
        if !appends.isEmpty || !notes.isEmpty { logQueue.append(.append(appends, notes)) }
        logQueue += reads.sorted { "\($0.owner)" < "\($1.owner)" }.map(LogCommand.read)
        guard !gone.isEmpty else { return }
        for peer in gone.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) { broker.end(peer, now: now) }
        runBroker()
    }

    /// As the broker's log thread: everything that waits is one batch, and a full disk refuses its generation.
    private mutating func advanceLog() {
        if !hasFaults || random.one(in: 3) {
            var (appends, notes): ([Append], [LogNote]) = ([], [])
            func commitTo(_ simulation: inout Simulation) {
                guard !appends.isEmpty || !notes.isEmpty else { return }
                simulation.commit(appends, notes)
                (appends, notes) = ([], [])
            }
            for command in logQueue {
                switch command {
                case .append(let more, let moreNotes):
                    if appends.count > 3 { commitTo(&self) }
                    appends += more
                    notes += moreNotes
                case .read(let request):
                    commitTo(&self)
                    report(.read(log.read(request, scanMax: 7)))
                }
            }
            commitTo(&self)
            logQueue = []
        }
        while let first = logResults.first, first.at <= now {
            logResults.removeFirst()
            switch first.result {
            case .committed(let commit): broker.committed(commit, now: now)
            case .read(let result): broker.read(result, now: now)
            }
        }
        runBroker()
    }

    private mutating func commit(_ appends: [Append], _ notes: [LogNote]) {
        let generations = appends.map(\.generation)
        let commit: Commit
        if let oldest = generations.min(), oldest <= failedGeneration {
            failedGeneration = generations.max() ?? failedGeneration
            commit = FakeLog.refusal(appends)
        } else {
            let isFull = hasFaults && random.one(in: 12)
            if isFull {
                faults += 1
                failedGeneration = generations.max() ?? failedGeneration
            }
            commit = log.write(appends, notes, full: isFull)
        }
        if !appends.isEmpty { report(.committed(commit)) }
    }

    private mutating func report(_ result: LogResult) {
        let at = max(now + .milliseconds(Int.random(in: 0...delayMax, using: &random)), logResults.last?.at ?? .zero)
        logResults.append((at, result))
    }

    // MARK: Invariants

    private mutating func fail(_ message: String) { violation = violation ?? "\(now): \(message)" }

    private var jobSequences: [UInt64] { log.records.filter { $0.topic == Self.jobTopic }.map(\.sequence) }

    /// Jobs that were given up, as the log says.
    private var buried: [UInt64] {
        log.records.compactMap { record in
            record.topic.contains("/event/refused/")
                ? (try? EventCoding.decode(EventRefused.self, from: record.data))?.sequence : nil
        }
    }

    private var isSettled: Bool {
        guard logQueue.isEmpty, logResults.isEmpty else { return false }
        let areClientsDone = clients.allSatisfy { client in
            client.isDownUntil == nil && client.isGreeted && client.produced >= Self.eventsPerClient
                && log.snapshot.producers["c\(client.index)"]?.sequence == UInt64(client.produced)
                && client.namedWanted.isEmpty && client.received.isEmpty
                && client.applied.count == log.records.count { client.filter.matches($0.topic) }
        }
        guard areClientsDone else { return false }
        let done = clients.reduce(into: Set(buried)) { $0.formUnion($1.worked) }
        return jobSequences.allSatisfy(done.contains)
    }

    private func logged(_ client: Int) -> [Int] {
        log.records.compactMap { record in
            let parts = String(decoding: record.data, as: UTF8.self).split(separator: " ")
            return parts.count == 2 && parts[0] == "\(client)" ? Int(parts[1]) : nil
        }
    }

    private mutating func checkEnd() {
        var last: [String: UInt64] = [:]
        for (index, record) in log.records.enumerated() {
            if record.sequence != UInt64(index) + 1 { fail("the log has a hole before \(record.sequence)") }
            if record.previous != last[record.topic] ?? 0 { fail("previous of \(record.sequence) is wrong") }
            last[record.topic] = record.sequence
        }
        let texts = log.records.map { String(decoding: $0.data, as: UTF8.self) }
        for client in clients {
            let numbers = logged(client.index)
            if numbers != Array(1...max(client.produced, 1)) {
                fail("the log has \(numbers) of client \(client.index)'s \(client.produced) events")
            }
            for name in client.namedAccepted {
                let count = texts.count { $0 == "named \(client.index) \(name)" }
                if count != 1 { fail("named event \(name) of client \(client.index) is in the log \(count) times") }
            }
            if !client.namedWanted.isEmpty { fail("named events \(client.namedWanted) were never acknowledged") }
            let wanted = log.records.filter { client.filter.matches($0.topic) }.map(\.sequence)
            if client.applied != wanted { fail("client \(client.index) applied \(client.applied), wanted \(wanted)") }
        }
        let done = clients.reduce(into: Set(buried)) { $0.formUnion($1.worked) }
        for job in jobSequences where !done.contains(job) { fail("job \(job) was neither done nor given up") }
    }
}

@Suite("Under faults nothing acknowledged is lost, and nothing is read twice", .timeLimit(.minutes(1)))
struct SimulationTests {
    @Test("every seed keeps the promises", arguments: 0..<8)
    func seeds(_ part: UInt64) {
        var faults = 0
        for seed in part * 30..<part * 30 + 30 {
            var simulation = Simulation(seed: seed)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            faults += simulation.faults
        }
        #expect(faults > 30)
    }

    @Test("the same seed gives the same run")
    func repeatable() {
        var (one, two) = (Simulation(seed: 42), Simulation(seed: 42))
        one.run()
        two.run()
        #expect(one.faults == two.faults)
        #expect(one.violation == two.violation)
    }
}
