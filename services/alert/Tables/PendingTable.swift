import Events
import FoundationEssentials
import GRDB

/// What rules with an age saw, and is not old enough to be an alert.
enum PendingTable {
    /// What waits, about one subject or all.
    static func all(about: String? = nil, _ db: Database) throws -> [PendingAlert] {
        try Row.fetchAll(
            db,
            sql: "SELECT about, rule, since, runID, occurrence FROM pending WHERE ?1 IS NULL OR about = ?1",
            arguments: [about]
        ).map { row in
            let occurrence: Data = row["occurrence"]
            return PendingAlert(
                key: .init(rule: row["rule"], about: row["about"]),
                since: Timestamp(microseconds: row["since"]),
                occurrence: try EventCoding.decode(Occurrence.self, from: Array(occurrence)),
                runID: row["runID"]
            )
        }
    }

    static func insert(_ waiting: PendingAlert, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO pending (about, rule, since, runID, occurrence) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                waiting.key.about, waiting.key.rule, waiting.since.microseconds, waiting.runID,
                Data(try EventCoding.encode(waiting.occurrence)),
            ]
        )
    }

    static func remove(_ key: OpenAlert.Key, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM pending WHERE about = ? AND rule = ?",
            arguments: [key.about, key.rule]
        )
    }
}
