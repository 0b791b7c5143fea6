import Events
import FoundationEssentials
import GRDB
import Pipelines

/// Observations and labels as they came, and the labelled rows that they make for a pipeline.
enum ExampleTable {
    static func insert(
        stream: String,
        key: String,
        inputs: [String: [Double]],
        value: Double?,
        _ db: Database
    ) throws {
        let bytes = try EventCoding.encode(inputs.mapValues(FeatureValue.init))
        try db.cachedStatement(
            sql: """
                INSERT INTO observation (stream, key, inputs, value) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (stream, key) DO UPDATE SET inputs = ?3, value = ifnull(?4, value)
                """
        ).execute(arguments: [stream, key, Data(bytes), value])
    }

    static func insertLabel(stream: String, key: String, value: Double, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO label (stream, key, value) VALUES (?1, ?2, ?3)
                ON CONFLICT (stream, key) DO UPDATE SET value = ?3
                """
        ).execute(arguments: [stream, key, value])
    }

    /// The labelled rows that fit the pipeline's schema, oldest first; rows that do not fit are left out and counted.
    static func rows(
        for pipeline: Pipeline,
        until key: String?,
        _ db: Database
    ) throws -> (rows: [LabelledRow], refused: Int) {
        var end = Int64.max
        if let key {
            end =
                try Int64.fetchOne(
                    db,
                    sql: "SELECT position FROM observation WHERE stream = ? AND key = ?",
                    arguments: [pipeline.data.observations, key]
                ) ?? 0
        }
        var rows: [LabelledRow] = []
        var refused = 0
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT o.key, o.inputs, ifnull(l.value, o.value) AS value FROM observation o
                LEFT JOIN label l ON l.stream = ?1 AND l.key = o.key
                WHERE o.stream = ?2 AND o.position <= ?3 AND ifnull(l.value, o.value) IS NOT NULL
                ORDER BY o.position
                """,
            arguments: [pipeline.data.labels, pipeline.data.observations, end]
        )
        while let row = try cursor.next() {
            let (key, inputs, value): (String, Data, Double) = (row[0], row[1], row[2])
            guard value.isFinite,
                let values = try? EventCoding.decode([String: FeatureValue].self, from: Array(inputs)),
                let features = try? pipeline.features(from: values.mapValues(\.elements))
            else {
                refused += 1
                continue
            }
            rows.append(LabelledRow(key: key, features: features, target: Float(value)))
        }
        return (rows, refused)
    }

    /// The keys of the pipeline's frozen test set; empty before its first run.
    static func frozenKeys(of pipeline: String, _ db: Database) throws -> Set<String> {
        try Set(String.fetchAll(db, sql: "SELECT key FROM frozen WHERE pipeline = ?", arguments: [pipeline]))
    }

    static func freeze(_ keys: [String], of pipeline: String, _ db: Database) throws {
        for key in keys {
            try db.execute(
                sql: "INSERT OR IGNORE INTO frozen (pipeline, key) VALUES (?, ?)",
                arguments: [pipeline, key]
            )
        }
    }
}
