import Events

@testable import Bus

/// The log in memory: what is in it survives a crash of the broker, what waits before it does not.
struct FakeLog {
    private(set) var snapshot: LogSnapshot
    private(set) var records: [Record] = []
    private var lastOfTopic: [String: UInt64] = [:]
    private var seen: [String: UInt64] = [:]

    init(epoch: UInt64 = 7) { snapshot = LogSnapshot(epoch: epoch) }

    /// Writes everything or, when the disk is `full`, nothing.
    mutating func write(_ appends: [Append], _ notes: [LogNote], full: Bool = false) -> Commit {
        if full { return Self.refusal(appends) }
        var outcomes: [AppendOutcome] = []
        var new: [Record] = []
        for append in appends {
            switch append.identity {
            case .named(let source, let id):
                if let known = seen["\(source) \(id)"] {
                    outcomes.append(.duplicate(known))
                    continue
                }
                seen["\(source) \(id)"] = snapshot.head + 1
            case .sequenced(let producer, let epoch, let sequence):
                snapshot.producers[producer] = .init(epoch: epoch, sequence: sequence)
            case .own: break
            }
            snapshot.head += 1
            let record = Record(
                topic: append.topic,
                flags: append.flags,
                epoch: snapshot.epoch,
                sequence: snapshot.head,
                previous: lastOfTopic[append.topic] ?? 0,
                header: append.header,
                data: append.data
            )
            lastOfTopic[append.topic] = snapshot.head
            records.append(record)
            new.append(record)
            outcomes.append(.appended(snapshot.head))
        }
        for note in notes { snapshot.apply(note) }
        return Commit(appends: appends, outcomes: outcomes, records: new)
    }

    static func refusal(_ appends: [Append]) -> Commit {
        Commit(
            appends: appends,
            outcomes: [],
            records: [],
            failure: Refusal(.full, "the log's disk is full", retryAfterMs: 100)
        )
    }

    func read(_ request: ReadRequest, scanMax: Int = 50) -> ReadResult {
        func matches(_ record: Record) -> Bool { request.filters.contains { $0.matches(record.topic) } }
        if case .last = request.owner {
            let newest = lastOfTopic.values.sorted().map { records[Int($0) - 1] }
            return ReadResult(request: request, records: newest.filter(matches), scannedTo: snapshot.head)
        }
        var found: [Record] = []
        var scannedTo = request.after
        for record in records.dropFirst(Int(request.after)).prefix(scanMax) where found.count < request.limit {
            scannedTo = record.sequence
            if matches(record) { found.append(record) }
        }
        return ReadResult(request: request, records: found, scannedTo: scannedTo)
    }
}

/// A broker, its log and the messages it sent, driven by hand.
struct BrokerHarness {
    var log: FakeLog
    var broker: Broker
    var now: Duration = .zero
    /// Appends, notes and reads wait until ``release()``.
    var holdsLog = false
    /// The next commits fail.
    var isDiskFull = false
    private(set) var fannedOut: [Frames] = []
    private var sent: [PeerID: [BrokerMessage]] = [:]
    private var appends: [Append] = []
    private var notes: [LogNote] = []
    private var reads: [ReadRequest] = []
    /// What the broker asked of the log for operators; a test answers.
    private(set) var stores: [StoreRequest] = []

    static let time = Timestamp(microseconds: 1_587_400_000_000_000)

    init(limits: BusLimits = .init(), log: FakeLog = FakeLog()) {
        self.log = log
        broker = Broker(site: "site", limits: limits, log: log.snapshot)
    }

    /// The broker's process ends; what was on disk is there again.
    mutating func restart() {
        (appends, notes, reads, sent, fannedOut) = ([], [], [], [:], [])
        broker = Broker(site: "site", limits: broker.limits, log: log.snapshot)
    }

    static func peer(_ name: String) -> PeerID { PeerID(Array(name.utf8)) }

    mutating func send(_ peer: String, _ message: ClientMessage) throws {
        sendFrames(peer, try message.frames())
    }

    mutating func sendFrames(_ peer: String, _ frames: Frames) {
        broker.receive(from: Self.peer(peer), frames, now: now, at: Self.time)
        run()
    }

    mutating func hello(_ peer: String, producer: String? = nil, epoch: UInt64? = nil) throws {
        try send(peer, .hello(1, Hello(name: peer, producer: producer, producerEpoch: epoch)))
    }

    /// A sequenced event.
    mutating func publish(_ peer: String, _ number: UInt64, _ topic: String = "e/site/x/y/v1/a/") throws {
        try send(peer, .publish(0, sequence: number, topic: topic, header: [], data: Array("\(number)".utf8)))
    }

    /// Writes a record straight away.
    mutating func seed(_ topics: [String]) {
        let appends = topics.map {
            Append(
                topic: $0,
                flags: .durable,
                header: [],
                data: Array($0.utf8),
                identity: .own,
                requester: nil,
                generation: broker.generation
            )
        }
        broker.committed(log.write(appends, []), now: now)
        run()
    }

    mutating func tick(after duration: Duration = .zero) {
        now += duration
        broker.tick(now: now, at: Self.time)
        run()
    }

    /// Keeps sessions alive.
    mutating func ping(_ peers: String...) throws { for peer in peers { try send(peer, .ping) } }

    mutating func run() {
        while true {
            for action in broker.takeActions() {
                switch action {
                case .send(let peer, let message): sent[peer, default: []].append(message)
                case .append(let append): appends.append(append)
                case .note(let note): notes.append(note)
                case .read(let request): reads.append(request)
                case .store(let request): stores.append(request)
                case .fanOut(let frames): fannedOut.append(frames)
                }
            }
            if holdsLog || (appends.isEmpty && notes.isEmpty && reads.isEmpty) { return }
            pass()
        }
    }

    /// Lets the log do what waits.
    mutating func release() {
        pass()
        run()
    }

    private mutating func pass() {
        let (appends, notes, reads) = (appends, notes, reads)
        (self.appends, self.notes, self.reads) = ([], [], [])
        if !appends.isEmpty || !notes.isEmpty {
            let commit = log.write(appends, notes, full: isDiskFull)
            if !appends.isEmpty { broker.committed(commit, now: now) }
        }
        for read in reads { broker.read(log.read(read), now: now) }
    }

    /// The log's answer to what the broker asked of it.
    mutating func answer(_ request: StoreRequest, _ outcome: StoreOutcome) {
        stores.removeAll { $0 == request }
        broker.stored(request, outcome, now: now)
        run()
    }

    /// The messages to a peer since the last call.
    mutating func take(_ peer: String) -> [BrokerMessage] { sent.removeValue(forKey: Self.peer(peer)) ?? [] }

    mutating func deliveries(_ peer: String) -> [UInt64] {
        take(peer).compactMap { message in
            if case .deliver(_, let record) = message { record.sequence } else { nil }
        }
    }

    mutating func jobs(_ peer: String) -> [LeaseToken] {
        take(peer).compactMap { message in
            if case .job(_, let token, _, _) = message { token } else { nil }
        }
    }
}

extension [BrokerMessage] {
    var refusals: [ErrorCode] {
        compactMap { message in
            switch message {
            case .nak(_, let refusal), .error(_, let refusal): refusal.code
            default: nil
            }
        }
    }
}

/// SplitMix64: a generator whose seed a failing test prints.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// True once in `n` times.
    mutating func one(in n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }
}
