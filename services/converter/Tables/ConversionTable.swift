import Events
import FoundationEssentials
import GRDB
import KnownPipelines
import Membership
import Storage

/// Training runs whose models wait for conversion.
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
    ]

    struct Job: Sendable {
        let runID: String
        let run: TrainingCompleted
    }

    static func handlers() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        handlers.on(TrainingCompleted.self) { event, context, transaction in
            try transaction.database.execute(
                sql: "INSERT OR IGNORE INTO conversion (runID, run) VALUES (?, ?)",
                arguments: [context.runID ?? "run-\(context.sequence)", Data(try EventCoding.encode(event))]
            )
        }
        return handlers
    }

    /// The oldest run that is not converted.
    static func next(_ db: Database) throws -> Job? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT runID, run FROM conversion WHERE isDone = 0 ORDER BY position LIMIT 1"
        )
        return try row.map { row in
            let run: Data = row["run"]
            return Job(runID: row["runID"], run: try EventCoding.decode(TrainingCompleted.self, from: Array(run)))
        }
    }

    static func finish(_ runID: String, _ db: Database) throws {
        try db.execute(sql: "UPDATE conversion SET isDone = 1 WHERE runID = ?", arguments: [runID])
    }
}
