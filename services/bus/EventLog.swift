import Bus
import Events
import FoundationEssentials
import GRDB
import GRDBSQLite

/// The log on disk: records, and what the broker keeps of producers, consumers and groups. One connection, one thread.
// Safety: made on the broker's thread and handed to the log's thread before that starts; used by that one only.
final class EventLog: @unchecked Sendable {
    /// Appends in one commit, and their bytes.
    static let batchRecordsMax = 1024
    static let batchBytesMax = 8 << 20
    /// Records that one read looks at.
    private static let scanMax = 10_000
    /// Bytes that one read brings.
    private static let readBytesMax = 1 << 20
    /// Size of the WAL at which it is written back. The file keeps that size and is written over: an fsync of a file
    /// that grows must also commit the file system's journal, which takes ten times as long.
    private static let checkpointBytes = 8 << 20
    /// How long `(source, id)` of unsequenced events is remembered.
    private static let dedupeWindowSeconds: Double = 86_400

    let snapshot: LogSnapshot
    let queue: DatabaseQueue
    let path: String
    let epoch: UInt64
    private(set) var head: UInt64
    var topics = TopicIndex()
    private let statements: LogStatements
    /// Bytes of the WAL that are not written back.
    private var walBytes = 0
    private var forgetAt = Timestamp(microseconds: 0)

    /// What may go; set before the log's thread starts.
    var retention = Retention()
    /// When ``trim(at:)`` looks again.
    var trimAt = Timestamp(microseconds: 0)
    /// Dead letters since ``trimDead(_:)`` last looked.
    var buriedSinceTrim = 0

    /// Where the file lies.
    var directory: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

