import Bus
import GRDB
import GRDBSQLite

/// The statements of every commit, prepared once and run without GRDB's generality: it takes as long as SQLite itself
/// for rows as small as these. Everything rarer goes through GRDB, on the same connection.
///
/// Call it inside an access of the log's queue only.
// Safety: the handles live as long as this object, belong to the connection it was made with, and are used on the
// thread that holds the connection.
final class LogStatements {
    private let connection: OpaquePointer
    private let beginning: OpaquePointer
    private let committing: OpaquePointer
    private let rollingBack: OpaquePointer
    private let inserting: OpaquePointer
    private let standing: OpaquePointer

    /// SQLite copies what is bound before the call returns.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ db: Database) throws {
        guard let connection = db.sqliteConnection else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        self.connection = connection
        func prepare(_ sql: String) throws -> OpaquePointer {
            var statement: OpaquePointer?
            let flags = UInt32(bitPattern: SQLITE_PREPARE_PERSISTENT)
            let code = sqlite3_prepare_v3(connection, sql, -1, flags, &statement, nil)
            guard code == SQLITE_OK, let statement else { throw Self.error(code, connection) }
            return statement
        }
        beginning = try prepare("BEGIN IMMEDIATE")
        committing = try prepare("COMMIT")
        rollingBack = try prepare("ROLLBACK")
        inserting = try prepare(
            """
            INSERT INTO record (sequence, topic, previous, flags, checksum, header, data) VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        )
        standing = try prepare(
            """
            INSERT INTO producer (name, epoch, sequence) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET epoch = ?2, sequence = ?3
            """
        )
    }

    deinit {
        for statement in [beginning, committing, rollingBack, inserting, standing] { sqlite3_finalize(statement) }
    }

    /// Runs `body` in one transaction: all of it is on disk when this returns, or none.
    func inTransaction(_ body: () throws -> Void) throws {
        try run(beginning)
        do {
            try body()
            try run(committing)
        } catch {
            // An error such as a full disk may have rolled back already.
            if sqlite3_get_autocommit(connection) == 0 { try run(rollingBack) }
            throw error
        }
    }

    /// Adds a record.
    func insert(_ record: Bus.Record, topic: Int64, checksum: UInt32) throws {
        sqlite3_bind_int64(inserting, 1, Int64(record.sequence))
        sqlite3_bind_int64(inserting, 2, topic)
        sqlite3_bind_int64(inserting, 3, Int64(record.previous))
        sqlite3_bind_int64(inserting, 4, Int64(record.flags.rawValue))
        sqlite3_bind_int64(inserting, 5, Int64(checksum))
        bind(record.header, to: 6)
        bind(record.data, to: 7)
        try run(inserting)
    }

    /// Notes a producer's last number.
    func note(producer name: String, epoch: UInt64, sequence: UInt64) throws {
        sqlite3_bind_text(standing, 1, name, -1, Self.transient)
        sqlite3_bind_int64(standing, 2, Int64(bitPattern: epoch))
        sqlite3_bind_int64(standing, 3, Int64(clamping: sequence))
        try run(standing)
    }

    private func bind(_ bytes: [UInt8], to index: CInt) {
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(inserting, index, 0)
        } else {
            sqlite3_bind_blob(inserting, index, bytes, CInt(bytes.count), Self.transient)
        }
    }

    private func run(_ statement: OpaquePointer) throws {
        let code = sqlite3_step(statement)
        defer { sqlite3_reset(statement) }
        guard code == SQLITE_DONE else { throw Self.error(code, connection) }
    }

    private static func error(_ code: CInt, _ connection: OpaquePointer) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code & 0xFF),
            message: String(cString: sqlite3_errmsg(connection))
        )
    }
}
