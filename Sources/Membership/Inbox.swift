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
            let cursor = try await store.cursor(of: consumer, epoch: welcome.epoch) ?? 0
            let (id, records) = bus.subscribe(
                SubscribeRequest(
                    consumer: consumer,
                    filters: handlers.filters,
                    start: .after(cursor),
                    credit: Self.credit
                )
            )
            defer { bus.leave(id) }
            while true {
                let batch = await records.next(max: Self.batchMax)
                guard let last = batch.last else { break }
                do { try await apply(batch) } catch is CancellationError { return }
                bus.acknowledge(id, upTo: last.sequence, credit: batch.count)
                handled.increment(by: batch.count)
                committed()
            }
            guard !Task.isCancelled else { return }
            throw BusError(.fenced, "consumer '\(consumer)' is read elsewhere, or the bus refused it")
        }
    }

    private func apply(_ batch: [Record]) async throws {
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
