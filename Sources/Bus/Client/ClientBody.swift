import Events
import Logging
import ZeroMQ

/// The client's thread: its sockets, and the waiters of ``ClientCore``'s answers.
final class ClientBody: ReactorBody {
    static let closed = Refusal(.timeout, "this program's connection to the bus is closed")
    /// Messages taken from one socket in one turn, so that no other starves.
    private static let messagesPerTurnMax = 256

    /// How long a bus that was never there goes without a word.
    private static let patience: Duration = .seconds(3)

    private let configuration: BusClient.Configuration
    private let logger: Logger
    private let context: Context
    private var dealer: Socket
    private var publisher: Socket
    private var subscriber: Socket
    private var key: BusKey?
    private var isListening = false
    private var hasComplained = false
    private var core: ClientCore
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant
    private let signals: AsyncStream<BusClient.Signal>.Continuation
    private let dropped: TelemetryDropCounter
    private var answers: [UInt64: CheckedContinuation<ClientCore.Answer, Never>] = [:]
    private var channels: [UInt64: BatchChannel<Record>] = [:]
    private var jobChannels: [UInt64: BatchChannel<BusClient.Job>] = [:]
    private var listeners: [UInt64: (prefixes: [[UInt8]], continuation: AsyncStream<Frames>.Continuation)] = [:]
    private var telemetryCount: UInt64 = 0
    private let telemetryEpoch = UInt64.random(in: 1...UInt64.max)

    init(
        _ configuration: BusClient.Configuration,
        logger: Logger,
        signals: AsyncStream<BusClient.Signal>.Continuation,
        dropped: TelemetryDropCounter
    ) throws {
        self.configuration = configuration
        self.logger = logger
        self.signals = signals
        self.dropped = dropped
        logger.info("libzmq", metadata: ["libzmq.version": "\(Context.libraryVersion)"])
        context = try Context()
        key = try Self.readKey(configuration)
        dealer = try Self.openDealer(context, configuration.address, key)
        publisher = try Self.openPublisher(context, configuration.address, key)
        subscriber = try Self.openSubscriber(context, key)
        started = clock.now
        let hello = Hello(
            name: configuration.name,
            producer: configuration.producer,
            producerEpoch: configuration.producer.map { _ in configuration.producerEpoch }
        )
        core = ClientCore(hello: hello, now: .zero)
    }

    private static func readKey(_ configuration: BusClient.Configuration) throws(AccessError) -> BusKey? {
        // A directory of sockets is closed to others; there is nobody to prove anything to.
        guard configuration.address.directory == nil, let path = configuration.keyPath else { return nil }
        return try BusKey(path: path)
    }

    private static func openPublisher(
        _ context: Context,
        _ address: BusAddress,
        _ key: BusKey?
    ) throws(ZeroMQError) -> Socket {
        var options = SocketOptions()
        options.curve = key?.toBus
        let socket = try Socket(context, .publisher, options: options)
        try socket.connect(address.endpoint(SocketTable.ingress))
        return socket
    }

    private static func openSubscriber(_ context: Context, _ key: BusKey?) throws(ZeroMQError) -> Socket {
        var options = SocketOptions()
        options.receiveHighWaterMark = 10_000
        options.curve = key?.toBus
        return try Socket(context, .subscriber, options: options)
    }

    private static func openDealer(
        _ context: Context,
        _ address: BusAddress,
        _ key: BusKey?
    ) throws(ZeroMQError) -> Socket {
        var options = SocketOptions()
        options.curve = key?.toBus
        options.immediate = true
        options.sendHighWaterMark = 8192
        let socket = try Socket(context, .dealer, options: options)
        try socket.connect(address.endpoint(SocketTable.command))
        return socket
    }

    private var now: Duration { clock.now - started }

    func prepare(_ set: inout PollSet) {
        set.add(dealer)
        if isListening { set.add(subscriber) }
    }

