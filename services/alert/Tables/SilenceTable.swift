import Events
import FoundationEssentials
import GRDB

/// Silences that people asked for with `alert.silenced`; those of the rules file are not among them.
enum SilenceTable {
    /// Silences that are not over; more are refused.
    static let silencesMax = 1_000

    /// Keeps a silence, or lifts one that is over.
    /// - Throws: `EventError` `tooMany` over ``silencesMax``.
    static func set(_ silence: AlertSilenced, at now: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM silence WHERE name = ? OR until <= ?",
            arguments: [silence.silence, now.microseconds]
        )
        guard silence.until > now else { return }
        guard try Int.fetchOne(db, sql: "SELECT count(*) FROM silence") ?? 0 < silencesMax else {
            throw EventError(.tooMany, "there are \(silencesMax) silences; lift one that is not needed any more")
        }
        try db.execute(
            sql: "INSERT INTO silence (name, until, silence) VALUES (?, ?, ?)",
            arguments: [silence.silence, silence.until.microseconds, Data(try EventCoding.encode(silence))]
        )
    }

    /// Those that are not over, by their ends.
    static func all(at now: Timestamp, _ db: Database) throws -> [AlertSilenced] {
        try Data.fetchAll(
            db,
            sql: "SELECT silence FROM silence WHERE until > ? ORDER BY until, name",
            arguments: [now.microseconds]
        ).map { try EventCoding.decode(AlertSilenced.self, from: Array($0)) }
    }
}
