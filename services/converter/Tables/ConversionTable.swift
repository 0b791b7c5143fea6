import Events
import FoundationEssentials
import GRDB
import KnownPipelines
import Membership
import Storage

/// Training runs and offers whose models wait for conversion.
enum ConversionTable {
    static let migrations = [
        PipelineTable.migration,
        Store.Migration(
            "converter-1",
            """
            CREATE TABLE conversion (
                position INTEGER PRIMARY KEY, runID TEXT NOT NULL UNIQUE, run BLOB NOT NULL,
                isDone INTEGER NOT NULL DEFAULT 0 CHECK (isDone IN (0, 1))) STRICT;
            """
        ),
        Store.Migration(
            "converter-2",
            """
            ALTER TABLE conversion ADD COLUMN kind TEXT NOT NULL DEFAULT 'run' CHECK (kind IN ('run', 'offer'));
            ALTER TABLE conversion ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;
            """
        ),
    ]

    struct Job: Sendable {
        enum Work: Sendable {
            case run(TrainingCompleted)
            case offer(ModelOffered)
        }

        let position: Int64
        let runID: String
        let work: Work
        /// Processes that began it.
        let starts: Int
    }

    static func handlers() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        handlers.on(TrainingCompleted.self) { event, context, transaction in
            try insert(event, kind: "run", context, transaction)
        }
        handlers.on(ModelOffered.self) { event, context, transaction in
            try insert(event, kind: "offer", context, transaction)
        }
        return handlers
    }

    private static func insert(
        _ event: some Event,
        kind: String,
        _ context: EventContext,
        _ transaction: Transaction
    ) throws {
        try transaction.database.execute(
            sql: "INSERT OR IGNORE INTO conversion (runID, kind, run) VALUES (?, ?, ?)",
            arguments: [context.runID ?? "run-\(context.sequence)", kind, Data(try EventCoding.encode(event))]
        )
    }

    /// The oldest run or offer that is not converted.
    static func next(_ db: Database) throws -> Job? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT position, runID, kind, run, starts FROM conversion WHERE isDone = 0 ORDER BY position LIMIT 1"
        )
        return try row.map { row in
            let (kind, run): (String, Data) = (row["kind"], row["run"])
            let bytes = Array(run)
            return Job(
                position: row["position"],
                runID: row["runID"],
                work: kind == "run"
                    ? .run(try EventCoding.decode(TrainingCompleted.self, from: bytes))
                    : .offer(try EventCoding.decode(ModelOffered.self, from: bytes)),
                starts: row["starts"]
            )
        }
    }

    /// A process begins the work.
    static func start(_ job: Job, _ db: Database) throws {
        try db.execute(sql: "UPDATE conversion SET starts = starts + 1 WHERE runID = ?", arguments: [job.runID])
    }

    /// The newest run of a pipeline that came before a job.
    static func run(of pipeline: String, before job: Job, _ db: Database) throws -> TrainingCompleted? {
        let run = try Data.fetchOne(
            db,
            sql: """
                SELECT run FROM conversion WHERE kind = 'run' AND position < ?
                    AND json_extract(CAST(run AS TEXT), '$.pipeline') = ? ORDER BY position DESC LIMIT 1
                """,
            arguments: [job.position, pipeline]
        )
        return try run.map { try EventCoding.decode(TrainingCompleted.self, from: Array($0)) }
    }

    static func finish(_ runID: String, _ db: Database) throws {
        try db.execute(sql: "UPDATE conversion SET isDone = 1 WHERE runID = ?", arguments: [runID])
    }
}
