import Events
import FoundationEssentials
import GRDB

/// What people are still to be told, and what they could not be told.
///
/// A row goes when its sink has taken it. What was given up stays as long as its alert does.
enum DeliveryTable {
    struct Delivery: Sendable {
        let number: Int64
        let alert: Int64
        let state: String
        let body: [UInt8]
        let attempts: Int

        /// The same for every attempt, so that the receiver can drop repetitions.
        var idempotencyKey: String { "\(alert)-\(state)" }
    }

    static func insert(
        alert: Int64,
        sink: AlertRule.Sink,
        _ notice: AlertNotice,
        at time: Timestamp,
        _ db: Database
    ) throws {
        try db.execute(
            sql: "INSERT INTO delivery (alert, sink, state, body, dueAt) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                alert, sink.rawValue, notice.state.rawValue, Data(try EventCoding.encode(notice)), time.microseconds,
            ]
        )
    }

    /// What is due for a sink, oldest first; of one alert only the oldest, so that an end never comes before its begin.
    static func due(_ sink: AlertRule.Sink, at time: Timestamp, limit: Int, _ db: Database) throws -> [Delivery] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT number, alert, state, body, attempts FROM delivery AS one
                WHERE sink = ? AND givenUpAt IS NULL AND dueAt <= ? AND NOT EXISTS (
                    SELECT 1 FROM delivery WHERE alert = one.alert AND sink = one.sink AND givenUpAt IS NULL
                        AND number < one.number)
                ORDER BY number LIMIT ?
                """,
            arguments: [sink.rawValue, time.microseconds, limit]
        ).map { row in
            let body: Data = row["body"]
            return Delivery(
                number: row["number"],
                alert: row["alert"],
                state: row["state"],
                body: Array(body),
                attempts: row["attempts"]
            )
        }
    }

    static func remove(_ number: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM delivery WHERE number = ?", arguments: [number])
    }

    /// Notes a failed attempt; the next one is due at `dueAt`, or none when it is nil.
    static func fail(
        _ number: Int64,
        _ reason: String,
        attempts: Int,
        dueAt: Timestamp?,
        at time: Timestamp,
        _ db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE delivery SET attempts = ?1, failure = ?2, dueAt = ifnull(?3, dueAt),
                    givenUpAt = iif(?3 IS NULL, ?4, NULL)
                WHERE number = ?5
                """,
            arguments: [attempts, reason, dueAt?.microseconds, time.microseconds, number]
        )
    }
}
