import Bus
import Events
import Membership
import Synchronization

/// Publishes events in order with many under way, as any other system may: numbered over a DEALER of its own.
///
/// What the broker had not acknowledged when a connection broke is sent again in the next, and taken once.
final class PipelinedPublisher: Sendable {
    /// Events sent and not yet acknowledged.
    static let windowMax = 512

    private struct State {
        var sent: UInt64 = 0
        var acknowledged: UInt64 = 0
        var isConnected = false
        var failure: String?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let client: BusClient
    private let site: String
    private let source: String
    private let epoch: UInt64
    private let state = Mutex(State())

    private init(_ place: Place, name: String) {
        site = place.site
        source = "//\(place.site)/\(name)/main"
        // A later start numbers anew under a higher epoch.
        epoch = UInt64(max(1, Member.clock().microseconds))
        client = BusClient(
            .init(
                address: place.bus,
                name: name,
                producer: name,
                producerEpoch: epoch,
                keyPath: place.keyPath
            ),
            logger: BusConnection.silentLogger
        )
    }

    /// Runs `body` with a connected publisher, then waits until the log has everything.
    static func run<Result: Sendable>(
        _ place: Place,
        name: String,
        _ body: @escaping @Sendable (PipelinedPublisher) async throws -> Result
    ) async throws -> Result {
        let publisher = PipelinedPublisher(place, name: name)
        defer { publisher.client.close() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await publisher.listen() }
            let isConnected = try await withTimeout(BusConnection.openTimeout) {
                try await publisher.wait { $0.isConnected }
                return true
            }
            guard isConnected == true else {
                throw CommandError(
                    "no bus answers at \(place.bus); start one with 'hexloop up', or name another with --bus or --data"
                )
            }
            let result = try await body(publisher)
            try await publisher.flush()
            return result
        }
    }

    /// Sends an event; waits while ``windowMax`` are under way.
    func send(_ event: any Event) async throws {
        try await wait { $0.sent - $0.acknowledged < UInt64(Self.windowMax) }
        let topic = try type(of: event).kind.topic(site: site, subject: event.subject)
        let number = state.withLock { state in
            state.sent += 1
            return state.sent
        }
        let envelope = try CloudEvent(event, id: "\(epoch)-\(number)", source: source, time: Member.clock())
        client.appendSequenced([(number, topic.text, try envelope.header(), envelope.data)], epoch: epoch)
    }

    /// Waits until the log has everything that was sent.
    func flush() async throws { try await wait { $0.acknowledged >= $0.sent } }

    private func listen() async {
        for await signal in client.signals {
            let waiters = state.withLock { state in
                switch signal {
                case .connected: state.isConnected = true
                case .disconnected: break
                case .acknowledged(let number): state.acknowledged = max(state.acknowledged, number)
                case .fenced(let refusal): state.failure = refusal.message
                }
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// One task publishes; it is woken by every signal and looks again.
    private func wait(until isTrue: @Sendable (borrowing State) -> Bool) async throws {
        while true {
            try Task.checkCancellation()
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDone = state.withLock { state in
                        if isTrue(state) || state.failure != nil || Task.isCancelled { return true }
                        state.waiters.append(continuation)
                        return false
                    }
                    if isDone { continuation.resume() }
                }
            } onCancel: {
                let waiters = state.withLock { state in
                    defer { state.waiters = [] }
                    return state.waiters
                }
                for waiter in waiters { waiter.resume() }
            }
            let (isDone, failure) = state.withLock { (isTrue($0), $0.failure) }
            if let failure { throw CommandError("the bus does not take events of this publisher: \(failure)") }
            if isDone { return }
        }
    }
}