    func handle(_ command: ClientCommand) {
        switch command {
        case .ask(let id, let message, let timeout, let continuation):
            answers[id] = continuation
            core.ask(id, message, deadline: now + timeout)
        case .cancel(let id):
            core.cancel(id)
            answers.removeValue(forKey: id)?.resume(returning: .refused(Refusal(.timeout, "cancelled")))
        case .append(let events, let epoch): core.append(events, epoch: epoch)
        case .subscribe(let id, let request, let channel):
            channels[id] = channel
            core.subscribe(id, request)
        case .acknowledge(let id, let sequence, let credit): core.acknowledge(id, sequence: sequence, credit: credit)
        case .join(let id, let request, let channel):
            jobChannels[id] = channel
            core.join(id, request)
        case .finish(let id, let token, let result): core.finish(id, token, result: result)
        case .finishParts(let id, let token, let results): core.finish(id, token, results: results)
        case .fail(let id, let token, let refusal): core.fail(id, token, refusal)
        case .refuse(let id, let token, let refusal): core.refuse(id, token, refusal)
        case .extend(let id, let token): core.extend(id, token)
        case .leave(let id):
            core.leave(id)
            channels.removeValue(forKey: id)?.finish()
            jobChannels.removeValue(forKey: id)?.finish()
        case .telemetry(let topic, let header, let data): sendTelemetry(topic, header, data)
        case .listen(let id, let prefixes, let continuation): listen(id, prefixes, continuation)
        case .unlisten(let id): unlisten(id)
        }
        run(core.takeActions())
    }

    func turn() -> Duration {
        receive()
        core.tick(now: now)
        run(core.takeActions())
        if !hasComplained, !core.isReady, now > Self.patience {
            hasComplained = true
            logger.warning(
                key == nil && configuration.address.directory == nil
                    ? "the bus is not there, or it wants a key (bus.key); trying on"
                    : "the bus is not there; trying on",
                metadata: ["bus.endpoint": "\(configuration.address.endpoint(SocketTable.command))"]
            )
        }
        return .milliseconds(100)
    }

    private func receive() {
        do {
            receiving: for _ in 0..<Self.messagesPerTurnMax {
                switch try dealer.receive() {
                case .message(let frames):
                    core.receive(frames, now: now)
                    run(core.takeActions())
                case .oversized: logger.warning("a message of the broker is over the limits and was dropped")
                case .none: break receiving
                }
            }
            guard isListening else { return }
            listening: for _ in 0..<Self.messagesPerTurnMax {
                switch try subscriber.receive() {
                case .message(let frames): hand(frames)
                case .oversized: dropped.increment()
                case .none: break listening
                }
            }
        } catch {
            logger.error("a socket of the bus client failed", metadata: ["error": "\(error)"])
        }
    }

    private func hand(_ frames: Frames) {
        guard let topic = frames.first else { return }
        for listener in listeners.values where listener.prefixes.contains(where: { topic.starts(with: $0) }) {
            if case .dropped = listener.continuation.yield(frames) { dropped.increment() }
        }
    }

    private func run(_ actions: [ClientCore.Action]) {
        var isBroken = false
        for action in actions {
            switch action {
            case .send(let frames):
                guard !isBroken else { continue }
                isBroken = !send(frames)
            case .reopen: reopen()
            case .connected(let welcome):
                hasComplained = true
                logger.info("connected to the bus", metadata: ["bus.session": "\(welcome.session)"])
                signals.yield(.connected(welcome))
            case .disconnected(let reason):
                logger.warning("lost the bus", metadata: ["reason": "\(reason)"])
                signals.yield(.disconnected(reason))
            case .producerAcknowledged(let upTo): signals.yield(.acknowledged(upTo: upTo))
            case .producerFenced(let refusal):
                logger.error("the bus refuses this producer", metadata: ["reason": "\(refusal.message)"])
                signals.yield(.fenced(refusal))
            case .answered(let id, let answer): answers.removeValue(forKey: id)?.resume(returning: answer)
            case .deliver(let id, let record): channels[id]?.send(record)
            case .job(let id, let token, let record):
                jobChannels[id]?.send(BusClient.Job(token: token, records: [record]))
            case .jobs(let id, let token, let records):
                jobChannels[id]?.send(BusClient.Job(token: token, records: records))
            case .ended(let id, let refusal):
                logger.error("a subscription ended", metadata: ["reason": "\(refusal.message)"])
                channels.removeValue(forKey: id)?.finish()
                jobChannels.removeValue(forKey: id)?.finish()
            }
        }
        if isBroken {
            core.sendFailed(now: now)
            run(core.takeActions())
        }
    }

