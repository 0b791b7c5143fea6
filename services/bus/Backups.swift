import Bus
import Events
import FoundationEssentials
import GRDB
import GRDBSQLite
import Glibc
import Synchronization
import ZeroMQ

/// Copies of the log while it is in use, one at a time.
///
/// Pages are copied in steps on the log's own connection, which is the only one to its file; appends go on between the
/// steps and are part of the copy. Then a thread of its own checks the copy, which may take long, and gives it its
/// name: a file in `backups/` is whole, or it is not there.
final class Backups {
    /// Pages in one step: 256 KiB, so an append waits for a few milliseconds at most.
    private static let pagesPerStep: Int32 = 64

    private let directory: String
    private let shared = SharedProgress()
    private var copy: Copy?

    private final class SharedProgress: Sendable {
        let value = Mutex(BackupProgress(state: .none))
    }

    private struct Copy {
        let name: String
        let target: OpaquePointer
        let backup: OpaquePointer
    }

    /// Copies go to `backups` in the log's directory; what is left of unfinished ones is removed.
    init(logDirectory: String) {
        directory = "\(logDirectory)/backups"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for file in files where file.hasPrefix(".") { unlink("\(directory)/\(file)") }
    }

    var progress: BackupProgress { shared.value.withLock { $0 } }

    /// Whether ``step(_:)`` has something to do.
    var isCopying: Bool { copy != nil }

    /// Begins a copy.
    func begin(_ name: String, of log: EventLog) -> StoreOutcome {
        let present = progress
        guard copy == nil, present.state != .verifying else {
            return .refused(Refusal(.busy, "a backup to \(present.path) is under way", retryAfterMs: 1000))
        }
        let path = "\(directory)/\(name)"
        guard !FileManager.default.fileExists(atPath: path) else {
            return .refused(Refusal(.storage, "\(path) exists; choose another name or remove it"))
        }
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            copy = try open(name, of: log)
        } catch { return .refused(Refusal(.storage, "cannot write \(path): \(error)")) }
        let begun = BackupProgress(state: .copying, path: path, total: 1)
        shared.value.withLock { $0 = begun }
        return .backup(begun)
    }

    private func temporary(_ name: String) -> String { "\(directory)/.\(name).part" }

    private func open(_ name: String, of log: EventLog) throws -> Copy {
        var target: OpaquePointer?
        unlink(temporary(name))
        let status = sqlite3_open_v2(
            temporary(name),
            &target,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
            nil
        )
        guard status == SQLITE_OK, let target else {
            sqlite3_close(target)
            throw LogError("error \(status) of SQLite")
        }
        // The file is synced as a whole before it gets its name, and removed if it does not come that far.
        sqlite3_exec(target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nil, nil, nil)
        let backup = log.queue.writeWithoutTransaction { db in
            sqlite3_backup_init(target, "main", db.sqliteConnection, "main")
        }
        guard let backup else {
            defer { sqlite3_close(target) }
            throw LogError(String(cString: sqlite3_errmsg(target)))
        }
        return Copy(name: name, target: target, backup: backup)
    }

    /// Copies some pages; after the last ones the check begins.
    func step(_ log: EventLog) {
        guard let copy else { return }
        let (status, left, total) = log.queue.writeWithoutTransaction { _ in
            let status = sqlite3_backup_step(copy.backup, Self.pagesPerStep)
            return (status, sqlite3_backup_remaining(copy.backup), sqlite3_backup_pagecount(copy.backup))
        }
        switch status {
        case SQLITE_OK, SQLITE_BUSY, SQLITE_LOCKED:
            shared.value.withLock { ($0.done, $0.total) = (Int(total - left), Int(max(total, 1))) }
        case SQLITE_DONE:
            close(log)
            verify(copy.name)
        default:
            let reason = String(cString: sqlite3_errmsg(copy.target))
            close(log)
            unlink(temporary(copy.name))
            shared.value.withLock { ($0.state, $0.message) = (.failed, "error \(status) of SQLite: \(reason)") }
        }
    }

    private func close(_ log: EventLog) {
        guard let copy else { return }
        self.copy = nil
        log.queue.writeWithoutTransaction { _ in _ = sqlite3_backup_finish(copy.backup) }
        sqlite3_close(copy.target)
    }

    /// Gives up what is under way; the process ends.
    func stop(_ log: EventLog) {
        guard let name = copy?.name else { return }
        close(log)
        unlink(temporary(name))
    }

    private func verify(_ name: String) {
        let (temporary, path, directory, shared) = (temporary(name), "\(directory)/\(name)", directory, shared)
        shared.value.withLock { ($0.state, $0.done) = (.verifying, 0) }
        _ = DedicatedThread("backup-check") {
            do {
                let head = try LogFile.check(temporary) { done, total in
                    shared.value.withLock { ($0.done, $0.total) = (done, max(total, 1)) }
                }
                try LogFile.sync(temporary)
                guard rename(temporary, path) == 0 else { throw LogError("cannot rename it to \(path)") }
                try LogFile.sync(directory)
                shared.value.withLock {
                    ($0.state, $0.head, $0.bytes) = (.done, head, LogFile.bytes(path))
                }
            } catch {
                unlink(temporary)
                shared.value.withLock { ($0.state, $0.message) = (.failed, "the copy is not good: \(error)") }
            }
        }
    }
}
