public import Events
import FoundationEssentials
public import GRDB
import Synchronization

/// A service's database: its own tables, and beside them the outbox and the inbox, so that an effect, the cursor of
/// its cause and the events that announce it are one transaction.
///
/// One connection and one process per file. Every commit is on disk when `write` returns (WAL, `synchronous=FULL`).
public final class Store: Sendable {
    /// Who writes: becomes the events' `source` and the producer's name.
    public struct Identity: Sendable, Hashable {
        /// The plant or place; a topic segment.
        public var site: String
        /// The program's name, which is also the file's.
        public var service: String
        /// Which of several that run the same program; `main` when there is one.
        public var instance: String

        /// An identity from its parts.
        public init(site: String, service: String, instance: String) {
            self.site = site
            self.service = service
            self.instance = instance
        }

        /// CloudEvents `source`.
        public var source: String { "//\(site)/\(service)/\(instance)" }
    }

    /// One change of the schema; appended, never edited.
    public struct Migration: Sendable {
        /// Unique; the file remembers by it that the change was made.
        public let name: String
        /// One or more statements, run once in a transaction of their own.
        public let sql: String

        /// A change from its parts.
        public init(_ name: String, _ sql: String) {
            self.name = name
            self.sql = sql
        }
    }

    /// Who writes to this store.
    public let identity: Identity
    /// The producer's name on the bus: unique to this file, so a new volume is a new producer.
    public let producer: String
    /// Yields after a transaction that left events in the outbox.
    public let outboxFilled: AsyncStream<Void>
    let queue: DatabaseQueue
    private let filled: AsyncStream<Void>.Continuation
    private let clock: @Sendable () -> Timestamp
    private let path: String

    /// Opens or makes `<directory>/<service>.sqlite`.
    /// - Parameter clock: The wall clock, for the events' `time`.
    /// - Throws: ``StorageError`` that names the file.
    public init(
        directory: String,
        identity: Identity,
        migrations: [Migration],
        clock: @escaping @Sendable () -> Timestamp
    ) throws(StorageError) {
        self.identity = identity
        self.clock = clock
        path = "\(directory)/\(identity.service).sqlite"
        (outboxFilled, filled) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            var migrator = DatabaseMigrator()
            for migration in Self.ownMigrations + migrations {
                migrator.registerMigration(migration.name) { db in try db.execute(sql: migration.sql) }
            }
            try migrator.migrate(queue)
            let id = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            producer = try queue.write { db in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO outboxState (one, producer, epoch, base, last) VALUES (1, ?, 1, 0, 0)",
                    arguments: ["\(identity.service)/\(identity.instance)/\(id)"]
                )
                return try String.fetchOne(db, sql: "SELECT producer FROM outboxState") ?? ""
            }
        } catch {
            throw StorageError("cannot open \(path): \(Self.describe(error))")
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA mmap_size = 0")
            // 256 kB: the system's cache has the rest, once for all programs.
            try db.execute(sql: "PRAGMA cache_size = -256")
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        return configuration
    }

    static func describe(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        let hint =
            switch error.resultCode {
            case .SQLITE_FULL: "; free space on that volume"
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: "; the file is damaged: restore it from a backup or remove it"
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: "; check the directory's owner and rights"
            default: ""
            }
        return (error.message ?? "\(error.resultCode)") + hint
    }

    private static let ownMigrations = [
        Migration(
            "storage-1",
            """
            CREATE TABLE outboxState (
                one INTEGER PRIMARY KEY CHECK (one = 1),
                producer TEXT NOT NULL, epoch INTEGER NOT NULL, base INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
            CREATE TABLE outbox (
                id INTEGER PRIMARY KEY, topic TEXT NOT NULL, header BLOB NOT NULL, data BLOB NOT NULL) STRICT;
            CREATE TABLE inbox (
                consumer TEXT PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            """
        )
    ]

    // MARK: Transactions

    /// Runs `body` in one transaction: all of its changes and events are on disk when this returns, or none.
    public func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        let (result, sent) = try await queue.write { [identity, clock] db in
            let transaction = Transaction(database: db, identity: identity, clock: clock)
            return (try body(transaction), transaction.sentCount > 0)
        }
        if sent { filled.yield() }
        return result
    }

    /// Reads a consistent state.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await queue.read(body)
    }

    /// Reads a consistent state of a store that another program may have open.
    /// - Returns: nil when there is no such store.
    /// - Throws: ``StorageError`` that names the file, and what `body` throws.
    public static func read<T: Sendable>(
        directory: String,
        service: String,
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T? {
        let path = "\(directory)/\(service).sqlite"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw StorageError("cannot read \(path): \(describe(error))")
        }
        return try await queue.read(body)
    }

    // MARK: Inbox

    /// Where a consumer stopped; nil when it never read, or when the log was made anew since (another epoch).
    public func cursor(of consumer: String, epoch: UInt64) async throws -> UInt64? {
        try await queue.read { db in
            try Int64.fetchOne(
                db,
                sql: "SELECT sequence FROM inbox WHERE consumer = ? AND epoch = ?",
                arguments: [consumer, Int64(bitPattern: epoch)]
            )
        }.map(UInt64.init(bitPattern:))
    }
}

