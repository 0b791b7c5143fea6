import Events
import FoundationEssentials
import GRDB

/// The detectors of each pipeline's champion, with their memory.
enum WatchTable {
    static func fetch(_ pipeline: String, _ db: Database) throws -> Watch? {
        let data = try Data.fetchOne(
            db.cachedStatement(sql: "SELECT state FROM watch WHERE pipeline = ?"),
            arguments: [pipeline]
        )
        return try data.map { try EventCoding.decode(Watch.self, from: Array($0)) }
    }

    static func save(_ watch: Watch, pipeline: String, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO watch (pipeline, digest, runID, state) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (pipeline) DO UPDATE SET digest = ?2, runID = ?3, state = ?4
                """
        ).execute(arguments: [pipeline, watch.digest, watch.runID, Data(try EventCoding.encode(watch))])
    }
}
