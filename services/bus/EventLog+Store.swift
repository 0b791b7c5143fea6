import Bus
import Events
import GRDB

/// The operator's business with the log.
extension EventLog {
    /// - Throws: An error of SQLite; nothing was changed.
    func perform(_ operation: StoreOperation, backups: Backups) throws -> StoreOutcome {
        switch operation {
        case .status: .status(try figures())
        case .listDead(let group, let after, let limit): try listDead(group: group, after: after, limit: limit)
        case .showDead(let place): try showDead(place)
        case .requeue(let group, let sequence, let limit):
            try requeue(group: group, sequence: sequence, limit: limit)
        case .loadRevived: try loadRevived()
        case .removeConsumer(let name): try removeConsumer(name)
        case .removeGroup(let name): try removeGroup(name)
        case .backUp(let name): backups.begin(name, of: self)
        case .backupProgress: .backup(backups.progress)
        }
    }

    private func figures() throws -> LogFigures {
        let (oldest, dead) = try queue.read { db in
            (try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM record") ?? 0, try Self.deadCounts(db))
        }
        let newest = topics.entries.filter { $0.value.last > 0 }.sorted { $0.value.last > $1.value.last }
        return LogFigures(
            epoch: epoch,
            head: head,
            oldest: UInt64(clamping: oldest),
            bytes: LogFile.bytes(path),
            walBytes: LogFile.bytes(path + "-wal"),
            streams: newest.prefix(BusStatus.listMax).map { LogFigures.Stream(topic: $0.key, last: $0.value.last) },
            streamCount: newest.count,
            dead: dead
        )
    }
}
