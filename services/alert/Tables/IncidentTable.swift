import Events
import FoundationEssentials
import GRDB

/// Every incident; at most one about a subject is not closed.
enum IncidentTable {
    /// Closed incidents that are kept for people to look at; older ones go.
    static let closedMax = 10_000

    struct Numbered: Sendable, Hashable {
        let number: Int64
        var incident: Incident
    }

    /// The incidents that are not closed, oldest first.
    static func open(_ db: Database) throws -> [Numbered] {
        try Row.fetchAll(db, sql: "SELECT number, memory FROM incident WHERE closedAt IS NULL ORDER BY number")
            .map(numbered)
    }

    /// The incident about a subject that is not closed.
    static func open(about: String, _ db: Database) throws -> Numbered? {
        try Row.fetchOne(
            db,
            sql: "SELECT number, memory FROM incident WHERE about = ? AND closedAt IS NULL",
            arguments: [about]
        ).map(numbered)
    }

    /// An incident that is not closed, by its number.
    static func open(number: Int64, _ db: Database) throws -> Numbered? {
        try Row.fetchOne(
            db,
            sql: "SELECT number, memory FROM incident WHERE number = ? AND closedAt IS NULL",
            arguments: [number]
        ).map(numbered)
    }

    /// Closed incidents in one answer, the newest.
    static let closedShown = 50

    /// The open incidents, and with `all` the newest closed ones, oldest first.
    static func shown(all: Bool, _ db: Database) throws -> [AlertsAnswer.Incident] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT number, memory, closedAt FROM incident WHERE closedAt IS NULL
                UNION ALL SELECT * FROM (
                    SELECT number, memory, closedAt FROM incident WHERE closedAt IS NOT NULL AND ?1
                    ORDER BY number DESC LIMIT ?2)
                ORDER BY number
                """,
            arguments: [all, closedShown]
        ).map { row in
            let incident = try numbered(row).incident
            return AlertsAnswer.Incident(
                incident: row["number"],
                about: incident.about,
                openedAt: incident.openedAt,
                closedAt: (row["closedAt"] as Int64?).map { Timestamp(microseconds: $0) },
                alerts: incident.alerts.map {
                    AlertsAnswer.Alert(
                        rule: $0.rule,
                        severity: $0.severity,
                        title: $0.title,
                        detail: $0.detail,
                        since: $0.since,
                        repeats: $0.repeats
                    )
                },
                toldAt: incident.told?.lastAt,
                acknowledgedBy: incident.acknowledgement?.by,
                note: incident.acknowledgement?.note
            )
        }
    }

    /// Keeps a new incident.
    static func insert(_ incident: Incident, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO incident (about, openedAt, memory) VALUES (?, ?, ?)",
            arguments: [incident.about, incident.openedAt.microseconds, Data(try EventCoding.encode(incident))]
        )
        try db.execute(
            sql: """
                DELETE FROM incident WHERE closedAt IS NOT NULL AND number <= (SELECT max(number) FROM incident) - ?
                """,
            arguments: [closedMax]
        )
    }

    /// Keeps what became of an incident.
    static func update(_ one: Numbered, at now: Timestamp, _ db: Database) throws {
        let closedAt = one.incident.isClosed ? now.microseconds : nil
        try db.execute(
            sql: "UPDATE incident SET memory = ?, closedAt = ? WHERE number = ?",
            arguments: [
                Data(try EventCoding.encode(one.incident)), closedAt, one.number,
            ]
        )
    }

    private static func numbered(_ row: Row) throws -> Numbered {
        let memory: Data = row["memory"]
        return Numbered(number: row["number"], incident: try EventCoding.decode(Incident.self, from: Array(memory)))
    }
}
