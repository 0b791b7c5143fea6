import FoundationEssentials
import GRDB

/// The outbox as its relay sees it. Numbers begin at 1 in each epoch and have no holes.
extension Store {
    /// An event that waits for the bus.
    public struct OutboxEvent: Sendable, Hashable {
        /// From 1 in each epoch of the numbering, without holes.
        public let number: UInt64
        /// Where it goes.
        public let topic: String
        /// CloudEvents attributes as a JSON object.
        public let header: [UInt8]
        /// The event's data.
        public let data: [UInt8]
    }

    /// How the numbering stands: its incarnation; how many numbers of ``Transaction/send(_:runID:)`` are before its
    /// first; the last number given; and the number up to which events were forgotten, because the log had them.
    public func outboxState() async throws -> (epoch: UInt64, base: UInt64, last: UInt64, pruned: UInt64) {
        try await queue.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT epoch, base, last - base AS last,
                        ifnull((SELECT min(id) - 1 FROM outbox), last) - base AS pruned FROM outboxState
                    """
            )
            let (epoch, base): (Int64, Int64) = (row?["epoch"] ?? 1, row?["base"] ?? 0)
            let (last, pruned): (Int64, Int64) = (row?["last"] ?? 0, row?["pruned"] ?? 0)
            return (UInt64(epoch), UInt64(base), UInt64(max(last, 0)), UInt64(max(pruned, 0)))
        }
    }

    /// The next events after `number`, oldest first.
    public func outboxEvents(after number: UInt64, limit: Int) async throws -> [OutboxEvent] {
        try await queue.read { db in
            let base = try Int64.fetchOne(db, sql: "SELECT base FROM outboxState") ?? 0
            return try Row.fetchAll(
                db,
                sql: "SELECT id, topic, header, data FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
                arguments: [base + Int64(clamping: number), limit]
            ).map { row in
                let (header, data): (Data, Data) = (row["header"], row["data"])
                return OutboxEvent(
                    number: UInt64(row["id"] as Int64 - base),
                    topic: row["topic"],
                    header: Array(header),
                    data: Array(data)
                )
            }
        }
    }

    /// How many events wait.
    public func outboxCount() async throws -> Int {
        try await queue.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox") ?? 0 }
    }

    /// Forgets events that are in the log.
    ///
    /// Not forced to disk: what a power cut brings back is sent again and recognised by its number.
    public func pruneOutbox(upTo number: UInt64) async throws {
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            defer { try? db.execute(sql: "PRAGMA synchronous = FULL") }
            try db.execute(
                sql: "DELETE FROM outbox WHERE id <= (SELECT base FROM outboxState) + ?",
                arguments: [Int64(clamping: number)]
            )
        }
    }

    /// Begins a new numbering with the oldest event that waits: the log has later numbers than this file, or lacks
    /// numbers that it acknowledged, because one of the two is an old copy.
    /// - Returns: The new epoch.
    public func renumberOutbox(after epoch: UInt64) async throws -> UInt64 {
        try await queue.write { db in
            try db.execute(
                sql: """
                    UPDATE outboxState SET epoch = max(epoch, ?) + 1,
                        base = ifnull((SELECT min(id) - 1 FROM outbox), last)
                    """,
                arguments: [Int64(clamping: epoch)]
            )
            return UInt64(try Int64.fetchOne(db, sql: "SELECT epoch FROM outboxState") ?? 1)
        }
    }
}
