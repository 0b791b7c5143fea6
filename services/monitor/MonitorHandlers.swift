import Events
import GRDB
import KnownPipelines
import Membership
import Synchronization

/// What each event does to the watches.
final class MonitorHandlers: Sendable {
    private let book: Mutex<WatchBook>
    private let gauges = MonitorGauges()

    init(_ book: WatchBook) { self.book = Mutex(book) }

    func make() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers) { known, _ in self.book.withLock { $0.set(known) } }
        handlers.on(RolloutStepped.self) { event, context, transaction in
            try self.book.withLock { try $0.take(event, .init(context), transaction) }
        }
        // A bad observation is refused by the node; here it is one of bad quality.
        handlers.on(ObservationRecorded.self, quietly: true) { event, context, transaction in
            try self.book.withLock { try $0.take(event, .init(context), transaction) }
        }
        handlers.on(PredictionsMade.self) { event, context, transaction in
            try self.book.withLock { try $0.take(event, .init(context), transaction) }
        }
        handlers.on(LabelRecorded.self, quietly: true) { event, context, transaction in
            try self.book.withLock { try $0.take(event, .init(context), transaction) }
        }
        handlers.atEnd { transaction in try self.book.withLock { try $0.write(transaction) } }
        return handlers
    }

    /// How a pipeline stands, as JSON.
    /// - Throws: `EventError` `unknown-pipeline` or `no-model` when it is not watched.
    func answer(_ query: MonitorQuery, _ db: Database) throws -> [UInt8] {
        try EventCoding.encode(try book.withLock { try $0.overview(query.pipeline, db) })
    }

    /// Brings the metrics up to what was committed.
    func committed() {
        let (overviews, joined, unmatched) = book.withLock { $0.takeChanged() }
        gauges.set(overviews, joined: joined, unmatched: unmatched)
    }
}

extension WatchBook.Occasion {
    fileprivate init(_ context: EventContext) {
        self.init(sequence: context.sequence, time: context.time, runID: context.runID)
    }
}
