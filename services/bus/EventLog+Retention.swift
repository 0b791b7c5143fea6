import Bus
import Events
import GRDB

/// What the log may forget, and when it is full.
struct Retention: Sendable, Hashable {
    /// Records older than that may go; nil keeps them for ever.
    var age: Duration?
    /// The oldest records may go while the log holds more; nil keeps them.
    var bytes: Int?
    /// Events are refused while the log holds more; nil leaves it to the disk.
    var bytesMax: Int?
}

/// Retention: the oldest records go when they are old or the log is large, but never one that a durable consumer or a
/// work group has not had. Those that hold it back are named, and at the limit events are refused, not dropped.
extension EventLog {
    /// Records that one step removes.
    static let trimMax: Int64 = 4096
    /// Pause between two looks, while there is nothing or little to remove.
    private static let trimPauseSeconds = 1.0

    static func retentionTables(_ db: Database) throws {
        // How far the log was at what time, once a minute.
        try db.execute(
            sql: "CREATE TABLE retentionMark (at INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT"
        )
    }

    /// Bytes of the file that hold something.
    func usedBytes() throws -> Int {
        try queue.read { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096)
        }
    }

    /// Why no event may come in; nil when one may.
    func refusalAtLimit() throws -> String? {
        guard let max = retention.bytesMax, try usedBytes() >= max else { return nil }
        let holder = try queue.read { try Self.slowest($0) }
        return "the log holds \(max) bytes, which is log.bytes.max"
            + (holder.name.map { "; \($0) has had everything up to \(holder.floor) and holds back the rest" } ?? "")
    }

    /// The newest record that everybody has had, and who is the slowest.
    static func slowest(_ db: Database) throws -> (floor: Int64, name: String?) {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT floor, name FROM (
                    SELECT cursor AS floor, 'consumer ''' || name || '''' AS name FROM consumer
                    UNION ALL SELECT floor, 'group ''' || name || '''' FROM workGroup
                    UNION ALL SELECT sequence - 1, 'a requeued job of group ''' || name || '''' FROM deadLetter
                        WHERE isRevived = 1)
                ORDER BY floor LIMIT 1
                """
        )
        guard let row else { return (.max, nil) }
        return (row[0], row[1])
    }

    /// Removes up to ``trimMax`` records that may go.
    /// - Returns: How many went.
    @discardableResult
    func trim(at time: Timestamp) throws -> Int {
        guard retention.age != nil || retention.bytes != nil, time >= trimAt else { return 0 }
        let used = retention.bytes == nil ? 0 : try usedBytes()
        let excess = used - (retention.bytes ?? used)
        let removed = try queue.write { db -> Int in
            try mark(db, at: time)
            let oldest = try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM record") ?? 0
            // As many of the oldest as hold the excess, if all records are of one size.
            let held = max(1, Int64(head) - oldest + 1)
            var limit = excess > 0 ? oldest + Int64(excess) / max(1, Int64(used) / held) : 0
            if let age = retention.age {
                let old = Int64(time.seconds - age / .seconds(1))
                let aged = try Int64.fetchOne(
                    db,
                    sql: "SELECT max(sequence) FROM retentionMark WHERE at <= ?",
                    arguments: [old]
                )
                limit = max(limit, aged ?? 0)
            }
            // The newest record stays: a log without one would number anew.
            limit = min(limit, try Self.slowest(db).floor, Int64(head) - 1, oldest + Self.trimMax - 1)
            guard limit >= oldest else { return 0 }
            // A topic's newest record is found from the records again only while they are there.
            try writeTopics(db)
            try db.execute(sql: "DELETE FROM record WHERE sequence <= ?", arguments: [limit])
            let count = db.changesCount
            try db.execute(
                sql: """
                    DELETE FROM retentionMark
                    WHERE sequence <= ?1 AND at < (SELECT max(at) FROM retentionMark WHERE sequence <= ?1)
                    """,
                arguments: [limit]
            )
            return count
        }
        if removed > 0 { topics.written() }
        // A step that found its fill goes on at once.
        trimAt = removed == Int(Self.trimMax) ? time : Timestamp(seconds: time.seconds + Self.trimPauseSeconds)
        return removed
    }

    private func mark(_ db: Database, at time: Timestamp) throws {
        guard retention.age != nil else { return }
        let second = Int64(time.seconds)
        let last = try Row.fetchOne(db, sql: "SELECT at, sequence FROM retentionMark ORDER BY at DESC LIMIT 1")
        let (at, sequence): (Int64, Int64) = last.map { ($0[0], $0[1]) } ?? (.min, -1)
        // A clock that was put back waits for the last mark.
        guard sequence < Int64(head), at == .min || second >= at + markSeconds else { return }
        try db.execute(
            sql: "INSERT OR REPLACE INTO retentionMark (at, sequence) VALUES (?, ?)",
            arguments: [second, Int64(head)]
        )
    }

    /// Pause between two marks: a short age is watched more closely than by the minute.
    private var markSeconds: Int64 { min(60, max(1, Int64((retention.age ?? .zero) / .seconds(1)) / 20)) }
}
