import Bus
import Events
import FoundationEssentials
import GRDB
import Logging
import ZeroMQ

/// The thread that owns the log: it writes what has come up since the last commit as one, so the batch grows by itself
/// while the disk is slow, and the socket thread never waits for it.
final class LogThread: Sendable {
    enum Command: Sendable {
        case append([Append], [LogNote])
        case read(ReadRequest)
        case store(StoreRequest)
        case stop
    }

    enum Result: Sendable {
        case committed(Commit)
        case read(ReadResult)
        case stored(StoreRequest, StoreOutcome)
        /// Nothing can be relied on any more: the process must end and recover from disk.
        case fatal(String)
    }

    private let mailbox = Mailbox<Command>()
    private let thread: DedicatedThread

    /// Starts the thread over a log that was opened for it.
    init(log: EventLog, logger: Logger, results: @escaping @Sendable (Result) -> Void) {
        let mailbox = mailbox
        thread = DedicatedThread("log") {
            Self.run(log, mailbox, logger, results)
        }
    }

    func post(_ command: Command) { mailbox.post(command) }

    /// Writes what waits and ends.
    func stop() {
        mailbox.post(.stop)
        thread.join()
    }

    private static var now: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    private static func run(
        _ log: EventLog,
        _ mailbox: Mailbox<Command>,
        _ logger: Logger,
        _ results: @Sendable (Result) -> Void
    ) {
        var failedGeneration: UInt64 = 0
        var held = HeldNotes()
        let backups = Backups(logDirectory: log.directory)
        while true {
            mailbox.wait(milliseconds: backups.isCopying ? 0 : 1000)
            let commands = mailbox.drain()
            do {
                backups.step(log)
                if commands.isEmpty, !backups.isCopying { try maintain(log, logger) { try log.maintain(at: now) } }
                try maintain(log, logger) { try log.trim(at: now) }
                var batch = Batch()
                for command in commands {
                    switch command {
                    case .append(let appends, let notes):
                        for append in appends {
                            if batch.isFull { try commit(&batch, log, &failedGeneration, &held, logger, results) }
                            batch.add(append)
                        }
                        batch.notes += notes
                    case .read(let request):
                        try commit(&batch, log, &failedGeneration, &held, logger, results)
                        results(.read(try log.read(request)))
                    case .store(let request):
                        try commit(&batch, log, &failedGeneration, &held, logger, results)
                        results(.stored(request, try perform(request.operation, log, backups)))
                    case .stop:
                        try commit(&batch, log, &failedGeneration, &held, logger, results)
                        backups.stop(log)
                        return
                    }
                }
                try commit(&batch, log, &failedGeneration, &held, logger, results)
            } catch {
                logger.critical("the log cannot go on", metadata: ["error": "\(error)"])
                results(.fatal("\(error)"))
                return
            }
        }
    }

    private struct Batch {
        var appends: [Append] = []
        var notes: [LogNote] = []
        var bytes = 0

        var isFull: Bool { appends.count >= EventLog.batchRecordsMax || bytes >= EventLog.batchBytesMax }

        mutating func add(_ append: Append) {
            appends.append(append)
            bytes += append.bytes
        }
    }

    /// A full disk refuses what an operator wants and nothing else.
    private static func perform(_ operation: StoreOperation, _ log: EventLog, _ backups: Backups) throws -> StoreOutcome
    {
        do { return try log.perform(operation, backups: backups) } catch let error as DatabaseError
            where error.resultCode == .SQLITE_FULL
        {
            return .refused(
                Refusal(.full, "the log's disk is full; free space on the bus's volume", retryAfterMs: 1000)
            )
        }
    }

    /// Notes of batches that could not be written: they are true all the same, and go with the next batch.
    private struct HeldNotes {
        /// Beyond it the oldest go: jobs that were done then come again after a restart.
        private static let countMax = 65_536

        var notes: [LogNote] = []

        mutating func hold(_ more: [LogNote]) {
            notes = Array((notes + more).suffix(Self.countMax))
        }
    }

    /// A full disk puts the maintenance off; what is in the log stays.
    private static func maintain(_ log: EventLog, _ logger: Logger, _ work: () throws -> Void) throws {
        do { try work() } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            logger.error("the log's disk is full", metadata: ["error": "\(error)"])
        }
    }

    /// Writes the batch. A full disk refuses it and nothing else; a failed fsync or a damaged file is the end.
    private static func commit(
        _ batch: inout Batch,
        _ log: EventLog,
        _ failedGeneration: inout UInt64,
        _ held: inout HeldNotes,
        _ logger: Logger,
        _ results: @Sendable (Result) -> Void
    ) throws {
        defer { batch = Batch() }
        guard !batch.appends.isEmpty || !batch.notes.isEmpty else { return }
        batch.notes = held.notes + batch.notes
        held = HeldNotes()
        let generation = batch.appends.map(\.generation).min() ?? .max
        if generation <= failedGeneration {
            // Newer appends of the same batch are refused too, so what follows on them may not be written either.
            failedGeneration = batch.appends.map(\.generation).max() ?? failedGeneration
            held.hold(batch.notes)
            refuse(batch.appends, "an earlier batch could not be written", results)
            return
        }
        do {
            if !batch.appends.isEmpty, let reason = try log.refusalAtLimit() {
                failedGeneration = batch.appends.map(\.generation).max() ?? failedGeneration
                logger.error("the log refuses events", metadata: ["reason": "\(reason)"])
                // What consumers and groups have done is what makes room.
                _ = try log.write([], batch.notes, at: now)
                refuse(batch.appends, reason, results)
                return
            }
            let commit = try log.write(batch.appends, batch.notes, at: now)
            if !commit.appends.isEmpty { results(.committed(commit)) }
            try maintain(log, logger) { try log.checkpoint() }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            failedGeneration = batch.appends.map(\.generation).max() ?? failedGeneration
            logger.error("the log's disk is full", metadata: ["error": "\(error)"])
            held.hold(batch.notes)
            refuse(batch.appends, "the log's disk is full; free space on the bus's volume", results)
        }
    }

    private static func refuse(_ appends: [Append], _ message: String, _ results: @Sendable (Result) -> Void) {
        guard !appends.isEmpty else { return }
        results(
            .committed(
                Commit(
                    appends: appends,
                    outcomes: [],
                    records: [],
                    failure: Refusal(.full, message, retryAfterMs: 500)
                )
            )
        )
    }
}
