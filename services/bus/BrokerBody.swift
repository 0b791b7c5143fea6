import Bus
import Events
import FoundationEssentials
import Logging
import Membership
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
    var doors: Doorkeeper.Figures
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
    private let doorkeeper: Doorkeeper
    private let log: LogThread
    private let logger: Logger
    private let onFatal: @Sendable (String) -> Void
    private var broker: Broker
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant
    private var tickAt = Duration.zero
    private var beatAt = Duration.zero

    init(
        configuration: BusConfiguration,
        log: EventLog,
        logger: Logger,
        results: @escaping @Sendable (LogThread.Result) -> Void,
        onFatal: @escaping @Sendable (String) -> Void
    ) throws {
        self.logger = logger
        self.onFatal = onFatal
        let (address, access) = (configuration.address, configuration.access)
        context = try Context()
        doorkeeper = try Doorkeeper(
            context,
            store: access.store,
            serverSecretKey: access.serverSecretKey,
            domain: "bus"
        )
        var command = SocketOptions()
        command.mandatory = true
        command.sendHighWaterMark = 8192
        command.receiveHighWaterMark = 8192
        router = try Socket(context, .router, options: doorkeeper.options(command))
        var telemetry = SocketOptions()
        telemetry.receiveHighWaterMark = Self.ingressQueueMax
        ingress = try Socket(context, .subscriber, options: doorkeeper.options(telemetry))
        ingress.subscribe("")
        var out = SocketOptions()
        out.sendHighWaterMark = 10_000
        out.grantsSubscriptions = true
        fanOut = try Socket(context, .extendedPublisher, options: doorkeeper.options(out))
        try doorkeeper.bind(router, SocketTable.command.name, address.bindEndpoint(SocketTable.command))
        try doorkeeper.bind(ingress, SocketTable.ingress.name, address.bindEndpoint(SocketTable.ingress))
        try doorkeeper.bind(fanOut, SocketTable.fanOut.name, address.bindEndpoint(SocketTable.fanOut))
        broker = Broker(
            site: configuration.site,
            rates: configuration.rates,
            access: access.store.policy,
            requestsAfter: UInt64.random(in: 0..<1 << 52),
            log: log.snapshot
        )
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
                    groups: broker.groupStatuses,
                    doors: doorkeeper.figures
                )
            )
        }
        run()
    }

    func turn() -> Duration {
        do {
            let (now, time) = (now, time)
            var origin = Origin.none
            var emptied = 0
            routing: for _ in 0..<Self.messagesPerTurnMax {
                switch try receive(router, &origin) {
                case .message(let frames):
                    guard let peer = frames.first else { continue }
                    broker.receive(
                        from: PeerID(peer, key: origin.key),
                        Array(frames.dropFirst()),
                        now: now,
                        at: time
                    )
                case .oversized(let peer): broker.oversized(from: PeerID(peer, key: origin.key), at: time)
                case .none:
                    emptied += 1
                    break routing
                }
            }
            entering: for _ in 0..<Self.messagesPerTurnMax {
                switch try receive(ingress, &origin) {
                case .message(let frames): broker.ingress(frames, key: origin.key, now: now, at: time)
                case .oversized: broker.oversized(from: nil, at: time)
                case .none:
                    emptied += 1
                    break entering
                }
            }
            subscribing: for _ in 0..<Self.messagesPerTurnMax {
                switch try fanOut.receive(&origin) {
                case .message(let frames): subscription(frames, origin, at: time)
                case .oversized: continue
                case .none:
                    emptied += 1
                    break subscribing
                }
            }
            watchDoors(hasDrained: emptied == 3, now: now, at: time)
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
        return min(.milliseconds(200), doorkeeper.patience)
    }

    /// Takes a message, and where it came from.
    private func receive(_ socket: borrowing Socket, _ origin: inout Origin) throws -> Socket.Reception {
        let reception = try socket.receive(&origin)
        if reception != .none { doorkeeper.note(origin) }
        return reception
    }

    /// A peer of the fan-out socket wants a prefix, or wants it no longer; between `receive` and the answer nothing else
    /// may be done with the socket.
    private func subscription(_ frames: Frames, _ origin: Origin, at time: Timestamp) {
        guard frames.count == 1, let kind = frames[0].first else { return }
        let prefix = Array(frames[0].dropFirst())
        if kind == 0 {
            fanOut.endSubscription(prefix)
            doorkeeper.unsubscribed(origin)
        } else if kind == 1, doorkeeper.maySubscribe(origin),
            broker.mayListen(String(decoding: prefix, as: UTF8.self), key: origin.key, at: time)
        {
            fanOut.grantSubscription(prefix)
        }
    }

    private func watchDoors(hasDrained: Bool, now: Duration, at time: Timestamp) {
        for refused in doorkeeper.turn(hasDrained: hasDrained, now: now, at: time) {
            logger.notice("refused", metadata: ["reason": "\(refused.message)"])
            broker.turnedAway(refused.code, refused.message, about: refused.about, at: time)
        }
        if let policy = doorkeeper.changedPolicy { broker.setAccess(policy, now: now, at: time) }
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
