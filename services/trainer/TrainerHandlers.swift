import Events
import KnownPipelines
import Membership
import Pipelines
import Storage

/// What each event does to the trainer's tables.
enum TrainerHandlers {
    static func make() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        // What cannot be used is refused by the node, which every observation passes; rows are checked again when used.
        handlers.on(ObservationRecorded.self, quietly: true) { event, _, transaction in
            try ExampleTable.insert(
                stream: event.stream,
                key: event.key,
                inputs: event.values,
                value: nil,
                transaction.database
            )
        }
        handlers.on(LabelRecorded.self) { event, _, transaction in
            guard event.value.isFinite else { throw EventError(.notFinite, "label '\(event.key)' is not a number") }
            try ExampleTable.insertLabel(
                stream: event.stream,
                key: event.key,
                value: event.value,
                transaction.database
            )
        }
        handlers.on(ExampleRecorded.self) { event, _, transaction in
            for known in try PipelineTable.fetchAll(transaction.database)
            where known.pipeline.data.observations == event.stream {
                _ = try known.pipeline.row(from: event.values)
            }
            try ExampleTable.insert(
                stream: event.stream,
                key: event.key,
                inputs: event.values,
                value: event.value,
                transaction.database
            )
        }
        handlers.on(TrainingRequested.self) { event, context, transaction in
            let known = try PipelineTable.fetch(event.pipeline, transaction.database)
            guard let known else { throw unknown(event.pipeline, transaction) }
            try RunTable.queue(
                context.runID ?? TrainerHandlers.runID(of: context),
                pipeline: known.pipeline.name,
                cause: "training.requested",
                untilKey: event.untilKey,
                at: transaction.now,
                transaction.database
            )
        }
        handlers.on(DecayDetected.self) { event, context, transaction in
            try answer(event.pipeline, event.figures, context, transaction)
        }
        handlers.on(DecayPersisted.self) { event, context, transaction in
            try answer(event.pipeline, event.figures, context, transaction)
        }
        return handlers
    }

    /// Begins a run because of a decay, or says why not.
    private static func answer(
        _ name: String,
        _ figures: DecayFigures,
        _ context: EventContext,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        guard let known = try PipelineTable.fetch(name, db) else { throw unknown(name, transaction) }
        let pipeline = known.pipeline
        let runID = context.runID ?? TrainerHandlers.runID(of: context)
        let history = try RunTable.history(
            pipeline: name,
            stormSeconds: pipeline.policy.stormSeconds,
            at: transaction.now,
            db
        )
        try RunTable.note(decayOf: name, at: transaction.now, db)
        let policy = TrainingPolicy(pipeline: pipeline)
        if let objection = policy.objection(to: figures, history, at: transaction.now) {
            try transaction.send(
                TrainingDeclined(pipeline: name, code: objection.code, message: objection.message),
                runID: runID
            )
            return
        }
        try RunTable.queue(
            runID,
            pipeline: name,
            cause: "decay.detected",
            untilKey: nil,
            at: transaction.now,
            db
        )
    }

    /// The run of a request that names none.
    private static func runID(of context: EventContext) -> String { "run-\(context.sequence)" }

    private static func unknown(_ name: String, _ transaction: Transaction) -> EventError {
        let known = ((try? PipelineTable.fetchAll(transaction.database)) ?? []).map(\.pipeline.name)
        return EventError(
            .unknownPipeline,
            "pipeline '\(name)' is not registered; known: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
        )
    }
}
