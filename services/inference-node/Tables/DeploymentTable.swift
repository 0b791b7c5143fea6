import Events
import FoundationEssentials
import GRDB
import KnownPipelines
import Membership
import Storage

/// What this node shall serve, per pipeline: the last rollout. It survives restarts, with or without the bus.
enum DeploymentTable {
    static let migrations = [
        PipelineTable.migration,
        Store.Migration(
            "node-1",
            """
            CREATE TABLE deployment (
                pipeline TEXT PRIMARY KEY, runID TEXT, rollout BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            """
        ),
    ]

    /// A rollout to serve.
    struct Deployment: Sendable {
        let runID: String?
        let rollout: RolloutStepped
        let known: KnownPipeline
        /// When this node heard of it.
        let heardAt: Timestamp
    }

    static func handlers() -> EventHandlers {
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        handlers.on(RolloutStepped.self) { event, context, transaction in
            try transaction.database.execute(
                sql: """
                    INSERT INTO deployment (pipeline, runID, rollout, at) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (pipeline) DO UPDATE SET runID = ?2, rollout = ?3, at = ?4
                    """,
                arguments: [
                    event.pipeline, context.runID, Data(try EventCoding.encode(event)), transaction.now.microseconds,
                ]
            )
        }
        return handlers
    }

    static func fetchAll(_ db: Database) throws -> [Deployment] {
        try Row.fetchAll(db, sql: "SELECT pipeline, runID, rollout, at FROM deployment ORDER BY pipeline").compactMap {
            row in
            guard let known = try PipelineTable.fetch(row["pipeline"], db) else { return nil }
            let (rollout, at): (Data, Int64) = (row["rollout"], row["at"])
            return Deployment(
                runID: row["runID"],
                rollout: try EventCoding.decode(RolloutStepped.self, from: Array(rollout)),
                known: known,
                heardAt: Timestamp(microseconds: at)
            )
        }
    }
}
