import BusSimulation
import Events

@testable import Bus

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

    private var life: UInt64 = 0

    /// The broker's process ends; what was on disk is there again.
    mutating func restart() {
        (appends, notes, reads, sent, fannedOut) = ([], [], [], [:], [])
        life += 1
        broker = Broker(site: "site", limits: broker.limits, requestsAfter: life * 1000, log: log.snapshot)
    }

    /// The public keys that peers show; those without are local.
    var keys: [String: String] = [:]

    static func peer(_ name: String) -> PeerID { PeerID(Array(name.utf8)) }

    private func peer(_ name: String) -> PeerID { PeerID(Array(name.utf8), key: keys[name]) }

    mutating func send(_ peer: String, _ message: ClientMessage) throws {
        sendFrames(peer, try message.frames())
    }

    mutating func sendFrames(_ peer: String, _ frames: Frames) {
        broker.receive(from: self.peer(peer), frames, now: now, at: Self.time)
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
    mutating func take(_ peer: String) -> [BrokerMessage] { sent.removeValue(forKey: self.peer(peer)) ?? [] }

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
