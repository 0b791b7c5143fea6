import Bus
import Events
import GRDB
import KnownPipelines
import Logging
import Membership
import Pipelines
import Storage
import Synchronization

/// What each event does to the watch over one pipeline.
final class MonitorHandlers: Sendable {
    private let pipeline: String
    private let book: Mutex<WatchBook>
    private let gauges: MonitorGauges

    init(pipeline: String, gauges: MonitorGauges, logger: Logger) {
        self.pipeline = pipeline
        self.gauges = gauges
        book = Mutex(WatchBook(pipeline: pipeline, logger: logger))
    }

    func make() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers) { known, _ in self.book.withLock { $0.set(known.pipeline) } }
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
        handlers.narrow(again: PipelineRegistered.self) { [pipeline] store in
            try Self.filters(of: try await store.read { try PipelineTable.fetch(pipeline, $0) }, named: pipeline)
        }
        return handlers
    }

    /// The pipeline's events, and those of its streams once it says which they are.
    private static func filters(of known: KnownPipeline?, named name: String) throws -> [TopicFilter] {
        var filters = [
            try PipelineRegistered.kind.filter(about: name), try RolloutStepped.kind.filter(about: name),
            try PredictionsMade.kind.filter(about: name),
        ]
        if let data = known?.pipeline.data {
            filters.append(try ObservationRecorded.kind.filter(about: data.observations))
            filters.append(try LabelRecorded.kind.filter(about: data.labels))
        }
        return filters
    }

    /// Brings the metrics up to what was committed.
    func committed() {
        let (overview, joined, unmatched) = book.withLock { $0.takeChanged() }
        gauges.set(overview, joined: joined, unmatched: unmatched)
    }
}

extension WatchBook.Occasion {
    fileprivate init(_ context: EventContext) {
        self.init(sequence: context.sequence, time: context.time, runID: context.runID)
    }
}
