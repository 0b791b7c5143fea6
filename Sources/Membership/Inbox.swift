import Bus
import CoreMetrics
import Events
import Logging
import ServiceLifecycle
import Storage

/// Applies the log to the store: each event once, in order, several in one transaction.
struct Inbox: Service {
    /// Records that may be under way, and that one transaction takes.
    private static let credit = 256
    private static let batchMax = 128

    let store: Store
    let bus: BusClient
    let relay: OutboxRelay
    let consumer: String
    let service: String
    let handlers: EventHandlers
    let logger: Logger
    let committed: @Sendable () -> Void
    private let handled = Counter(label: "events_handled_total")
    private let refused = Counter(label: "events_refused_total")

    init(
        store: Store,
        bus: BusClient,
        relay: OutboxRelay,
        consumer: String,
        service: String,
        handlers: EventHandlers,
        logger: Logger,
        committed: @escaping @Sendable () -> Void
    ) {
        self.store = store
        self.bus = bus
        self.relay = relay
        self.consumer = consumer
        self.service = service
        self.handlers = handlers
        self.logger = logger
        self.committed = committed
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let welcome = await relay.welcome() else { return }
            do {
                while try await read(welcome.epoch) == .narrowed {}
            } catch is CancellationError { return }
            guard !Task.isCancelled else { return }
            throw BusError(.fenced, "consumer '\(consumer)' is read elsewhere, or the bus refused it")
        }
    }

    private enum Ending {
        /// The bus gives no more.
        case over
        /// Other filters are to be read from here on.
        case narrowed
    }

    /// Reads from where the cursor stands.
    private func read(_ epoch: UInt64) async throws -> Ending {
        let filters = try await filters()
        let cursor = try await store.cursor(of: consumer, epoch: epoch) ?? 0
        let (id, records) = bus.subscribe(
            SubscribeRequest(consumer: consumer, filters: filters, start: .after(cursor), credit: Self.credit)
        )
        defer { bus.leave(id) }
        while true {
            let batch = await records.next(max: Self.batchMax)
            if batch.isEmpty { return .over }
            for part in parts(batch) {
                guard let last = part.last else { continue }
                try await apply(part)
                bus.acknowledge(id, upTo: last.sequence, credit: part.count)
                handled.increment(by: part.count)
                committed()
                if isBoundary(last), try await self.filters() != filters { return .narrowed }
            }
        }
    }

    private func filters() async throws -> [TopicFilter] {
        guard let scope = handlers.scope else { return handlers.filters }
        return try await scope.filters(store)
    }

    private func isBoundary(_ record: Record) -> Bool { handlers.scope?.boundary.matches(record.topic) ?? false }

    /// The batch, cut after each event that may change what is read.
    private func parts(_ batch: [Record]) -> [ArraySlice<Record>] {
        var parts: [ArraySlice<Record>] = []
        var start = batch.startIndex
        for end in batch.indices where isBoundary(batch[end]) {
            parts.append(batch[start...end])
            start = end + 1
        }
        return parts + [batch[start...]]
    }

    private func apply(_ batch: ArraySlice<Record>) async throws {
        let (handlers, consumer, service, logger, refused) = (handlers, consumer, service, logger, refused)
        try await store.write { transaction in
            for record in batch {
                do {
                    let event = try record.event()
                    guard let entry = handlers.entries[event.type] else { continue }
                    do {
                        transaction.runID = nil
                        try transaction.attempt { try entry.body(record, event, transaction) }
                    } catch let error as EventError {
                        refused.increment()
                        guard !entry.isQuiet else { continue }
                        logger.notice(
                            "refused an event",
                            metadata: ["event.type": "\(event.type)", "reason": "\(error.message)"]
                        )
                        transaction.runID = event.runID
                        try transaction.send(
                            EventRefused(
                                service: service,
                                sequence: record.sequence,
                                type: event.type,
                                source: event.source,
                                id: event.id,
                                code: error.code,
                                message: error.message
                            )
                        )
                    }
                } catch let error as EventError {
                    refused.increment()
                    logger.notice("an event cannot be read", metadata: ["reason": "\(error.message)"])
                }
            }
            transaction.runID = nil
            for ending in handlers.endings { try ending(transaction) }
            if let last = batch.last {
                try transaction.advance(consumer, epoch: last.epoch, to: last.sequence)
            }
        }
    }
}
