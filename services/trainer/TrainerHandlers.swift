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
            guard let known = try PipelineTable.fetch(event.pipeline, transaction.database) else {
                throw unknown(event.pipeline, transaction)
            }
            let pipeline = known.pipeline
            let runID = context.runID ?? TrainerHandlers.runID(of: context)
            var objection: (ErrorCode, String)?
            if pipeline.automation != .automatic {
                objection = (
                    .manual, "automation is '\(pipeline.automation.rawValue)': ask for it with training.requested"
                )
            } else {
                objection = try RunTable.objection(
                    pipeline: pipeline.name,
                    cooldownSeconds: pipeline.policy.cooldownSeconds,
                    runsPerDay: pipeline.policy.runsPerDay,
                    at: transaction.now,
                    transaction.database
                )
            }
            if let (code, message) = objection {
                try transaction.send(
                    TrainingDeclined(pipeline: pipeline.name, code: code, message: message),
                    runID: runID
                )
                return
            }
            try RunTable.queue(
                runID,
                pipeline: pipeline.name,
                cause: "decay.detected",
                untilKey: nil,
                at: transaction.now,
                transaction.database
            )
        }
        return handlers
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
