import Bus
import Events
import FoundationEssentials
import Logging
import ServiceKit
import ZeroMQ

/// What other threads tell the broker's thread.
enum BrokerCommand: Sendable {
    case log(LogThread.Result)
    /// Asks for figures.
    case report(@Sendable (BrokerReport?) -> Void)
}

/// The broker's figures at one moment.
struct BrokerReport: Sendable {
    var counters: Broker.Counters
    var head: UInt64
    var sessions: [String]
    var consumerLag: [String: UInt64]
    var groups: [GroupStatus]
}

/// The broker's thread: its sockets around the state machine.
final class BrokerBody: ReactorBody {
    private static let messagesPerTurnMax = 1024
    /// Telemetry of one sender that may wait; what is over it is lost at the sender, and counted.
    private static let ingressQueueMax: Int32 = 4096

    private let context: Context
    private let router: Socket
    private let ingress: Socket
    private let fanOut: Socket
    private let log: LogThread
    private let logger: Logger
    private let onFatal: @Sendable (String) -> Void
    private var broker: Broker
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant
    private var tickAt = Duration.zero
    private var beatAt = Duration.zero

    init(
        address: BusAddress,
        site: String,
        log: EventLog,
        logger: Logger,
        results: @escaping @Sendable (LogThread.Result) -> Void,
        onFatal: @escaping @Sendable (String) -> Void
    ) throws {
        self.logger = logger
        self.onFatal = onFatal
        context = try Context()
        var command = SocketOptions()
        command.mandatory = true
        command.sendHighWaterMark = 8192
        command.receiveHighWaterMark = 8192
        router = try Socket(context, .router, options: command)
        var telemetry = SocketOptions()
        telemetry.receiveHighWaterMark = Self.ingressQueueMax
        ingress = try Socket(context, .subscriber, options: telemetry)
        ingress.subscribe("")
        var out = SocketOptions()
        out.sendHighWaterMark = 10_000
        fanOut = try Socket(context, .extendedPublisher, options: out)
        try router.bind(address.bindEndpoint(SocketTable.command))
        try ingress.bind(address.bindEndpoint(SocketTable.ingress))
        try fanOut.bind(address.bindEndpoint(SocketTable.fanOut))
        broker = Broker(site: site, log: log.snapshot)
        self.log = LogThread(log: log, logger: logger, results: results)
        started = clock.now
    }

    private var now: Duration { clock.now - started }
    private var time: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    func prepare(_ set: inout PollSet) {
        set.add(router)
        set.add(ingress)
        set.add(fanOut)
    }

    func handle(_ command: BrokerCommand) {
        switch command {
        case .log(.committed(let commit)): broker.committed(commit, now: now)
        case .log(.read(let result)): broker.read(result, now: now)
        case .log(.stored(let request, let outcome)): broker.stored(request, outcome, now: now)
        case .log(.fatal(let message)): onFatal(message)
        case .report(let answer):
            answer(
                BrokerReport(
                    counters: broker.counters,
                    head: broker.head,
                    sessions: broker.sessionNames,
                    consumerLag: broker.consumerLag,
                    groups: broker.groupStatuses
                )
            )
        }
        run()
    }

    func turn() -> Duration {
        do {
            let (now, time) = (now, time)
            routing: for _ in 0..<Self.messagesPerTurnMax {
                switch try router.receive() {
                case .message(let frames):
                    guard let peer = frames.first else { continue }
                    broker.receive(from: PeerID(peer), Array(frames.dropFirst()), now: now, at: time)
                case .oversized(let peer): broker.oversized(from: PeerID(peer), at: time)
                case .none: break routing
                }
            }
            entering: for _ in 0..<Self.messagesPerTurnMax {
                switch try ingress.receive() {
                case .message(let frames): broker.ingress(frames, now: now, at: time)
                case .oversized: broker.oversized(from: nil, at: time)
                case .none: break entering
                }
            }
            while case .message = try fanOut.receive() {}
            if now >= tickAt {
                tickAt = now + .milliseconds(200)
                broker.tick(now: now, at: time)
            }
            if now >= beatAt {
                beatAt = now + .seconds(1)
                broker.beat()
            }
        } catch {
            logger.error("a socket of the broker failed", metadata: ["error": "\(error)"])
        }
        run()
        return .milliseconds(200)
    }

    /// Carries out what the state machine wants. Appends and notes of one turn go to the log together.
    private func run() {
        var appends: [Append] = []
        var notes: [LogNote] = []
        var reads: [ReadRequest] = []
        var stores: [StoreRequest] = []
        var gone: [PeerID] = []
        for action in broker.takeActions() {
            switch action {
            case .send(let peer, let message):
                if !send(peer, message) { gone.append(peer) }
            case .append(let append): appends.append(append)
            case .note(let note): notes.append(note)
            case .read(let request): reads.append(request)
            case .store(let request): stores.append(request)
            case .fanOut(let frames): _ = try? fanOut.send(frames)
            }
        }
        if !appends.isEmpty || !notes.isEmpty { log.post(.append(appends, notes)) }
        for request in reads { log.post(.read(request)) }
        for request in stores { log.post(.store(request)) }
        guard !gone.isEmpty else { return }
        for peer in gone { broker.end(peer, now: now) }
        run()
    }

    /// False when the peer is gone or so slow that its queue is full; its session ends and it greets anew.
    private func send(_ peer: PeerID, _ message: BrokerMessage) -> Bool {
        do {
            return try router.send([peer.bytes] + message.frames()) == .queued
        } catch {
            logger.error("cannot send", metadata: ["error": "\(error)"])
            return false
        }
    }

    func close(undelivered: [BrokerCommand]) {
        log.stop()
        Self.turnAway(undelivered)
    }

    /// Tells those who wait for figures that there will be none.
    static func turnAway(_ undelivered: [BrokerCommand]) {
        for case .report(let answer) in undelivered { answer(nil) }
    }
}
