import Events
import GRDB

/// Every alert that was raised; at most one of a rule and subject is open.
enum AlertTable {
    /// Resolved alerts that are kept for people to look at; older ones go.
    static let resolvedMax = 10_000

    /// The open alerts, about one subject or all.
    static func open(about: String? = nil, _ db: Database) throws -> [OpenAlert] {
        try Row.fetchAll(
            db,
            sql:
                "SELECT rule, about, repeats, lastAt FROM alert WHERE (?1 IS NULL OR about = ?1) AND resolvedAt IS NULL",
            arguments: [about]
        ).map { row in
            OpenAlert(
                key: .init(rule: row["rule"], about: row["about"]),
                repeats: row["repeats"],
                lastAt: Timestamp(microseconds: row["lastAt"])
            )
        }
    }

    /// Keeps a new alert and returns its number.
    @discardableResult
    static func insert(_ alert: AlertRaised, at time: Timestamp, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO alert (rule, about, severity, title, detail, eventID, eventType, raisedAt, lastAt)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8)
                """,
            arguments: [
                alert.rule, alert.about, alert.severity.rawValue, alert.title, alert.detail, alert.eventID,
                alert.eventType, time.microseconds,
            ]
        )
        return db.lastInsertedRowID
    }

    /// Notes that an open alert was repeated.
    static func count(_ key: OpenAlert.Key, repeats: Int, at time: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE alert SET repeats = ?, lastAt = ? WHERE rule = ? AND about = ? AND resolvedAt IS NULL
                """,
            arguments: [repeats, time.microseconds, key.rule, key.about]
        )
    }

    /// Ends an open alert and returns its number.
    static func resolve(
        _ key: OpenAlert.Key,
        by eventID: String,
        at time: Timestamp,
        _ db: Database
    ) throws -> Int64? {
        try Int64.fetchOne(
            db,
            sql: """
                UPDATE alert SET resolvedAt = ?, resolvedBy = ?
                WHERE rule = ? AND about = ? AND resolvedAt IS NULL RETURNING number
                """,
            arguments: [time.microseconds, eventID, key.rule, key.about]
        )
    }

    /// Forgets the oldest resolved alerts beyond ``resolvedMax``.
    static func prune(_ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM alert WHERE resolvedAt IS NOT NULL
                    AND number <= (SELECT max(number) FROM alert) - ?
                """,
            arguments: [resolvedMax]
        )
    }

    /// How many alerts are open.
    static func openCount(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM alert WHERE resolvedAt IS NULL") ?? 0
    }
}
