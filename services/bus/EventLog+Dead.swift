import Bus
import Events
import GRDB

/// The dead letters: jobs that a group gave up, with the reason, until somebody takes them out.
extension EventLog {
    /// Dead letters of all groups, and 100 more; beyond it the oldest go. Their `event.refused` stay in the log.
    static let deadMax = 10_000
    /// Length to which a reason is cut.
    static let deadMessageCharactersMax = 1_000

    static func deadCounts(_ db: Database) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        let sql = "SELECT name, count(*) FROM deadLetter WHERE isRevived = 0 GROUP BY name"
        for row in try Row.fetchAll(db, sql: sql) { counts[row[0]] = row[1] }
        return counts
    }

    static func bury(_ name: String, _ failure: JobFailure, _ db: Database, at time: Timestamp) throws {
        try db.cachedStatement(sql: "DELETE FROM groupFailure WHERE name = ? AND sequence = ?")
            .execute(arguments: [name, Int64(clamping: failure.sequence)])
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO deadLetter (name, sequence, deliveries, code, message, at, isRevived)
                VALUES (?, ?, ?, ?, ?, ?, 0)
                """
        ).execute(arguments: arguments(name, failure) + [time.microseconds])
    }

    /// Removes the oldest letters over the limit, after every hundredth new one: it looks at all of them.
    func trimDead(_ db: Database) throws {
        buriedSinceTrim += 1
        guard buriedSinceTrim >= 100 else { return }
        buriedSinceTrim = 0
        try db.cachedStatement(
            sql: """
                DELETE FROM deadLetter WHERE (name, sequence) IN (
                    SELECT name, sequence FROM deadLetter WHERE isRevived = 0 ORDER BY at DESC, sequence DESC
                    LIMIT -1 OFFSET ?)
                """
        ).execute(arguments: [Self.deadMax])
    }

    func listDead(group: String?, after: DeadLetter.Place?, limit: Int) throws -> StoreOutcome {
        try queue.read { db in
            let letters = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sequence, deliveries, code, message, at FROM deadLetter
                    WHERE isRevived = 0 AND (?1 IS NULL OR name = ?1) AND (name, sequence) > (?2, ?3)
                    ORDER BY name, sequence LIMIT ?4
                    """,
                arguments: [group, after?.group ?? "", Int64(clamping: after?.sequence ?? 0), limit]
            ).map { try letter($0, db) }
            return .dead(letters, counts: try Self.deadCounts(db))
        }
    }

    func showDead(_ place: DeadLetter.Place) throws -> StoreOutcome {
        try queue.read { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT name, sequence, deliveries, code, message, at FROM deadLetter
                        WHERE isRevived = 0 AND name = ? AND sequence = ?
                        """,
                    arguments: [place.group, Int64(clamping: place.sequence)]
                )
            else { return .refused(Self.noSuchLetter(place)) }
            return .deadRecord(try letter(row, db), try record(place.sequence, db))
        }
    }

    /// Makes jobs of dead letters again, the oldest first; they stand in the log as such until they are done.
    func requeue(group: String?, sequence: UInt64?, limit: Int) throws -> StoreOutcome {
        try queue.write { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sequence, deliveries, code, message FROM deadLetter
                    WHERE isRevived = 0 AND (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR sequence = ?2)
                        AND EXISTS (SELECT 1 FROM record WHERE record.sequence = deadLetter.sequence)
                    ORDER BY at, sequence LIMIT ?3
                    """,
                arguments: [group, sequence.map { Int64(clamping: $0) }, limit]
            )
            var revived: [RevivedJob] = []
            for row in rows {
                let (name, failure) = Self.failure(row)
                guard let record = try record(failure.sequence, db) else { continue }
                try db.cachedStatement(
                    sql: "UPDATE deadLetter SET isRevived = 1, deliveries = 0 WHERE name = ? AND sequence = ?"
                ).execute(arguments: [name, Int64(clamping: failure.sequence)])
                let fresh = JobFailure(sequence: failure.sequence, deliveries: 0, reason: failure.reason)
                revived.append(RevivedJob(group: name, failure: fresh, record: record))
            }
            if let group, let sequence, revived.isEmpty {
                return .refused(Self.noSuchLetter(DeadLetter.Place(group: group, sequence: sequence)))
            }
            return .revived(revived, counts: try Self.deadCounts(db))
        }
    }

    func loadRevived() throws -> StoreOutcome {
        try queue.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sequence, deliveries, code, message FROM deadLetter WHERE isRevived = 1
                    ORDER BY name, sequence
                    """
            )
            let revived = try rows.compactMap { row -> RevivedJob? in
                let (name, failure) = Self.failure(row)
                return try record(failure.sequence, db).map { RevivedJob(group: name, failure: failure, record: $0) }
            }
            return .revived(revived, counts: try Self.deadCounts(db))
        }
    }

    func removeConsumer(_ name: String) throws -> StoreOutcome {
        try queue.write { try $0.execute(sql: "DELETE FROM consumer WHERE name = ?", arguments: [name]) }
        return .removed
    }

    func removeGroup(_ name: String) throws -> StoreOutcome {
        try queue.write { db in
            for table in ["workGroup", "groupDone", "groupFailure", "deadLetter"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE name = ?", arguments: [name])
            }
        }
        return .removed
    }

    private static func noSuchLetter(_ place: DeadLetter.Place) -> Refusal {
        Refusal(
            .notFound,
            "group '\(place.group)' has no dead letter \(place.sequence), or its record is not in the log"
        )
    }

    private func letter(_ row: Row, _ db: Database) throws -> DeadLetter {
        let (name, failure) = Self.failure(row)
        let at: Int64 = row[5]
        let topic = try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT topic FROM record WHERE sequence = ?"),
            arguments: [Int64(clamping: failure.sequence)]
        )
        return DeadLetter(
            group: name,
            sequence: failure.sequence,
            topic: topic.map { topics.name(of: $0) } ?? "",
            deliveries: failure.deliveries,
            code: failure.reason.code,
            message: failure.reason.message,
            at: Timestamp(microseconds: at)
        )
    }

    private func record(_ sequence: UInt64, _ db: Database) throws -> Bus.Record? {
        let row = try Row.fetchOne(
            try db.cachedStatement(
                sql: "SELECT sequence, topic, previous, flags, header, data, checksum FROM record WHERE sequence = ?"
            ),
            arguments: [Int64(clamping: sequence)]
        )
        return try row.map { try record($0, topics.name(of: $0[1])) }
    }
}
