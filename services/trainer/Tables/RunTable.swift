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

    /// Why the policy does not let another run begin; nil when it does.
    static func objection(
        pipeline: String,
        cooldownSeconds: Double,
        runsPerDay: Int,
        at now: Timestamp,
        _ db: Database
    ) throws -> (ErrorCode, String)? {
        let open = try String.fetchOne(
            db,
            sql: "SELECT runID FROM run WHERE pipeline = ? AND state IN ('queued', 'started')",
            arguments: [pipeline]
        )
        if let open { return (.cooldown, "run \(open) is still under way") }
        let day = now.microseconds - 86_400_000_000
        let today =
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM run WHERE pipeline = ? AND queuedAt > ?",
                arguments: [pipeline, day]
            ) ?? 0
        if today >= runsPerDay {
            return (.runLimit, "\(today) runs in the last 24 hours; policy.runs-per-day is \(runsPerDay)")
        }
        let ended = try Int64.fetchOne(
            db,
            sql: "SELECT max(endedAt) FROM run WHERE pipeline = ?",
            arguments: [pipeline]
        )
        if let ended {
            let since = Double(now.microseconds - ended) / 1e6
            if since < cooldownSeconds {
                return (
                    .cooldown, "the last run ended \(Int(since)) s ago; policy.cooldown is \(Int(cooldownSeconds)) s"
                )
            }
        }
        return nil
    }
}
