import Events
import FoundationEssentials
import GRDB

/// Converted runs whose models wait for the gates.
enum GateJobTable {
    struct Job: Sendable {
        let runID: String
        let run: ConversionCompleted
    }

    static func queue(_ runID: String, _ run: ConversionCompleted, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO gateJob (runID, run) VALUES (?, ?)",
            arguments: [runID, Data(try EventCoding.encode(run))]
        )
    }

    static func next(_ db: Database) throws -> Job? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT runID, run FROM gateJob WHERE isDone = 0 ORDER BY position LIMIT 1"
        )
        return try row.map { row in
            let run: Data = row["run"]
            return Job(runID: row["runID"], run: try EventCoding.decode(ConversionCompleted.self, from: Array(run)))
        }
    }

    static func finish(_ runID: String, _ db: Database) throws {
        try db.execute(sql: "UPDATE gateJob SET isDone = 1 WHERE runID = ?", arguments: [runID])
    }
}
