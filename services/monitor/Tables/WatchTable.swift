import Decay
import Events
import FoundationEssentials
import GRDB
import Monitoring
import Pipelines

/// The watch over each pipeline's champion, with its memory.
///
/// What labels change is written after each batch. The inputs are a snapshot of each feature, and the rows since: they
/// give the same state again, and a row is small where a hundred features are not.
enum WatchTable {
    /// Rows after which a new snapshot is made.
    static let journalMax = 256

    /// The form of ``PipelineWatch/State`` in `watch.state`; 1 is that of the first version.
    private static let form = 2

    /// What the first version kept.
    private struct First: Decodable {
        let errors: RollingErrorMonitor
        let ranges: InputRangeMonitor?
    }

    static func fetch(_ pipeline: Pipeline, _ db: Database) throws -> (watch: PipelineWatch, rows: Int)? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT digest, runID, state, form, inputs FROM watch WHERE pipeline = ?",
            arguments: [pipeline.name]
        )
        guard let row else { return nil }
        let (state, form, inputs): (Data, Int, Data?) = (row["state"], row["form"], row["inputs"])
        guard form == Self.form, let inputs else {
            let first = try EventCoding.decode(First.self, from: Array(state))
            let watch = try PipelineWatch(
                pipeline,
                digest: row["digest"],
                runID: row["runID"],
                errors: first.errors,
                ranges: first.ranges
            )
            return (watch, journalMax)
        }
        let decoder = PropertyListDecoder()
        let features = try Data.fetchAll(
            db,
            sql: "SELECT state FROM feature WHERE pipeline = ? ORDER BY number",
            arguments: [pipeline.name]
        )
        var watch = PipelineWatch(
            state: try EventCoding.decode(PipelineWatch.State.self, from: Array(state)),
            inputs: InputWatch(
                head: try EventCoding.decode(InputWatch.Head.self, from: Array(inputs)),
                features: try features.map { try decoder.decode(InputWatch.FeatureState.self, from: $0) }
            )
        )
        var rows = 0
        let journal = try Row.fetchCursor(
            db,
            sql: "SELECT key, at, features FROM journal WHERE pipeline = ? ORDER BY id",
            arguments: [pipeline.name]
        )
        while let row = try journal.next() {
            let (at, features): (Int64, Data) = (row["at"], row["features"])
            watch.repeatRow(floats(features), key: row["key"], at: Timestamp(microseconds: at))
            rows += 1
        }
        return (watch, rows)
    }

    /// Writes everything but the features.
    static func save(_ watch: PipelineWatch, pipeline: String, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO watch (pipeline, digest, runID, state, form) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (pipeline) DO UPDATE SET digest = ?2, runID = ?3, state = ?4, form = ?5
                """
        ).execute(arguments: [
            pipeline, watch.state.digest, watch.state.runID, Data(try EventCoding.encode(watch.state)), form,
        ])
    }

    /// Writes a snapshot of the inputs in the place of the rows since the last. The watch itself must be there.
    static func saveInputs(_ inputs: InputWatch, pipeline: String, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE watch SET inputs = ? WHERE pipeline = ?",
            arguments: [Data(try EventCoding.encode(inputs.head)), pipeline]
        )
        let encoder = PropertyListEncoder()
        encoder.outputFormat = .binary
        let states = inputs.featureStates
        for (number, state) in states.enumerated() {
            try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO feature (pipeline, number, state) VALUES (?, ?, ?)"
            ).execute(arguments: [pipeline, number, try encoder.encode(state)])
        }
        try db.execute(
            sql: "DELETE FROM feature WHERE pipeline = ? AND number >= ?",
            arguments: [pipeline, states.count]
        )
        try db.execute(sql: "DELETE FROM journal WHERE pipeline = ?", arguments: [pipeline])
    }

    /// Adds a row to those since the last snapshot.
    static func journal(
        _ row: [Float],
        pipeline: String,
        key: String,
        at time: Timestamp,
        _ db: Database
    ) throws {
        try db.cachedStatement(sql: "INSERT INTO journal (pipeline, key, at, features) VALUES (?, ?, ?, ?)")
            .execute(arguments: [pipeline, key, time.microseconds, data(row)])
    }

    /// Little-endian bits, four bytes a number.
    private static func data(_ row: [Float]) -> Data {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * row.count)
        for value in row {
            let bits = value.bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return Data(bytes)
    }

    private static func floats(_ data: Data) -> [Float] {
        let bytes = Array(data)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) })
        }
    }
}
