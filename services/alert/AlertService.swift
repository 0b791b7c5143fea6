import AsyncHTTPClient
import CoreMetrics
import Events
import Logging
import Membership
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Storage

/// Tells people: takes deliveries from the table and hands each to its sink, at least once.
///
/// It runs beside the inbox and holds no transaction while a sink is slow.
struct AlertService: Service {
    /// Deliveries taken from the table at a time.
    private static let batchMax = 32
    /// How often incidents are looked at, and deliveries whose next attempt is due.
    private static let lookInterval = Duration.seconds(1)
    /// How long a sink may take to connect; each has its own limit for the whole.
    private static let connectMax = TimeAmount.seconds(30)

    private let member: Member
    private let configuration: AlertConfiguration
    private let wakes: [AlertRule.Sink: Wakes]
    private let delivered = Counter(label: "alert_deliveries_total")
    private let failed = Counter(label: "alert_delivery_failures_total")
    private let givenUp = Counter(label: "alert_deliveries_given_up_total")
    private let open = Gauge(label: "alert_open")

    init(member: Member, configuration: AlertConfiguration) {
        self.member = member
        self.configuration = configuration
        wakes = configuration.sinks.mapValues { _ in Wakes() }
    }

    /// There may be something to tell.
    func wake() { for one in wakes.values { one.continuation.yield() } }

    func run() async throws {
        var limits = HTTPClient.Configuration(redirectConfiguration: .disallow)
        limits.timeout.connect = Self.connectMax
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: limits)
        do {
            try await cancelWhenGracefulShutdown { try await follow(client) }
        } catch {
            try? await client.shutdown()
            guard error is CancellationError else { throw error }
            return
        }
        try await client.shutdown()
    }

    /// Each sink has a loop of its own, so that one that hangs does not hold up the others.
    private func follow(_ client: HTTPClient) async throws {
        let names = Set(configuration.sinks.keys)
        try await member.store.write { try DeliveryTable.giveUp(except: names, at: $0.now, $0.database) }
        let teller = SinkTeller(member: member, client: client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try await tick()
                    open.record(try await member.store.read { try AlertTable.openCount($0) })
                    wake()
                    try? await Task.sleep(for: Self.lookInterval)
                }
            }
            group.addTask {
                try await AlertQueryService(member: member, configuration: configuration, teller: teller) { wake() }
                    .run()
            }
            for (sink, settings) in configuration.sinks {
                group.addTask {
                    guard let stream = wakes[sink]?.stream else { return }
                    for await _ in stream {
                        while try await tellDue(sink, settings, teller) {}
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Lets time pass for alerts and incidents. While some are open this is a transaction, which is empty but seldom.
    private func tick() async throws {
        let isIdle = try await member.store.read {
            try IncidentTable.open($0).isEmpty && PendingTable.all($0).isEmpty
        }
        guard !isIdle else { return }
        let configuration = configuration
        try await member.store.write {
            try AlertHandlers.tick(
                configuration.rules,
                configuration.policy,
                Set(configuration.sinks.keys),
                links: configuration.links,
                $0
            )
        }
    }

    /// Tells a sink what is due; false when there was nothing.
    private func tellDue(_ sink: AlertRule.Sink, _ settings: SinkSettings, _ teller: SinkTeller) async throws -> Bool {
        let now = Member.clock()
        let due = try await member.store.read { try DeliveryTable.due(sink, at: now, limit: Self.batchMax, $0) }
        for delivery in due {
            try Task.checkCancellation()
            let outcome: SinkOutcome
            do throws(EventError) {
                let notice = try EventCoding.decode(AlertNotice.self, from: delivery.body)
                outcome = await teller.tell(notice, settings, key: delivery.idempotencyKey, incident: delivery.stream)
            } catch {
                outcome = .refused("the notice cannot be read: \(error)")
            }
            switch outcome {
            case .taken:
                delivered.increment()
                try await member.store.write { try DeliveryTable.remove(delivery.number, $0.database) }
            case .failed(let reason):
                let backoff = Backoff(attemptsMax: settings.attempts).wait(after: delivery.attempts + 1)
                try await retry(sink, delivery, reason, after: backoff)
            case .refused(let reason): try await retry(sink, delivery, reason, after: nil)
            }
        }
        return !due.isEmpty
    }

    private func retry(
        _ sink: AlertRule.Sink,
        _ delivery: DeliveryTable.Delivery,
        _ reason: String,
        after backoff: Duration?
    ) async throws {
        // A stop of the program is no failure of the receiver.
        try Task.checkCancellation()
        let attempts = delivery.attempts + 1
        failed.increment()
        let metadata: Logger.Metadata = [
            "alert.sink": "\(sink.rawValue)", "alert.delivery": "\(delivery.idempotencyKey)",
            "attempts": "\(attempts)", "reason": "\(reason)",
        ]
        if backoff == nil {
            givenUp.increment()
            member.logger.error("gave up telling a sink of an alert", metadata: metadata)
        } else {
            member.logger.warning("a sink did not take an alert; will try again", metadata: metadata)
        }
        let source = member.identity.source
        try await member.store.write { transaction in
            let now = transaction.now
            let due = backoff.map { Timestamp(microseconds: now.microseconds + Int64($0 / .microseconds(1))) }
            try DeliveryTable.fail(
                delivery.number,
                reason,
                attempts: attempts,
                dueAt: due,
                at: now,
                transaction.database
            )
            guard due == nil else { return }
            try transaction.send(
                EventRefused(
                    service: "alert",
                    type: AlertRaised.kind.type,
                    source: source,
                    id: delivery.idempotencyKey,
                    code: .failed,
                    message: "sink '\(sink.rawValue)' did not take \(delivery.idempotencyKey) in \(attempts) attempts: "
                        + "\(reason.prefix(Occurrence.detailCharactersMax)); 'hexloop alert dead' shows it and tries again"
                )
            )
        }
    }
}

/// Wakes one loop; wakes that come while it works become one.
private struct Wakes: Sendable {
    let stream: AsyncStream<Void>
    let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }
}

/// How long to wait after a failed attempt: one second, doubled each time up to five minutes.
struct Backoff: Sendable, Hashable {
    static let waitMin = Duration.seconds(1)
    static let waitMax = Duration.seconds(300)

    let attemptsMax: Int

    /// The wait before the next attempt; nil when there shall be none.
    func wait(after attempts: Int) -> Duration? {
        guard attempts < attemptsMax else { return nil }
        return min(Self.waitMin * (1 << min(attempts - 1, 20)), Self.waitMax)
    }
}