    /// Opens or makes the log, checks the file and the newest records' checksums.
    /// - Throws: An error that names the file and the way out.
    init(path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA mmap_size = 0")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            // Debian's SQLite writes zeroes over what it deletes; nothing here is a secret from the file's reader.
            try db.execute(sql: "PRAGMA secure_delete = OFF")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let check = try queue.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer" }
            guard check == "ok" else { throw LogError("is damaged: \(check)") }
            try Self.migrator.migrate(queue)
        } catch {
            throw LogError("\(path): \(error); move the file away to start an empty log, or restore a backup")
        }
        snapshot = try queue.write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO log (one, epoch) VALUES (1, ?)",
                arguments: [Int64(Date().timeIntervalSince1970 * 1000)]
            )
            return try Self.loadSnapshot(db)
        }
        epoch = snapshot.epoch
        head = snapshot.head
        statements = try queue.read { db in try LogStatements(db) }
        try loadTopics()
        try checkTail()
        try growWAL()
    }

    private func loadTopics() throws {
        try queue.read { db in
            let sql = """
                SELECT id, name, max(last, ifnull(newest, 0)) FROM topic LEFT JOIN (
                    SELECT topic, max(sequence) AS newest FROM record
                    WHERE sequence > (SELECT topicsWrittenTo FROM log) GROUP BY topic) ON topic = id
                """
            for row in try Row.fetchAll(db, sql: sql) {
                let (id, name, last): (Int64, String, Int64) = (row[0], row[1], row[2])
                topics.load(name, id: id, last: UInt64(last))
            }
        }
    }

    /// Gives a new WAL its size at once, with zeroes that are removed again. A disk too full for it does without.
    private func growWAL() throws {
        let size = (try? FileManager.default.attributesOfItem(atPath: "\(path)-wal")[.size] as? Int) ?? 0
        guard size < Self.checkpointBytes else { return }
        do {
            try queue.writeWithoutTransaction { db in
                try db.execute(
                    sql: "INSERT INTO filler (bytes) VALUES (zeroblob(?))",
                    arguments: [Self.checkpointBytes]
                )
                try db.execute(sql: "DELETE FROM filler")
                _ = try db.checkpoint(.passive)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {}
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("log-1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;
                    CREATE TABLE topic (
                        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL) STRICT;
                    CREATE TABLE record (
                        sequence INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topic (id),
                        previous INTEGER NOT NULL, flags INTEGER NOT NULL, checksum INTEGER NOT NULL,
                        header BLOB NOT NULL, data BLOB NOT NULL) STRICT;
                    CREATE TABLE producer (
                        name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE consumer (
                        name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    CREATE TABLE workGroup (
                        name TEXT PRIMARY KEY, filters TEXT NOT NULL, floor INTEGER NOT NULL, done TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE seen (
                        source TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
                        PRIMARY KEY (source, id)) STRICT, WITHOUT ROWID;
                    CREATE INDEX seenAt ON seen (at);
                    """
            )
        }
        migrator.registerMigration("log-2") { db in
            try db.execute(
                sql: """
                    CREATE TABLE filler (bytes BLOB NOT NULL) STRICT;
                    ALTER TABLE log ADD COLUMN topicsWrittenTo INTEGER NOT NULL DEFAULT 0;
                    """
            )
        }
        migrator.registerMigration("log-3", migrate: groupTables)
        migrator.registerMigration("log-4", migrate: retentionTables)
        return migrator
    }

    private static func loadSnapshot(_ db: Database) throws -> LogSnapshot {
        let epoch = try Int64.fetchOne(db, sql: "SELECT epoch FROM log") ?? 1
        let head = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM record") ?? 0
        var snapshot = LogSnapshot(epoch: UInt64(epoch), head: UInt64(head))
        for row in try Row.fetchAll(db, sql: "SELECT name, epoch, sequence FROM producer") {
            let (name, epoch, sequence): (String, Int64, Int64) = (row["name"], row["epoch"], row["sequence"])
            snapshot.producers[name] = .init(epoch: UInt64(bitPattern: epoch), sequence: UInt64(sequence))
        }
        for row in try Row.fetchAll(db, sql: "SELECT name, cursor FROM consumer") {
            let (name, cursor): (String, Int64) = (row["name"], row["cursor"])
            snapshot.consumers[name] = UInt64(cursor)
        }
        snapshot.groups = try loadGroups(db)
        snapshot.deadCounts = try deadCounts(db)
        return snapshot
    }

    /// Checks the checksums of the newest records: what a torn write would hit.
    private func checkTail() throws {
        let after = head > 256 ? head - 256 : 0
        try queue.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT sequence, topic, checksum, header, data FROM record WHERE sequence > ?",
                arguments: [Int64(after)]
            )
            while let row = try rows.next() {
                let (sequence, topic, checksum): (Int64, Int64, Int64) = (
                    row["sequence"], row["topic"], row["checksum"]
                )
                let (header, data): (Data, Data) = (row["header"], row["data"])
                let name = topics.name(of: topic)
                guard CRC32C.of(Array(name.utf8), Array(header), Array(data)) == UInt32(truncatingIfNeeded: checksum)
                else {
                    throw LogError(
                        "\(path): record \(sequence) does not fit its checksum; restore a backup of the log, or move "
                            + "the file away to start an empty one"
                    )
                }
            }
        }
    }

    // MARK: Writing

    /// Writes a batch and notes in one transaction: all of it is on disk when this returns.
    /// - Throws: An error of SQLite; nothing was written.
    func write(_ appends: [Append], _ notes: [LogNote], at time: Timestamp) throws -> Commit {
        var outcomes: [AppendOutcome] = []
        var records: [Bus.Record] = []
        outcomes.reserveCapacity(appends.count)
        records.reserveCapacity(appends.count)
        let headBefore = head
        do {
            walBytes += try queue.writeWithoutTransaction { db in
                try statements.inTransaction {
                    for append in appends { outcomes.append(try insert(append, db, at: time, into: &records)) }
                    try noteProducers(appends)
                    for note in notes { try write(note, db, at: time) }
                }
                return Self.takeBytesWritten(db)
            }
            topics.commit()
        } catch {
            head = headBefore
            topics.rollBack()
            throw error
        }
        return Commit(appends: appends, outcomes: outcomes, records: records)
    }

    private func insert(
        _ append: Append,
        _ db: Database,
        at time: Timestamp,
        into records: inout [Bus.Record]
    ) throws -> AppendOutcome {
        let sequence = head + 1
        if case .named(let source, let id) = append.identity {
            if let known = try db.cachedStatement(sql: "SELECT sequence FROM seen WHERE source = ? AND id = ?")
                .sequence(source, id)
            {
                return .duplicate(known)
            }
            try db.cachedStatement(sql: "INSERT INTO seen (source, id, sequence, at) VALUES (?, ?, ?, ?)")
                .execute(arguments: [source, id, Int64(sequence), time.microseconds / 1_000_000])
        }
        let topic = try topic(append.topic, db)
        let record = Bus.Record(
            topic: append.topic,
            flags: append.flags,
            epoch: epoch,
            sequence: sequence,
            previous: topic.last,
            header: append.header,
            data: append.data
        )
        let checksum = CRC32C.of(Array(append.topic.utf8), append.header, append.data)
        try statements.insert(record, topic: topic.id, checksum: checksum)
        head = sequence
        topics.advance(append.topic, to: sequence)
        records.append(record)
        return .appended(sequence)
    }

    private func topic(_ name: String, _ db: Database) throws -> TopicIndex.Entry {
        if let known = topics[name] { return known }
        try db.execute(sql: "INSERT INTO topic (name, last) VALUES (?, 0)", arguments: [name])
        return topics.add(name, id: db.lastInsertedRowID)
    }

    private func noteProducers(_ appends: [Append]) throws {
        var last: [String: (epoch: UInt64, sequence: UInt64)] = [:]
        for append in appends {
            guard case .sequenced(let producer, let epoch, let sequence) = append.identity else { continue }
            last[producer] = (epoch, sequence)
        }
        for (name, position) in last {
            try statements.note(producer: name, epoch: position.epoch, sequence: position.sequence)
        }
    }

    private func write(_ note: LogNote, _ db: Database, at time: Timestamp) throws {
        switch note {
        case .consumer(let name, let cursor):
            try db.cachedStatement(
                sql: """
                    INSERT INTO consumer (name, cursor) VALUES (?1, ?2)
                    ON CONFLICT (name) DO UPDATE SET cursor = max(cursor, ?2)
                    """
            ).execute(arguments: [name, Int64(clamping: cursor)])
        case .group(let name, let note):
            try Self.write(note, of: name, db, at: time)
            if case .buried = note { try trimDead(db) }
        }
    }

    /// Bytes written to the WAL since the last call.
    private static func takeBytesWritten(_ db: Database) -> Int {
        var (pages, highest) = (CInt(0), CInt(0))
        sqlite3_db_status(db.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, 1)
        return Int(pages) * 4096
    }

    /// Writes the WAL back when it has its size; the next commit begins at its front again. Call it after the commit's
    /// outcome was reported, so that nobody waits for it.
    func checkpoint() throws {
        guard walBytes >= Self.checkpointBytes else { return }
        walBytes = 0
        try queue.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
                try writeTopics(db)
                return .commit
            }
            topics.written()
            _ = try db.checkpoint(.passive)
            _ = Self.takeBytesWritten(db)
        }
    }

    /// Brings the topics' rows up to the newest records, in the transaction of the caller; who then says
    /// ``TopicIndex/written()``.
    func writeTopics(_ db: Database) throws {
        guard !topics.unwritten.isEmpty else { return }
        let statement = try db.cachedStatement(sql: "UPDATE topic SET last = ? WHERE id = ?")
        for entry in topics.unwritten.compactMap({ topics[$0] }) {
            try statement.execute(arguments: [Int64(entry.last), entry.id])
        }
        try db.execute(sql: "UPDATE log SET topicsWrittenTo = ?", arguments: [Int64(head)])
    }

    /// Forgets old `(source, id)` pairs, once a minute. Call it when idle.
    func maintain(at time: Timestamp) throws {
        guard time >= forgetAt else { return }
        forgetAt = Timestamp(seconds: time.seconds + 60)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: "DELETE FROM seen WHERE at < ?",
                arguments: [Int64(time.seconds - Self.dedupeWindowSeconds)]
            )
        }
    }

    /// Pages that the file may have; a batch that needs more fails as on a full disk. For tests.
    func limit(pages: Int) throws {
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA max_page_count = \(pages)") }
    }

    // MARK: Reading

    func read(_ request: ReadRequest) throws -> ReadResult {
        if case .last = request.owner { return try last(request) }
        return try queue.read { db in
            var matching: [Int64: Bool] = [:]
            var records: [Bus.Record] = []
            var scannedTo = request.after
            var (scanned, bytes) = (0, 0)
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql:
                        "SELECT sequence, topic, previous, flags, header, data, checksum FROM record WHERE sequence > ? ORDER BY sequence"
                ),
                arguments: [Int64(clamping: request.after)]
            )
            while records.count < request.limit, scanned < Self.scanMax, bytes < Self.readBytesMax,
                let row = try rows.next()
            {
                scanned += 1
                let (sequence, topic): (Int64, Int64) = (row[0], row[1])
                scannedTo = UInt64(sequence)
                let name = topics.name(of: topic)
                let matches =
                    matching[topic]
                    ?? {
                        let result = request.filters.contains { $0.matches(name) }
                        matching[topic] = result
                        return result
                    }()
                guard matches else { continue }
                let record = try record(row, name)
                bytes += record.header.count + record.data.count
                records.append(record)
            }
            return ReadResult(request: request, records: records, scannedTo: scannedTo)
        }
    }

    private func last(_ request: ReadRequest) throws -> ReadResult {
        try queue.read { db in
            let sequences = topics.entries.filter { entry in
                entry.value.last > 0 && request.filters.contains { $0.matches(entry.key) }
            }.map(\.value.last).sorted().suffix(request.limit)
            let records = try sequences.compactMap { sequence -> Bus.Record? in
                let row = try Row.fetchOne(
                    try db.cachedStatement(
                        sql:
                            "SELECT sequence, topic, previous, flags, header, data, checksum FROM record WHERE sequence = ?"
                    ),
                    arguments: [Int64(sequence)]
                )
                return try row.map { try record($0, topics.name(of: $0[1])) }
            }
            return ReadResult(request: request, records: records, scannedTo: head)
        }
    }

    func record(_ row: Row, _ topic: String) throws -> Bus.Record {
        let (sequence, previous, flags): (Int64, Int64, Int64) = (row[0], row[2], row[3])
        let (header, data, checksum): (Data, Data, Int64) = (row[4], row[5], row[6])
        let (headerBytes, dataBytes) = (Array(header), Array(data))
        guard CRC32C.of(Array(topic.utf8), headerBytes, dataBytes) == UInt32(truncatingIfNeeded: checksum) else {
            throw LogError(
                "\(path): record \(sequence) does not fit its checksum; restore a backup of the log, or move the file "
                    + "away to start an empty one"
            )
        }
        return Bus.Record(
            topic: topic,
            flags: Bus.Record.Flags(rawValue: UInt8(truncatingIfNeeded: flags)),
            epoch: epoch,
            sequence: UInt64(sequence),
            previous: UInt64(previous),
            header: headerBytes,
            data: dataBytes
        )
    }
}

/// The log cannot be used.
struct LogError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Statement {
    fileprivate func sequence(_ source: String, _ id: String) throws -> UInt64? {
        try Int64.fetchOne(self, arguments: [source, id]).map(UInt64.init)
    }
}
