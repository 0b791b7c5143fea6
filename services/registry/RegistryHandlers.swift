import Events
import GRDB
import KnownPipelines
import Logging
import Membership
import Pipelines
import Storage

/// What each event does to the registry's tables.
enum RegistryHandlers {
    static func make(logger: Logger) -> EventHandlers {
        var handlers = EventHandlers()
        handlers.on(PipelinePushed.self) { event, _, transaction in try push(event, logger, transaction) }
        handlers.on(TrainingRequested.self, quietly: true) { event, context, transaction in
            guard try PipelineTable.fetch(event.pipeline, transaction.database) != nil else { return }
            try LapTable.begin(
                runID(context),
                pipeline: event.pipeline,
                cause: "training.requested",
                firstDecayed: nil,
                detected: context.time,
                transaction.database
            )
        }
        handlers.on(ModelOffered.self, quietly: true) { event, context, transaction in
            let db = transaction.database
            guard try PipelineTable.fetch(event.pipeline, db) != nil else { return }
            try LapTable.begin(
                runID(context),
                pipeline: event.pipeline,
                cause: "model.offered",
                firstDecayed: nil,
                detected: context.time,
                db
            )
            try LapTable.setCandidates(runID(context), 1, db)
        }
        handlers.on(DecayDetected.self, quietly: true) { event, context, transaction in
            try LapTable.begin(
                runID(context),
                pipeline: event.pipeline,
                cause: "decay.detected",
                firstDecayed: event.figures.firstSuspectAt,
                detected: context.time,
                transaction.database
            )
        }
        handlers.on(DecayPersisted.self, quietly: true) { event, context, transaction in
            try LapTable.begin(
                runID(context),
                pipeline: event.pipeline,
                cause: "decay.detected",
                firstDecayed: event.figures.firstSuspectAt,
                detected: context.time,
                transaction.database
            )
        }
        handlers.on(TrainingStarted.self) { event, context, transaction in
            let db = transaction.database
            try LapTable.mark(runID(context), .trainingStarted, at: context.time, db)
            try LapTable.setCandidates(runID(context), event.candidates.count, db)
        }
        handlers.on(TrainingCompleted.self) { _, context, transaction in
            try LapTable.mark(runID(context), .trained, at: context.time, transaction.database)
        }
        handlers.on(TrainingFailed.self) { event, context, transaction in
            try LapTable.end(runID(context), outcome: "failed", message: event.message, transaction.database)
        }
        handlers.on(TrainingDeclined.self) { event, context, transaction in
            try LapTable.end(runID(context), outcome: "declined", message: event.message, transaction.database)
        }
        handlers.on(ConversionFailed.self) { event, context, transaction in
            try LapTable.end(
                runID(context),
                outcome: "failed",
                message: "\(event.candidate): \(event.message)",
                transaction.database
            )
        }
        handlers.on(ConversionCompleted.self) { event, context, transaction in
            let db = transaction.database
            try LapTable.mark(runID(context), .converted, at: context.time, db)
            try GateJobTable.queue(runID(context), event, db)
        }
        handlers.on(ModelLoaded.self) { event, _, transaction in
            try transaction.database.execute(
                sql: """
                    INSERT INTO nodeModel (pipeline, node, role, digest, at) VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (pipeline, node, role) DO UPDATE SET digest = ?4, at = ?5
                    """,
                arguments: [event.pipeline, event.node, event.role, event.digest, event.at.microseconds]
            )
        }
        handlers.on(DecayCleared.self) { event, context, transaction in
            try LapTable.clear(runID(context), digest: event.digest, at: context.time, transaction.database)
        }
        return handlers
    }

    /// The lap an event belongs to; a request without one names it after its place in the log, as the trainer does.
    private static func runID(_ context: EventContext) -> String { context.runID ?? "run-\(context.sequence)" }

    /// Says which parts of a pipeline this version reads and does not carry out.
    private static func report(_ pipeline: Pipeline, _ logger: Logger) {
        var ignored: [String] = []
        if pipeline.rollout.waves.count > 1 { ignored.append("rollout.waves (all nodes at once)") }
        if !pipeline.gates.slices.isEmpty { ignored.append("gates.slices") }
        guard !ignored.isEmpty else { return }
        logger.notice(
            "parts of the pipeline are not carried out by this version",
            metadata: ["pipeline": "\(pipeline.name)", "pipeline.ignored": "\(ignored.joined(separator: ", "))"]
        )
    }

    private static func push(_ event: PipelinePushed, _ logger: Logger, _ transaction: Transaction) throws {
        func reject(_ message: String) throws {
            try transaction.send(
                PipelineRejected(pipeline: event.pipeline, code: .badPipeline, message: message)
            )
        }
        do {
            let pipeline = try Pipeline(yaml: event.file)
            guard pipeline.name == event.pipeline else {
                try reject("the file's pipeline is '\(pipeline.name)', the event's '\(event.pipeline)'")
                return
            }
            report(pipeline, logger)
            let definition = pipeline.canonicalJSON()
            let version = BlobStore.digest(of: Array(definition.utf8))
            try transaction.database.execute(
                sql: """
                    INSERT INTO pipeline (name, version, definition) VALUES (?1, ?2, ?3)
                    ON CONFLICT (name) DO UPDATE SET version = ?2, definition = ?3
                    """,
                arguments: [pipeline.name, version, definition]
            )
            try transaction.send(
                PipelineRegistered(pipeline: pipeline.name, version: version, definition: definition)
            )
        } catch let error as PipelineError {
            try reject(error.description)
        }
    }
}
