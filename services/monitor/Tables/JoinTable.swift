import Events
import FoundationEssentials
import GRDB

/// Predictions and labels that wait for each other. They may come in either order and more than once; each pair is
/// joined once.
enum JoinTable {
    /// A prediction with its label.
    struct Pair: Sendable {
        let key: String
        let digest: String
        let outputs: [Float]
        let answeredAt: Timestamp
        let label: Double
    }

    static func insert(_ prediction: PredictionsMade.Prediction, pipeline: String, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO prediction (pipeline, key, digest, outputs, at) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [
            pipeline, prediction.key, prediction.digest, Data(try EventCoding.encode(prediction.outputs)),
            prediction.at.microseconds,
        ])
    }

    static func insert(label: LabelRecorded, at now: Timestamp, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO label (stream, key, value, at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (stream, key) DO UPDATE SET value = ?3
                """
        ).execute(arguments: [label.stream, label.key, label.value, now.microseconds])
    }

    /// The pair of a key when both halves are there and it was not joined before; it counts as joined from now on.
    static func join(pipeline: String, labels: String, key: String, _ db: Database) throws -> Pair? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT p.digest, p.outputs, p.at, l.value FROM prediction p
                    JOIN label l ON l.stream = ? AND l.key = p.key
                    WHERE p.pipeline = ? AND p.key = ? AND NOT p.isJoined
                    """
            ),
            arguments: [labels, pipeline, key]
        )
        guard let row else { return nil }
        try db.cachedStatement(sql: "UPDATE prediction SET isJoined = 1 WHERE pipeline = ? AND key = ?")
            .execute(arguments: [pipeline, key])
        let (outputs, at): (Data, Int64) = (row["outputs"], row["at"])
        return Pair(
            key: key,
            digest: row["digest"],
            outputs: try EventCoding.decode([Float].self, from: Array(outputs)),
            answeredAt: Timestamp(microseconds: at),
            label: row["value"]
        )
    }

    /// Forgets what waited longer than any pipeline wants.
    static func prune(before time: Timestamp, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM prediction WHERE at < ?", arguments: [time.microseconds])
        try db.execute(sql: "DELETE FROM label WHERE at < ?", arguments: [time.microseconds])
    }
}
