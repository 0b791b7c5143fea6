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
    private static let answerBytesMax = 64 * 1024

    private let member: Member
    private let configuration: AlertConfiguration
    private let logWakes = Wakes()
    private let webhookWakes = Wakes()
    private let delivered = Counter(label: "alert_deliveries_total")
    private let failed = Counter(label: "alert_delivery_failures_total")
    private let givenUp = Counter(label: "alert_deliveries_given_up_total")
    private let open = Gauge(label: "alert_open")

    init(member: Member, configuration: AlertConfiguration) {
        self.member = member
        self.configuration = configuration
    }

    /// There may be something to tell.
    func wake() {
        logWakes.continuation.yield()
        webhookWakes.continuation.yield()
    }

    func run() async throws {
        var limits = HTTPClient.Configuration(redirectConfiguration: .disallow)
        limits.timeout.connect = Self.amount(configuration.webhookTimeout)
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

    /// Each sink has a loop of its own, so that one that hangs does not hold up the other.
    private func follow(_ client: HTTPClient) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try await tick()
                    wake()
                    try? await Task.sleep(for: Self.lookInterval)
                }
            }
            group.addTask {
                for await _ in logWakes.stream {
                    while try await logDue() {}
                    open.record(try await member.store.read { try AlertTable.openCount($0) })
                }
            }
            group.addTask {
                for await _ in webhookWakes.stream {
                    while try await postDue(client) {}
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
        let (rules, policy, sinks) = (configuration.rules, configuration.policy, configuration.sinks)
        try await member.store.write { try AlertHandlers.tick(rules, policy, sinks, $0) }
    }

    private func due(_ sink: AlertRule.Sink) async throws -> [DeliveryTable.Delivery] {
        let now = Member.clock()
        return try await member.store.read { try DeliveryTable.due(sink, at: now, limit: Self.batchMax, $0) }
    }

    /// Logs what is due; false when there was nothing.
    private func logDue() async throws -> Bool {
        let due = try await due(.log)
        guard !due.isEmpty else { return false }
        for delivery in due { log(delivery) }
        delivered.increment(by: due.count)
        try await member.store.write { transaction in
            for delivery in due { try DeliveryTable.remove(delivery.number, transaction.database) }
        }
        return true
    }

    /// Posts what is due; false when there was nothing.
    private func postDue(_ client: HTTPClient) async throws -> Bool {
        let due = try await due(.webhook)
        for delivery in due {
            try Task.checkCancellation()
            if let reason = await post(delivery, client) {
                try await retry(delivery, reason)
                continue
            }
            delivered.increment()
            try await member.store.write { try DeliveryTable.remove(delivery.number, $0.database) }
        }
        return !due.isEmpty
    }

    private func log(_ delivery: DeliveryTable.Delivery) {
        let notice: AlertNotice
        do { notice = try EventCoding.decode(AlertNotice.self, from: delivery.body) } catch {
            member.logger.error(
                "an alert's notice cannot be read",
                metadata: ["alert.delivery": "\(delivery.idempotencyKey)", "reason": "\(error.message)"]
            )
            return
        }
        let metadata: Logger.Metadata = [
            "alert.id": "\(notice.alert)", "alert.severity": "\(notice.severity)", "alert.title": "\(notice.title)",
            "alert.detail": "\(notice.detail)", "alert.state": "\(notice.state)",
            "alert.others": "\((notice.others ?? []).map(\.rule).joined(separator: ", "))",
        ]
        switch (notice.state, notice.severity) {
        case (.resolved, _):
            let repeats: Logger.Metadata = ["alert.repeats": "\(notice.repeats)"]
            member.logger.notice("alert resolved", metadata: metadata.merging(repeats) { first, _ in first })
        case (_, .info): member.logger.notice("alert raised", metadata: metadata)
        case (_, .warning): member.logger.warning("alert raised", metadata: metadata)
        case (_, .critical): member.logger.critical("alert raised", metadata: metadata)
        }
    }

    /// Posts a notice; returns why it did not arrive, nil when it did.
    private func post(_ delivery: DeliveryTable.Delivery, _ client: HTTPClient) async -> String? {
        guard let url = configuration.webhookURL else { return "webhook.url is empty" }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "user-agent", value: "hexloop-alert")
        request.headers.add(name: "idempotency-key", value: "\(member.store.producer)-\(delivery.idempotencyKey)")
        request.body = .bytes(delivery.body)
        do {
            let response = try await client.execute(request, timeout: Self.amount(configuration.webhookTimeout))
            guard (200..<300).contains(response.status.code) else { return "it answered \(response.status.code)" }
            // Read to the end so that the connection can be used again; what it says does not matter.
            _ = try? await response.body.collect(upTo: Self.answerBytesMax)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func retry(_ delivery: DeliveryTable.Delivery, _ reason: String) async throws {
        // A stop of the program is no failure of the receiver.
        try Task.checkCancellation()
        let attempts = delivery.attempts + 1
        let backoff = Backoff(attemptsMax: configuration.webhookAttempts).wait(after: attempts)
        failed.increment()
        let metadata: Logger.Metadata = [
            "alert.delivery": "\(delivery.idempotencyKey)", "attempts": "\(attempts)", "reason": "\(reason)",
        ]
        if backoff == nil {
            givenUp.increment()
            member.logger.error("gave up telling the webhook of an alert", metadata: metadata)
        } else {
            member.logger.warning("the webhook did not take an alert; will try again", metadata: metadata)
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
                    message: "the webhook did not take alert \(delivery.idempotencyKey) in \(attempts) attempts: "
                        + "\(reason.prefix(Occurrence.detailCharactersMax)); check webhook.url and its receiver"
                )
            )
        }
    }

    private static func amount(_ duration: Duration) -> TimeAmount { .milliseconds(Int64(duration / .milliseconds(1))) }
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
