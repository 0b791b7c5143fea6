public import Events
public import GRDB
public import Membership
public import Pipelines
public import Storage

/// A pipeline in force.
public struct KnownPipeline: Sendable {
    /// What its file says, defaults filled in.
    public let pipeline: Pipeline
    /// SHA-256 of its canonical definition.
    public let version: String
}

/// The pipelines in force as a service keeps them in its own database: one table, filled from `pipeline.registered`.
public enum PipelineTable {
    /// The table.
    public static let migration = Store.Migration(
        "pipelines-1",
        """
        CREATE TABLE pipeline (
            name TEXT PRIMARY KEY, version TEXT NOT NULL, definition TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """
    )

    /// Keeps the table up to date.
    /// - Parameter changed: Called in the same transaction, after the row was written.
    public static func follow(
        _ handlers: inout EventHandlers,
        changed: @escaping @Sendable (KnownPipeline, Transaction) throws -> Void = { _, _ in }
    ) {
        handlers.on(PipelineRegistered.self, quietly: true) { event, _, transaction in
            let known = try parse(event.definition, event.version)
            try transaction.database.execute(
                sql: """
                    INSERT INTO pipeline (name, version, definition) VALUES (?1, ?2, ?3)
                    ON CONFLICT (name) DO UPDATE SET version = ?2, definition = ?3
                    """,
                arguments: [event.pipeline, event.version, event.definition]
            )
            try changed(known, transaction)
        }
    }

    /// The pipeline of that name.
    public static func fetch(_ name: String, _ db: Database) throws -> KnownPipeline? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT version, definition FROM pipeline WHERE name = ?",
            arguments: [name]
        )
        return try row.map { try parse($0["definition"], $0["version"]) }
    }

    /// All pipelines, by name.
    public static func fetchAll(_ db: Database) throws -> [KnownPipeline] {
        try Row.fetchAll(db, sql: "SELECT version, definition FROM pipeline ORDER BY name").map {
            try parse($0["definition"], $0["version"])
        }
    }

    private static func parse(_ definition: String, _ version: String) throws -> KnownPipeline {
        do { return KnownPipeline(pipeline: try Pipeline(json: definition), version: version) } catch {
            throw EventError(.badPipeline, error.description)
        }
    }
}

extension Pipeline {
    /// The observation's features as one row, or the refusal as it crosses the bus.
    /// - Throws: `EventError` that names feature, value and limit.
    public func row(from inputs: [String: [Double]]) throws(EventError) -> [Float] {
        do { return try features(from: inputs) } catch {
            let code: ErrorCode =
                switch error.code {
                case .missing: .missingFeature
                case .unknown: .unknownFeature
                case .count: .badShape
                case .notFinite: .notFinite
                case .belowMin, .aboveMax: .outOfSchema
                }
            throw EventError(code, "pipeline '\(name)': \(error.description)")
        }
    }
}