    private func send(_ frames: Frames) -> Bool { (try? dealer.send(frames)) == .queued }

    private func reopen() {
        do {
            try renewKey()
            dealer = try Self.openDealer(context, configuration.address, key)
        } catch {
            logger.error("cannot open a socket", metadata: ["error": "\(error)"])
        }
    }

    /// Takes up a key that was rotated: the other two sockets then need it too.
    private func renewKey() throws(ZeroMQError) {
        let renewed: BusKey?
        do throws(AccessError) { renewed = try Self.readKey(configuration) } catch {
            logger.error("the key file cannot be used; going on with the old key", metadata: ["error": "\(error)"])
            return
        }
        guard renewed != key else { return }
        publisher = try Self.openPublisher(context, configuration.address, renewed)
        let other = try Self.openSubscriber(context, renewed)
        if isListening { try other.connect(configuration.address.endpoint(SocketTable.fanOut)) }
        for listener in listeners.values {
            for prefix in listener.prefixes { other.subscribe(String(decoding: prefix, as: UTF8.self)) }
        }
        subscriber = other
        key = renewed
        logger.info("took up a new key", metadata: ["key.name": "\(renewed?.name ?? "none")"])
    }

    private func sendTelemetry(_ topic: String, _ header: [UInt8], _ data: [UInt8]) {
        telemetryCount += 1
        let record = Record(
            topic: topic,
            flags: [],
            stream: Record.telemetryStream,
            epoch: telemetryEpoch,
            sequence: telemetryCount,
            previous: 0,
            header: header,
            data: data
        )
        _ = try? publisher.send(record.frames)
    }

    private func listen(_ id: UInt64, _ prefixes: [String], _ continuation: AsyncStream<Frames>.Continuation) {
        if !isListening {
            do { try subscriber.connect(configuration.address.endpoint(SocketTable.fanOut)) } catch {
                logger.error("cannot listen", metadata: ["error": "\(error)"])
                continuation.finish()
                return
            }
            isListening = true
        }
        for prefix in prefixes { subscriber.subscribe(prefix) }
        listeners[id] = (prefixes.map { Array($0.utf8) }, continuation)
    }

    private func unlisten(_ id: UInt64) {
        guard let listener = listeners.removeValue(forKey: id) else { return }
        for prefix in listener.prefixes { subscriber.unsubscribe(String(decoding: prefix, as: UTF8.self)) }
    }

    /// Tells those who wait for commands that never arrived.
    static func turnAway(_ undelivered: [ClientCommand]) {
        for command in undelivered {
            switch command {
            case .ask(_, _, _, let continuation): continuation.resume(returning: .refused(closed))
            case .subscribe(_, _, let channel): channel.finish()
            case .join(_, _, let channel): channel.finish()
            case .listen(_, _, let continuation): continuation.finish()
            default: break
            }
        }
    }

    func close(undelivered: [ClientCommand]) {
        dealer.setLinger(milliseconds: 500)
        core.bye()
        run(core.takeActions())
        Self.turnAway(undelivered)
        for continuation in answers.values { continuation.resume(returning: .refused(Self.closed)) }
        for channel in channels.values { channel.finish() }
        for channel in jobChannels.values { channel.finish() }
        for listener in listeners.values { listener.continuation.finish() }
        signals.finish()
    }
}
