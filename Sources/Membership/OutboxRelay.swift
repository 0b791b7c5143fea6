import Bus
import Events
import Logging
import ServiceKit
public import ServiceLifecycle
import Storage
import Synchronization

/// Sends the outbox to the bus, in order, and forgets what the log has.
public final class OutboxRelay: Service {
    /// Events under way at once.
    public static let windowMax = 512

    private let store: Store
    private let bus: BusClient
    private let health: Health
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var acknowledged: UInt64 = 0
        var welcome: Welcome?
        var waiters: [(number: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        var greeted: [CheckedContinuation<Void, Never>] = []
    }

    init(store: Store, bus: BusClient, health: Health, logger: Logger) {
        self.store = store
        self.bus = bus
        self.health = health
        self.logger = logger
    }

    /// How many events the log has of this outbox.
    public var acknowledged: UInt64 { state.withLock { $0.acknowledged } }

    /// Waits until the log has everything up to that number of ``Store``'s outbox.
    public func waitUntilAcknowledged(_ number: UInt64) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.acknowledged >= number { return true }
                state.waiters.append((number, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// The broker's last greeting; waits for the first.
    func welcome() async -> Welcome? {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.welcome != nil { return true }
                state.greeted.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
        return state.withLock { $0.welcome }
    }

    private enum Turn: Sendable {
        case filled
        case signal(BusClient.Signal)
        case end
    }

    /// Relays until the service stops.
    /// - Throws: ``BusError`` `fenced` when another program writes under this one's name.
    public func run() async throws {
        health.set("bus", .notReady("connecting to \(bus.configuration.address)"))
        let (turns, continuation) = AsyncStream.makeStream(of: Turn.self, bufferingPolicy: .unbounded)
        try await cancelWhenGracefulShutdown { [self] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for await _ in store.outboxFilled { continuation.yield(.filled) }
                }
                group.addTask { [self] in
                    for await signal in bus.signals { continuation.yield(.signal(signal)) }
                    continuation.yield(.end)
                }
                try await relay(turns)
                group.cancelAll()
            }
        }
        await drain()
        let (waiters, greeted) = state.withLock { state in
            defer {
                state.waiters = []
                state.greeted = []
            }
            return (state.waiters.map(\.continuation), state.greeted)
        }
        for waiter in waiters + greeted { waiter.resume() }
        bus.close()
    }

    private func relay(_ turns: AsyncStream<Turn>) async throws {
        var (epoch, _) = try await store.outboxState()
        var sent: UInt64 = 0
        var pruned: UInt64 = 0
        for await turn in turns {
            switch turn {
            case .filled: break
            case .end: return
            case .signal(.connected(let welcome)):
                health.set("bus", .ready)
                let outbox = try await store.outboxState()
                if welcome.producerEpoch > epoch
                    || (welcome.producerEpoch == epoch && welcome.producerSequence > outbox.last)
                {
                    logger.error(
                        "the log knows later events of this program than its own data: the data is an old copy",
                        metadata: [
                            "log.sequence": "\(welcome.producerSequence)", "outbox.last": "\(outbox.last)",
                        ])
                    epoch = try await store.renumberOutbox(after: welcome.producerEpoch)
                    (sent, pruned) = (0, 0)
                    state.withLock { $0.acknowledged = 0 }
                    bus.appendSequenced([], epoch: epoch)
                    continue
                }
                sent = max(sent, welcome.producerEpoch == epoch ? welcome.producerSequence : 0)
                acknowledge(upTo: welcome.producerEpoch == epoch ? welcome.producerSequence : 0)
                let greeted = state.withLock { state in
                    state.welcome = welcome
                    defer { state.greeted = [] }
                    return state.greeted
                }
                for waiter in greeted { waiter.resume() }
            case .signal(.disconnected(let reason)): health.set("bus", .notReady("reconnecting: \(reason)"))
            case .signal(.acknowledged(let number)): acknowledge(upTo: number)
            case .signal(.fenced(let refusal)): throw BusError(refusal.code, refusal.message)
            }
            guard state.withLock({ $0.welcome != nil }) else { continue }
            let acknowledged = acknowledged
            let room = Self.windowMax - Int(clamping: sent - min(acknowledged, sent))
            if room >= Self.windowMax / 2 {
                let events = try await store.outboxEvents(after: sent, limit: room)
                if let last = events.last {
                    sent = last.number
                    bus.appendSequenced(
                        events.map { ($0.number, $0.topic, $0.header, $0.data) }, epoch: epoch)
                }
            }
            if acknowledged > pruned, acknowledged == sent || acknowledged - pruned >= 256 {
                try await store.pruneOutbox(upTo: acknowledged)
                pruned = acknowledged
            }
        }
    }

    private func acknowledge(upTo number: UInt64) {
        let reached = state.withLock { state in
            state.acknowledged = max(state.acknowledged, number)
            let acknowledged = state.acknowledged
            let reached = state.waiters.filter { $0.number <= acknowledged }
            state.waiters.removeAll { $0.number <= acknowledged }
            return reached.map(\.continuation)
        }
        for waiter in reached { waiter.resume() }
    }

    /// What is left stays in the outbox for the next start; nothing to wait for.
    private func drain() async {}
}