/// An open transaction of a ``Store``.
public final class Transaction {
    /// The service's own tables.
    public let database: Database
    private let identity: Store.Identity
    private let clock: () -> Timestamp
    private(set) var sentCount = 0
    /// The lap that events belong to unless they say otherwise.
    public var runID: String?

    init(database: Database, identity: Store.Identity, clock: @escaping () -> Timestamp) {
        self.database = database
        self.identity = identity
        self.clock = clock
    }

    /// The wall clock.
    public var now: Timestamp { clock() }

    /// Puts an event into the outbox; it leaves for the bus after the commit, in this order.
    /// - Returns: The event's number in the outbox.
    /// - Throws: `EventError` when it cannot be written as JSON or is too large.
    @discardableResult
    public func send(_ event: any Event, runID: String? = nil) throws -> Int64 {
        let row = try Row.fetchOne(
            database,
            sql: "UPDATE outboxState SET last = last + 1 RETURNING last, producer, epoch"
        )
        let id: Int64 = row?["last"] ?? 0
        let producer: String = row?["producer"] ?? ""
        let epoch: Int64 = row?["epoch"] ?? 0
        let mark = producer.split(separator: "/").last.map(String.init) ?? producer
        let cloudEvent = try CloudEvent(
            event,
            id: "\(mark)-\(epoch)-\(id)",
            source: identity.source,
            time: clock(),
            runID: runID ?? self.runID
        )
        guard cloudEvent.data.count <= CloudEvent.dataBytesMax else {
            throw EventError(
                .tooLarge,
                "\(type(of: event).kind) has \(cloudEvent.data.count) bytes of data; \(CloudEvent.dataBytesMax) are allowed"
            )
        }
        let header = try cloudEvent.header()
        guard header.count <= CloudEvent.headerBytesMax else {
            throw EventError(
                .tooLarge,
                "\(type(of: event).kind) has \(header.count) bytes of attributes; \(CloudEvent.headerBytesMax) are allowed"
            )
        }
        let topic = try type(of: event).kind.topic(site: identity.site, subject: event.subject)
        try database.execute(
            sql: "INSERT INTO outbox (id, topic, header, data) VALUES (?, ?, ?, ?)",
            arguments: [id, topic.text, Data(header), Data(cloudEvent.data)]
        )
        sentCount += 1
        return id
    }

    /// Remembers that a consumer has taken effect up to `sequence`.
    public func advance(_ consumer: String, epoch: UInt64, to sequence: UInt64) throws {
        try database.execute(
            sql: """
                INSERT INTO inbox (consumer, epoch, sequence) VALUES (?1, ?2, ?3)
                ON CONFLICT (consumer) DO UPDATE SET
                    sequence = iif(epoch = ?2, max(sequence, ?3), ?3), epoch = ?2
                """,
            arguments: [consumer, Int64(bitPattern: epoch), Int64(bitPattern: sequence)]
        )
    }

    /// Runs `body` so that it can be undone alone: when it throws, its changes and events are gone, the rest stays.
    public func attempt(_ body: () throws -> Void) throws {
        let sent = sentCount
        do {
            try database.inSavepoint {
                try body()
                return .commit
            }
        } catch {
            sentCount = sent
            throw error
        }
    }
}
