import Events
import GRDB

/// Laps and the times of their arcs.
enum LapTable {
    /// Laps in one answer, the newest; more would not fit into one message.
    static let lapsMax = 500

    /// The columns that hold times.
    enum Arc: String {
        case trainingStarted, trained, converted, gatesPassed, lastNode
    }

    /// A lap begins, unless it has already.
    static func begin(
        _ runID: String,
        pipeline: String,
        cause: String,
        firstDecayed: Timestamp?,
        detected: Timestamp,
        _ db: Database
    ) throws {
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO lap (runID, pipeline, number, cause, outcome, firstDecayed, detected)
                VALUES (?1, ?2, 1 + (SELECT ifnull(max(number), 0) FROM lap WHERE pipeline = ?2), ?3, 'running', ?4, ?5)
                """,
            arguments: [runID, pipeline, cause, firstDecayed?.microseconds, detected.microseconds]
        )
    }

    /// An arc ended; the first time counts.
    static func mark(_ runID: String, _ arc: Arc, at time: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE lap SET \(arc.rawValue) = ifnull(\(arc.rawValue), ?) WHERE runID = ?",
            arguments: [time.microseconds, runID]
        )
    }

    /// A node serves the lap's model since then; nodes may report in another order than they loaded.
    static func markNode(_ runID: String, at time: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE lap SET firstNode = min(ifnull(firstNode, ?1), ?1) WHERE runID = ?2",
            arguments: [time.microseconds, runID]
        )
    }

    /// The error is back under the near level, for the model of that digest. It closes the lap when that is the lap's own
    /// model. The champion that decayed may also have recovered by itself while the lap was under way; that time stands
    /// only until the lap's own model has one.
    static func clear(_ runID: String, digest: String, at time: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE lap SET
                    cleared = iif(outcome = 'promoted' AND digest = ?2, ?1, ifnull(cleared, ?1)),
                    outcome = iif(outcome = 'promoted' AND digest = ?2, 'closed', outcome)
                WHERE runID = ?3
                """,
            arguments: [time.microseconds, digest, runID]
        )
    }

    static func end(_ runID: String, outcome: String, message: String?, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE lap SET outcome = ?, message = ifnull(?, message) WHERE runID = ?",
            arguments: [outcome, message, runID]
        )
    }

    static func setCandidates(_ runID: String, _ count: Int, _ db: Database) throws {
        try db.execute(sql: "UPDATE lap SET candidates = ? WHERE runID = ?", arguments: [count, runID])
    }

    static func promote(_ runID: String, version: Int, digest: String, winner: String, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE lap SET outcome = 'promoted', version = ?, digest = ?, winner = ? WHERE runID = ?",
            arguments: [version, digest, winner, runID]
        )
    }

    /// Promoted laps whose model does not yet serve on all nodes, newest first.
    static func rollingOut(_ db: Database) throws -> [(runID: String, pipeline: String, digest: String)] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT runID, pipeline, digest FROM lap
                WHERE digest IS NOT NULL AND lastNode IS NULL AND outcome IN ('promoted', 'closed')
                ORDER BY number DESC
                """
        ).map { ($0["runID"], $0["pipeline"], $0["digest"]) }
    }

    /// How many laps a pipeline has had, and how many of them put a new champion in place.
    static func counts(pipeline: String, _ db: Database) throws -> (all: Int, promoted: Int) {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT count(*) AS laps, count(version) AS promoted FROM lap WHERE pipeline = ?",
            arguments: [pipeline]
        )
        return (row?["laps"] ?? 0, row?["promoted"] ?? 0)
    }

    static func fetch(pipeline: String?, _ db: Database) throws -> [Lap] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT lap.*, (SELECT count(*) FROM nodeModel n WHERE n.pipeline = lap.pipeline
                               AND n.digest = lap.digest AND n.role = 'champion') AS nodes
                FROM lap WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY detected DESC LIMIT ?2
                """,
            arguments: [pipeline, lapsMax]
        ).reversed().map { row in
            func time(_ column: String) -> Timestamp? {
                (row[column] as Int64?).map { Timestamp(microseconds: $0) }
            }
            var lap = Lap(
                number: row["number"],
                runID: row["runID"],
                pipeline: row["pipeline"],
                cause: row["cause"],
                outcome: row["outcome"]
            )
            lap.message = row["message"]
            lap.firstDecayed = time("firstDecayed")
            lap.detected = time("detected")
            lap.trainingStarted = time("trainingStarted")
            lap.trained = time("trained")
            lap.converted = time("converted")
            lap.gatesPassed = time("gatesPassed")
            lap.firstNode = time("firstNode")
            lap.lastNode = time("lastNode")
            lap.cleared = time("cleared")
            lap.candidates = row["candidates"]
            lap.version = row["version"]
            lap.digest = row["digest"]
            lap.winner = row["winner"]
            lap.nodes = row["nodes"]
            return lap
        }
    }
}
