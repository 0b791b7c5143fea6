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
    private let lastAtStart: UInt64
    private let health: Health
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var acknowledged: UInt64 = 0
        var welcome: Welcome?
        var hasEnded = false
        var waiters: [UInt64: Waiter] = [:]
        var waiterCount: UInt64 = 0

        func isMet(_ condition: Condition) -> Bool {
            switch condition {
            case .acknowledged(let number): acknowledged >= number
            case .greeted: welcome != nil
            }
        }
    }

    private enum Condition: Sendable {
        case acknowledged(UInt64)
        case greeted
    }

    private struct Waiter {
        let condition: Condition
        let continuation: CheckedContinuation<Bool, Never>
    }

    /// - Parameter lastAtStart: The outbox's last number when this process opened it.
    init(store: Store, bus: BusClient, lastAtStart: UInt64, health: Health, logger: Logger) {
        self.lastAtStart = lastAtStart
        self.store = store
        self.bus = bus
        self.health = health
        self.logger = logger
    }

    /// Everything in the outbox up to that number is in the log; numbers are those that `Transaction.send` returns.
    public var acknowledged: UInt64 { state.withLock { $0.acknowledged } }

    /// Waits until the log has everything up to that number, as `Transaction.send` returns it.
    /// - Returns: False when the relay ended or the task was cancelled before; the event stays in the outbox.
    @discardableResult
    public func waitUntilAcknowledged(_ number: UInt64) async -> Bool { await wait(for: .acknowledged(number)) }

    /// The broker's last greeting; waits for the first. Nil when the relay ended or the task was cancelled before.
    func welcome() async -> Welcome? {
        guard await wait(for: .greeted) else { return nil }
        return state.withLock { $0.welcome }
    }

    private func wait(for condition: Condition) async -> Bool {
        let id = state.withLock { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Bool? in
                    if state.isMet(condition) { return true }
                    if state.hasEnded || Task.isCancelled { return false }
                    state.waiters[id] = Waiter(condition: condition, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: false)
        }
    }

    /// Changes the state and wakes those whose condition is met now, or all when the relay has ended.
    private func change(_ body: (inout State) -> Void) {
        let woken = state.withLock { state in
            body(&state)
            let (now, woken) = (state, state.waiters.filter { state.hasEnded || state.isMet($0.value.condition) })
            for id in woken.keys { state.waiters[id] = nil }
            return woken.values.map { ($0.continuation, now.isMet($0.condition)) }
        }
        for (continuation, isMet) in woken { continuation.resume(returning: isMet) }
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
        defer {
            change { $0.hasEnded = true }
            bus.close()
        }
        // What is left in the outbox when the service stops is sent at the next start.
        try await cancelWhenGracefulShutdown { [self] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for await _ in store.outboxFilled { continuation.yield(.filled) }
                }
                group.addTask { [self] in
                    for await signal in bus.signals { continuation.yield(.signal(signal)) }
                    continuation.yield(.end)
                }
                defer { group.cancelAll() }
                do { try await relay(turns) } catch is CancellationError {}
            }
        }
    }

    private func relay(_ turns: AsyncStream<Turn>) async throws {
        var outbox = try await store.outboxState()
        // Numbers of the present epoch: handed to the bus, in the log, and forgotten here.
        var (sent, acknowledged, pruned) = (UInt64(0), UInt64(0), UInt64(0))
        // Before this process has sent anything, the log cannot know more than the outbox did when it was opened.
        var knowable = lastAtStart
        for await turn in turns {
            switch turn {
            case .filled: break
            case .end: return
            case .signal(.connected(let welcome)):
                health.set("bus", .ready)
                outbox = try await store.outboxState()
                // A greeting from before the numbering began anew; the next session is on its way.
                guard welcome.producerEpoch >= outbox.epoch else { continue }
                let reason = Self.mismatch(welcome, outbox, acknowledged, knowable: knowable)
                knowable = .max
                if let reason {
                    logger.error(
                        "the log and this program's outbox do not fit; its numbering begins anew",
                        metadata: [
                            "reason": "\(reason)", "log.sequence": "\(welcome.producerSequence)",
                            "outbox.last": "\(outbox.last)", "outbox.pruned": "\(outbox.pruned)",
                        ]
                    )
                    _ = try await store.renumberOutbox(after: welcome.producerEpoch)
                    outbox = try await store.outboxState()
                    (sent, acknowledged, pruned) = (0, 0, 0)
                    bus.appendSequenced([], epoch: outbox.epoch)
                    continue
                }
                sent = max(sent, welcome.producerSequence)
                acknowledged = max(acknowledged, welcome.producerSequence)
                change { $0.welcome = welcome }
            case .signal(.disconnected(let reason)): health.set("bus", .notReady("reconnecting: \(reason)"))
            case .signal(.acknowledged(let number)): acknowledged = max(acknowledged, number)
            case .signal(.fenced(let refusal)): throw BusError(refusal.code, refusal.message)
            }
            let reached = outbox.base + acknowledged
            change { $0.acknowledged = max($0.acknowledged, reached) }
            guard state.withLock({ $0.welcome != nil }) else { continue }
            let room = Self.windowMax - Int(clamping: sent - min(acknowledged, sent))
            if room >= Self.windowMax / 2 {
                let events = try await store.outboxEvents(after: sent, limit: room)
                if let last = events.last {
                    sent = last.number
                    bus.appendSequenced(
                        events.map { ($0.number, $0.topic, $0.header, $0.data) },
                        epoch: outbox.epoch
                    )
                }
            }
            if acknowledged > pruned, acknowledged == sent || acknowledged - pruned >= 256 {
                try await store.pruneOutbox(upTo: acknowledged)
                pruned = acknowledged
            }
        }
    }

    /// Why the log cannot go on after this outbox's numbers; nil when it can.
    private static func mismatch(
        _ welcome: Welcome,
        _ outbox: (epoch: UInt64, base: UInt64, last: UInt64, pruned: UInt64),
        _ acknowledged: UInt64,
        knowable: UInt64
    ) -> String? {
        if welcome.producerEpoch > outbox.epoch || welcome.producerSequence > min(outbox.last, knowable) {
            return "the log knows later events: this program's data is an old copy"
        }
        if welcome.producerSequence < max(outbox.pruned, acknowledged) {
            return "the log lacks events that it had acknowledged: it was made anew or is an old copy"
        }
        return nil
    }
}
