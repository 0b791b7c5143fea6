import CoreMetrics
import Events
import GRDB
import KnownPipelines
import Membership
import Pipelines
import Storage

/// What each event does to the watches.
struct MonitorHandlers: Sendable {
    private let joined = Counter(label: "predictions_joined_total")
    private let unmatched = Counter(label: "predictions_of_replaced_models_total")

    func make() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        handlers.on(RolloutStepped.self) { event, context, transaction in
            let db = transaction.database
            guard let known = try PipelineTable.fetch(event.pipeline, db) else {
                throw EventError(.unknownPipeline, "pipeline '\(event.pipeline)' is not registered")
            }
            let previous = try WatchTable.fetch(event.pipeline, db)
            guard previous?.digest != event.champion.digest else { return }
            do {
                let watch = try Watch(event, known.pipeline, runID: context.runID, previous: previous)
                try WatchTable.save(watch, pipeline: event.pipeline, db)
            } catch let error as DatabaseError { throw error } catch {
                throw EventError(.badPipeline, "the watch over '\(event.pipeline)' cannot begin: \(error)")
            }
            let patience = try PipelineTable.fetchAll(db).map(\.pipeline.monitor.labelTimeoutSeconds).max() ?? 0
            try JoinTable.prune(before: Timestamp(seconds: transaction.now.seconds - max(patience, 3600)), db)
        }
        // A bad observation is refused by the node; here it only has no range to be held against.
        handlers.on(ObservationRecorded.self, quietly: true) { event, context, transaction in
            try observe(event, context, transaction)
        }
        handlers.on(PredictionsMade.self) { event, context, transaction in
            let db = transaction.database
            guard let known = try PipelineTable.fetch(event.pipeline, db) else { return }
            for prediction in event.predictions {
                try JoinTable.insert(prediction, pipeline: event.pipeline, db)
                try join(known.pipeline, key: prediction.key, context, transaction)
            }
        }
        handlers.on(LabelRecorded.self, quietly: true) { event, context, transaction in
            let db = transaction.database
            guard event.value.isFinite else { throw EventError(.notFinite, "label '\(event.key)' is not a number") }
            try JoinTable.insert(label: event, at: transaction.now, db)
            for known in try PipelineTable.fetchAll(db) where known.pipeline.data.labels == event.stream {
                try join(known.pipeline, key: event.key, context, transaction)
            }
        }
        return handlers
    }

    private func observe(
        _ event: ObservationRecorded,
        _ context: EventContext,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        for known in try PipelineTable.fetchAll(db) where known.pipeline.data.observations == event.stream {
            let pipeline = known.pipeline
            guard var watch = try WatchTable.fetch(pipeline.name, db) else { continue }
            let row = try pipeline.row(from: event.values)
            let findings = watch.add(inputs: row, key: event.key, at: context.time)
            try WatchTable.save(watch, pipeline: pipeline.name, db)
            for finding in findings { try tell(finding, watch, pipeline.name, transaction) }
        }
    }

    private func join(
        _ pipeline: Pipeline,
        key: String,
        _ context: EventContext,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        guard let pair = try JoinTable.join(pipeline: pipeline.name, labels: pipeline.data.labels, key: key, db) else {
            return
        }
        joined.increment()
        guard var watch = try WatchTable.fetch(pipeline.name, db), watch.digest == pair.digest else {
            unmatched.increment()
            return
        }
        let finding = watch.add(
            error: Self.error(pair, pipeline),
            metric: pipeline.monitor.metric.rawValue,
            key: key,
            answeredAt: pair.answeredAt,
            nextRunID: "run-\(context.sequence)"
        )
        try WatchTable.save(watch, pipeline: pipeline.name, db)
        if let finding { try tell(finding, watch, pipeline.name, transaction) }
    }

    private static func error(_ pair: JoinTable.Pair, _ pipeline: Pipeline) -> Double {
        switch pipeline.monitor.metric {
        case .meanAbsoluteError: return abs(Double(pair.outputs.first ?? .nan) - pair.label)
        case .errorRate:
            let answer = pair.outputs.indices.max { pair.outputs[$0] < pair.outputs[$1] }
            return answer.map(Double.init) == pair.label ? 0 : 1
        }
    }

    private func tell(
        _ finding: Watch.Finding,
        _ watch: Watch,
        _ pipeline: String,
        _ transaction: Transaction
    ) throws {
        transaction.runID = nil
        switch finding {
        case .suspected(let figures):
            try transaction.send(DecaySuspected(pipeline: pipeline, digest: watch.digest, figures: figures))
        case .detected(let figures):
            try transaction.send(
                DecayDetected(pipeline: pipeline, digest: watch.digest, figures: figures),
                runID: watch.runID
            )
        case .cleared(let figures):
            try transaction.send(
                DecayCleared(pipeline: pipeline, digest: watch.digest, figures: figures),
                runID: watch.runID
            )
        }
    }
}
