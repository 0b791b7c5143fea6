import Events
import GRDB

/// Versions, and which of them had which alias when.
enum ModelTable {
    /// Entries in one answer, the newest; more would not fit into one message.
    static let servedMax = 500

    /// A registered version.
    struct Version: Sendable {
        var pipeline: String
        var version: Int
        var digest: String
        var floatDigest: String
        var envelope: String
        var candidate: String
        var runID: String
        var pipelineVersion: String
        var rows: Int
        var firstKey: String
        var lastKey: String
        var seed: UInt64
        var baseline: Double
        var gates: [GateResult]
        /// Where it comes from, when it was offered.
        var source: ModelSource?
    }

    static func nextVersion(_ pipeline: String, _ db: Database) throws -> Int {
        1 + (try Int.fetchOne(db, sql: "SELECT max(version) FROM model WHERE pipeline = ?", arguments: [pipeline]) ?? 0)
    }

    static func insert(_ model: Version, at now: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO model (pipeline, version, digest, floatDigest, envelope, candidate, runID, pipelineVersion,
                    rows, firstKey, lastKey, seed, baseline, gates, source, registeredAt)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                model.pipeline, model.version, model.digest, model.floatDigest, model.envelope, model.candidate,
                model.runID, model.pipelineVersion, model.rows, model.firstKey, model.lastKey,
                Int64(bitPattern: model.seed), model.baseline,
                try text(model.gates), try model.source.map(text), now.microseconds,
            ]
        )
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try EventCoding.encode(value), as: UTF8.self)
    }

    /// The version that has an alias now.
    static func current(_ pipeline: String, alias: String, _ db: Database) throws -> Version? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT model.* FROM served JOIN model USING (pipeline, version)
                WHERE served.pipeline = ? AND alias = ? AND toAt IS NULL
                """,
            arguments: [pipeline, alias]
        ).map(version)
    }

    private static func version(_ row: Row) throws -> Version {
        let (seed, gates, source): (Int64, String, String?) = (row["seed"], row["gates"], row["source"])
        return Version(
            pipeline: row["pipeline"],
            version: row["version"],
            digest: row["digest"],
            floatDigest: row["floatDigest"],
            envelope: row["envelope"],
            candidate: row["candidate"],
            runID: row["runID"],
            pipelineVersion: row["pipelineVersion"],
            rows: row["rows"],
            firstKey: row["firstKey"],
            lastKey: row["lastKey"],
            seed: UInt64(bitPattern: seed),
            baseline: row["baseline"],
            gates: try EventCoding.decode([GateResult].self, from: Array(gates.utf8)),
            source: try source.map { try EventCoding.decode(ModelSource.self, from: Array($0.utf8)) }
        )
    }

    /// Gives an alias to a version.
    /// - Returns: The digest that had it before.
    static func assign(
        _ pipeline: String,
        alias: String,
        version: Int,
        at now: Timestamp,
        _ db: Database
    ) throws -> String? {
        let previous = try current(pipeline, alias: alias, db)?.digest
        try retire(pipeline, alias: alias, at: now, db)
        try db.execute(
            sql: "INSERT INTO served (pipeline, alias, version, fromAt) VALUES (?, ?, ?, ?)",
            arguments: [pipeline, alias, version, now.microseconds]
        )
        return previous
    }

    static func retire(_ pipeline: String, alias: String, at now: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE served SET toAt = max(fromAt, ?) WHERE pipeline = ? AND alias = ? AND toAt IS NULL",
            arguments: [now.microseconds, pipeline, alias]
        )
    }

    /// What had which alias when, oldest first; at one time only when `at` is given, now only when `isNow`.
    static func served(
        pipeline: String?,
        at: Timestamp?,
        isNow: Bool = false,
        _ db: Database
    ) throws -> [ServedModel] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT model.*, alias, fromAt, toAt FROM served JOIN model USING (pipeline, version)
                WHERE (?1 IS NULL OR served.pipeline = ?1)
                  AND (?2 IS NULL OR (fromAt <= ?2 AND (toAt IS NULL OR toAt > ?2)))
                  AND (NOT ?3 OR toAt IS NULL)
                ORDER BY fromAt DESC, alias DESC LIMIT ?4
                """,
            arguments: [pipeline, at?.microseconds, isNow, servedMax]
        ).reversed().map { row in
            let model = try version(row)
            let (from, to): (Int64, Int64?) = (row["fromAt"], row["toAt"])
            return ServedModel(
                pipeline: model.pipeline,
                pipelineVersion: model.pipelineVersion,
                alias: row["alias"],
                version: model.version,
                digest: model.digest,
                floatDigest: model.floatDigest,
                candidate: model.candidate,
                runID: model.runID,
                from: Timestamp(microseconds: from),
                to: to.map { Timestamp(microseconds: $0) },
                rows: model.rows,
                firstKey: model.firstKey,
                lastKey: model.lastKey,
                seed: model.seed,
                baseline: model.baseline,
                source: model.source
            )
        }
    }
}
