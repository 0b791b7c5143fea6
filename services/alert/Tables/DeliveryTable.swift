import Events
import FoundationEssentials
import GRDB

/// What people are still to be told, and what they could not be told.
///
/// A row goes when its sink has taken it. Of what was given up the newest ``givenUpMax`` stay.
enum DeliveryTable {
    static let givenUpMax = 1_000

    struct Delivery: Sendable {
        let number: Int64
        /// The incident, as ``SinkRequest/Context/incidentKey`` begins.
        let stream: String
        /// The same for every attempt, so that the receiver can drop repetitions.
        let idempotencyKey: String
        let body: [UInt8]
        let attempts: Int
    }

    /// Queues what is said of an incident.
    static func insert(
        _ notice: AlertNotice,
        of incident: Int64,
        to sink: AlertRule.Sink,
        at time: Timestamp,
        _ db: Database
    ) throws {
        // The time tells repeated tellings apart.
        try db.execute(
            sql: """
                INSERT INTO delivery (stream, key, sink, body, dueAt)
                VALUES (?1, ?1 || '-' || ?2 || '-' || ?4, ?3, ?5, ?4)
                """,
            arguments: [
                "incident-\(incident)", notice.state.rawValue, sink.rawValue, time.microseconds,
                Data(try EventCoding.encode(notice)),
            ]
        )
    }

    /// What is due for a sink, oldest first; of one incident only the oldest, so that an end never comes before its begin.
    static func due(_ sink: AlertRule.Sink, at time: Timestamp, limit: Int, _ db: Database) throws -> [Delivery] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT number, stream, key, body, attempts FROM delivery AS one
                WHERE sink = ? AND givenUpAt IS NULL AND dueAt <= ? AND NOT EXISTS (
                    SELECT 1 FROM delivery WHERE stream = one.stream AND sink = one.sink AND givenUpAt IS NULL
                        AND number < one.number)
                ORDER BY number LIMIT ?
                """,
            arguments: [sink.rawValue, time.microseconds, limit]
        ).map { row in
            let body: Data = row["body"]
            return Delivery(
                number: row["number"],
                stream: row["stream"],
                idempotencyKey: row["key"],
                body: Array(body),
                attempts: row["attempts"]
            )
        }
    }

    static func remove(_ number: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM delivery WHERE number = ?", arguments: [number])
    }

    /// Notes a failed attempt; the next one is due at `dueAt`, or none when it is nil.
    static func fail(
        _ number: Int64,
        _ reason: String,
        attempts: Int,
        dueAt: Timestamp?,
        at time: Timestamp,
        _ db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE delivery SET attempts = ?1, failure = ?2, dueAt = ifnull(?3, dueAt),
                    givenUpAt = iif(?3 IS NULL, ?4, NULL)
                WHERE number = ?5
                """,
            arguments: [attempts, reason, dueAt?.microseconds, time.microseconds, number]
        )
        guard dueAt == nil else { return }
        try db.execute(
            sql: """
                DELETE FROM delivery WHERE givenUpAt IS NOT NULL AND number NOT IN (
                    SELECT number FROM delivery WHERE givenUpAt IS NOT NULL ORDER BY number DESC LIMIT ?)
                """,
            arguments: [givenUpMax]
        )
    }

    // MARK: Given up

    /// The notices in one answer, the newest.
    static let givenUpShown = 500

    /// What was given up, the newest first.
    static func givenUp(_ db: Database) throws -> [DeadNoticesAnswer.Notice] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT number, sink, body, givenUpAt, attempts, failure FROM delivery WHERE givenUpAt IS NOT NULL
                ORDER BY number DESC LIMIT ?
                """,
            arguments: [givenUpShown]
        ).map { row in
            let body: Data = row["body"]
            let notice = try? EventCoding.decode(AlertNotice.self, from: Array(body))
            return DeadNoticesAnswer.Notice(
                number: row["number"],
                sink: row["sink"],
                headline: notice?.headline ?? "cannot be read",
                at: Timestamp(microseconds: row["givenUpAt"]),
                attempts: row["attempts"],
                failure: row["failure"] ?? ""
            )
        }
    }

    /// Tries again what was given up, one or all; returns how many.
    static func requeue(_ number: Int64?, at time: Timestamp, _ db: Database) throws -> Int {
        try db.execute(
            sql: """
                UPDATE delivery SET attempts = 0, dueAt = ?1, givenUpAt = NULL, failure = NULL
                WHERE givenUpAt IS NOT NULL AND (?2 IS NULL OR number = ?2)
                """,
            arguments: [time.microseconds, number]
        )
        return db.changesCount
    }

    /// Gives up what is for sinks that are not set up any more.
    static func giveUp(except sinks: Set<AlertRule.Sink>, at time: Timestamp, _ db: Database) throws {
        let known = sinks.map(\.rawValue)
        let places = known.map { _ in "?" }.joined(separator: ", ")
        try db.execute(
            sql: """
                UPDATE delivery SET givenUpAt = ?, failure = 'there is no sink of that name any more'
                WHERE givenUpAt IS NULL AND sink NOT IN (\(places))
                """,
            arguments: StatementArguments([time.microseconds]) + StatementArguments(known)
        )
    }
}
