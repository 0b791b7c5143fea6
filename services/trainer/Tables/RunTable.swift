import Events
import GRDB

/// Training runs: what was asked for, and how far each is.
enum RunTable {
    struct Run: Sendable {
        let runID: String
        let pipeline: String
        let cause: String
        let untilKey: String?
        /// The trainer died in the middle of it before; it was announced already.
        let wasStarted: Bool
    }

    static func queue(
        _ runID: String,
        pipeline: String,
        cause: String,
        untilKey: String?,
        at now: Timestamp,
        _ db: Database
    ) throws {
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO run (runID, pipeline, cause, untilKey, state, queuedAt)
                VALUES (?, ?, ?, ?, 'queued', ?)
                """,
            arguments: [runID, pipeline, cause, untilKey, now.microseconds]
        )
    }

    /// The oldest run that is not over.
    static func next(_ db: Database) throws -> Run? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT runID, pipeline, cause, untilKey, state FROM run WHERE state IN ('queued', 'started')
                ORDER BY queuedAt, runID LIMIT 1
                """
        )
        return row.map { row in
            Run(
                runID: row["runID"],
                pipeline: row["pipeline"],
                cause: row["cause"],
                untilKey: row["untilKey"],
                wasStarted: row["state"] == "started"
            )
        }
    }

    static func set(_ runID: String, state: String, at now: Timestamp, _ db: Database) throws {
        let isOver = state == "completed" || state == "failed"
        try db.execute(
            sql: "UPDATE run SET state = ?, endedAt = ? WHERE runID = ?",
            arguments: [state, isOver ? now.microseconds : nil, runID]
        )
    }

    /// What a decay's answer depends on.
    static func history(
        pipeline: String,
        stormSeconds: Double,
        at now: Timestamp,
        _ db: Database
    ) throws -> TrainingPolicy.History {
        let open = try String.fetchOne(
            db,
            sql: "SELECT runID FROM run WHERE pipeline = ? AND state IN ('queued', 'started')",
            arguments: [pipeline]
        )
        let today = try Int.fetchOne(
            db,
            sql: "SELECT count(*) FROM run WHERE pipeline = ? AND queuedAt > ?",
            arguments: [pipeline, now.microseconds - 86_400_000_000]
        )
        let ended = try Int64.fetchOne(
            db,
            sql: "SELECT max(endedAt) FROM run WHERE pipeline = ?",
            arguments: [pipeline]
        )
        let others = try String.fetchAll(
            db,
            sql: "SELECT pipeline FROM decay WHERE pipeline <> ? AND at > ? ORDER BY pipeline",
            arguments: [pipeline, Timestamp(seconds: now.seconds - stormSeconds).microseconds]
        )
        return TrainingPolicy.History(
            openRun: open,
            runsToday: today ?? 0,
            lastEnded: ended.map { Timestamp(microseconds: $0) },
            othersDecayed: others
        )
    }

    /// Remembers when a pipeline decayed last.
    static func note(decayOf pipeline: String, at now: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO decay (pipeline, at) VALUES (?1, ?2) ON CONFLICT (pipeline) DO UPDATE SET at = ?2",
            arguments: [pipeline, now.microseconds]
        )
    }
}
