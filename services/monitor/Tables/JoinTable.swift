import Events
import FoundationEssentials
import GRDB
import Monitoring

/// Predictions and labels that wait for each other. They may come in either order and more than once; each pair is
/// joined once, and again when a newer label replaces the one it was joined with.
enum JoinTable {
    /// A prediction with its label.
    struct Pair: Sendable {
        let digest: String
        let answer: PipelineWatch.Answer
        let label: Double
        /// The label that it was joined with before, when there is another now.
        let replaced: Double?
    }

    /// Keeps what was seen of an observation until its prediction comes.
    static func insert(
        _ sighting: PipelineWatch.Sighting,
        key: String,
        at time: Timestamp,
        _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO sighting (key, at, sighting) VALUES (?, ?, ?)"
        ).execute(arguments: [key, time.microseconds, Data(try EventCoding.encode(sighting))])
    }

    /// Takes what was seen of the observation of a prediction.
    static func takeSighting(_ key: String, _ db: Database) throws -> PipelineWatch.Sighting? {
        let data = try Data.fetchOne(
            db.cachedStatement(sql: "DELETE FROM sighting WHERE key = ? RETURNING sighting"),
            arguments: [key]
        )
        return try data.map { try EventCoding.decode(PipelineWatch.Sighting.self, from: Array($0)) }
    }

    /// Whether a prediction of that key is there; the first counts.
    static func holds(_ key: String, _ db: Database) throws -> Bool {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM prediction WHERE key = ?"),
            arguments: [key]
        ) != nil
    }

    static func insert(
        _ answer: PipelineWatch.Answer,
        digest: String,
        at now: Timestamp,
        _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO prediction (key, digest, outputs, at, sighting, expected, arrivedAt)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            answer.key, digest, Data(try EventCoding.encode(answer.outputs)), answer.at.microseconds,
            Data(try EventCoding.encode(answer.sighting)), answer.expected, now.microseconds,
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

    /// The pair of a key when both halves are there and it was not joined with that label before; it counts as joined
    /// with it from now on.
    static func join(labels: String, key: String, _ db: Database) throws -> Pair? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT p.digest, p.outputs, p.at, p.sighting, p.expected, p.label, l.value
                    FROM prediction p JOIN label l ON l.stream = ? AND l.key = p.key
                    WHERE p.key = ?
                    """
            ),
            arguments: [labels, key]
        )
        guard let row else { return nil }
        let (before, value): (Double?, Double) = (row["label"], row["value"])
        guard before != value else { return nil }
        try db.cachedStatement(sql: "UPDATE prediction SET label = ? WHERE key = ?").execute(arguments: [value, key])
        let (outputs, at, sighting): (Data, Int64, Data) = (row["outputs"], row["at"], row["sighting"])
        return Pair(
            digest: row["digest"],
            answer: PipelineWatch.Answer(
                key: key,
                at: Timestamp(microseconds: at),
                outputs: try EventCoding.decode([Float].self, from: Array(outputs)),
                sighting: try EventCoding.decode(PipelineWatch.Sighting.self, from: Array(sighting)),
                expected: row["expected"]
            ),
            label: value,
            replaced: before
        )
    }

    /// Forgets what came before `time`. When it came counts, not when it happened: a replay of last year's observations
    /// waits for its labels as long as today's.
    static func prune(before time: Timestamp, _ db: Database) throws {
        for (table, column) in [("prediction", "arrivedAt"), ("label", "at"), ("sighting", "at")] {
            try db.execute(sql: "DELETE FROM \(table) WHERE \(column) < ?", arguments: [time.microseconds])
        }
    }
}
