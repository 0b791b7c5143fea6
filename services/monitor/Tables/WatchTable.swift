import Decay
import Events
import FoundationEssentials
import GRDB
import Monitoring
import Pipelines

/// The watch over a pipeline's champion, with its memory.
///
/// What labels change is written after each batch. The inputs are a snapshot of each feature, and the rows since: they
/// give the same state again, and a row is small where a hundred features are not.
enum WatchTable {
    /// Rows after which a new snapshot is made.
    static let journalMax = 256

    static func fetch(_ db: Database) throws -> (watch: PipelineWatch, rows: Int)? {
        guard let row = try Row.fetchOne(db, sql: "SELECT state, inputs FROM watch") else { return nil }
        let (state, inputs): (Data, Data) = (row["state"], row["inputs"])
        let decoder = PropertyListDecoder()
        let features = try Data.fetchAll(db, sql: "SELECT state FROM feature ORDER BY number")
        var watch = PipelineWatch(
            state: try EventCoding.decode(PipelineWatch.State.self, from: Array(state)),
            inputs: InputWatch(
                head: try EventCoding.decode(InputWatch.Head.self, from: Array(inputs)),
                features: try features.map { try decoder.decode(InputWatch.FeatureState.self, from: $0) }
            )
        )
        var rows = 0
        let journal = try Row.fetchCursor(db, sql: "SELECT key, at, features FROM journal ORDER BY id")
        while let row = try journal.next() {
            let (at, features): (Int64, Data) = (row["at"], row["features"])
            watch.repeatRow(floats(features), key: row["key"], at: Timestamp(microseconds: at))
            rows += 1
        }
        return (watch, rows)
    }

    /// Writes everything but the inputs.
    static func save(_ watch: PipelineWatch, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO watch (one, state) VALUES (1, ?1)
                ON CONFLICT (one) DO UPDATE SET state = ?1
                """
        ).execute(arguments: [Data(try EventCoding.encode(watch.state))])
    }

    /// Writes a snapshot of the inputs in the place of the rows since the last. The watch itself must be there.
    static func saveInputs(_ inputs: InputWatch, _ db: Database) throws {
        try db.execute(sql: "UPDATE watch SET inputs = ?", arguments: [Data(try EventCoding.encode(inputs.head))])
        let encoder = PropertyListEncoder()
        encoder.outputFormat = .binary
        let states = inputs.featureStates
        for (number, state) in states.enumerated() {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO feature (number, state) VALUES (?, ?)")
                .execute(arguments: [number, try encoder.encode(state)])
        }
        try db.execute(sql: "DELETE FROM feature WHERE number >= ?", arguments: [states.count])
        try db.execute(sql: "DELETE FROM journal")
    }

    /// Adds a row to those since the last snapshot.
    static func journal(_ row: [Float], key: String, at time: Timestamp, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO journal (key, at, features) VALUES (?, ?, ?)")
            .execute(arguments: [key, time.microseconds, data(row)])
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
