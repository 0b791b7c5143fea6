import Bus
import Events
import GRDB

/// What the log keeps of work groups. A note writes what is new and nothing else, so a DONE costs the same however
/// far the group is behind.
extension EventLog {
    static func groupTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE groupDone (
                    name TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (name, sequence)
                ) STRICT, WITHOUT ROWID;
                INSERT INTO groupDone SELECT DISTINCT name, value FROM workGroup, json_each(workGroup.done);
                ALTER TABLE workGroup DROP COLUMN done;
                CREATE TABLE groupFailure (
                    name TEXT NOT NULL, sequence INTEGER NOT NULL, deliveries INTEGER NOT NULL CHECK (deliveries > 0),
                    code TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (name, sequence)) STRICT, WITHOUT ROWID;
                CREATE TABLE deadLetter (
                    name TEXT NOT NULL, sequence INTEGER NOT NULL, deliveries INTEGER NOT NULL, code TEXT NOT NULL,
                    message TEXT NOT NULL, at INTEGER NOT NULL, isRevived INTEGER NOT NULL CHECK (isRevived IN (0, 1)),
                    PRIMARY KEY (name, sequence)) STRICT, WITHOUT ROWID;
                CREATE INDEX deadLetterAt ON deadLetter (isRevived, at);
                """
        )
    }

    static func loadGroups(_ db: Database) throws -> [String: LogSnapshot.Group] {
        var groups: [String: LogSnapshot.Group] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT name, filters, floor FROM workGroup") {
            let (name, filters, floor): (String, String, Int64) = (row[0], row[1], row[2])
            groups[name] = LogSnapshot.Group(
                filters: try EventCoding.decode([TopicFilter].self, from: Array(filters.utf8)),
                floor: UInt64(floor)
            )
        }
        for row in try Row.fetchAll(db, sql: "SELECT name, sequence FROM groupDone ORDER BY name, sequence") {
            let (name, sequence): (String, Int64) = (row[0], row[1])
            groups[name]?.done.append(UInt64(sequence))
        }
        for row in try Row.fetchAll(db, sql: "SELECT name, sequence, deliveries, code, message FROM groupFailure") {
            let (name, failure) = failure(row)
            groups[name]?.failures[failure.sequence] = failure
        }
        let revived = "SELECT name, sequence, deliveries, code, message FROM deadLetter WHERE isRevived = 1"
        for row in try Row.fetchAll(db, sql: revived) {
            let (name, failure) = failure(row)
            groups[name]?.revived[failure.sequence] = failure
        }
        return groups
    }

    /// A row of name, sequence, deliveries, code and message.
    static func failure(_ row: Row) -> (name: String, JobFailure) {
        let (name, sequence, deliveries): (String, Int64, Int64) = (row[0], row[1], row[2])
        let (code, message): (String, String) = (row[3], row[4])
        return (
            name,
            JobFailure(
                sequence: UInt64(sequence),
                deliveries: UInt32(clamping: deliveries),
                reason: Refusal(ErrorCode(rawValue: code) ?? .failed, message)
            )
        )
    }

    static func write(_ note: GroupNote, of name: String, _ db: Database, at time: Timestamp) throws {
        switch note {
        case .defined(let filters, let floor):
            try db.cachedStatement(
                sql: """
                    INSERT INTO workGroup (name, filters, floor) VALUES (?1, ?2, ?3)
                    ON CONFLICT (name) DO UPDATE SET filters = ?2, floor = ?3
                    """
            ).execute(arguments: [
                name, String(decoding: try EventCoding.encode(filters), as: UTF8.self), Int64(clamping: floor),
            ])
        case .progressed(let floor, let done):
            try progress(name, floor: Int64(clamping: floor), done: done, db)
        case .failed(let failure, let isRevived):
            let sql =
                isRevived
                ? "UPDATE deadLetter SET deliveries = ?3, code = ?4, message = ?5 WHERE name = ?1 AND sequence = ?2"
                : "INSERT OR REPLACE INTO groupFailure (name, sequence, deliveries, code, message) VALUES (?1, ?2, ?3, ?4, ?5)"
            try db.cachedStatement(sql: sql).execute(arguments: arguments(name, failure))
        case .buried(let failure): try bury(name, failure, db, at: time)
        case .revivedDone(let sequence):
            try db.cachedStatement(sql: "DELETE FROM deadLetter WHERE name = ? AND sequence = ?")
                .execute(arguments: [name, Int64(clamping: sequence)])
        }
    }

    private static func progress(_ name: String, floor: Int64, done: [UInt64], _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE workGroup SET floor = max(floor, ?2) WHERE name = ?1")
            .execute(arguments: [name, floor])
        for table in ["groupDone", "groupFailure"] {
            try db.cachedStatement(sql: "DELETE FROM \(table) WHERE name = ? AND sequence <= ?")
                .execute(arguments: [name, floor])
        }
        for sequence in done {
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO groupDone (name, sequence) VALUES (?, ?)")
                .execute(arguments: [name, Int64(clamping: sequence)])
        }
    }

    static func arguments(_ name: String, _ failure: JobFailure) -> StatementArguments {
        [
            name, Int64(clamping: failure.sequence), Int64(failure.deliveries), failure.reason.code.rawValue,
            String(failure.reason.message.prefix(deadMessageCharactersMax)),
        ]
    }
}
