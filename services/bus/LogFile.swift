import Bus
import Events
import FoundationEssentials
import GRDB
import Glibc

/// A log's file that no broker has open: a copy that was made, or one that shall take the log's place.
enum LogFile {
    /// The file's name in the log's directory that takes the log's place at the next start.
    static let restoreName = "restore.sqlite"

    /// Checks a whole file: its structure, and the checksum of each record.
    /// - Parameter progress: Told how many records of how many are checked.
    /// - Returns: Sequence of the newest record.
    /// - Throws: ``LogError`` that names what is wrong.
    @discardableResult
    static func check(_ path: String, progress: (Int, Int) -> Void = { _, _ in }) throws -> UInt64 {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.writeWithoutTransaction { db in
            // One file, without a journal beside it.
            try db.execute(sql: "PRAGMA journal_mode = DELETE")
            let answer = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
            guard answer == "ok" else { throw LogError(answer) }
            let names = try Row.fetchAll(db, sql: "SELECT id, name FROM topic").reduce(into: [Int64: String]()) {
                $0[$1[0]] = $1[1]
            }
            let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM record") ?? 0
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT sequence, topic, checksum, header, data FROM record ORDER BY sequence"
            )
            var (done, head) = (0, UInt64(0))
            while let row = try rows.next() {
                let (sequence, topic, checksum): (Int64, Int64, Int64) = (row[0], row[1], row[2])
                let (header, data): (Data, Data) = (row[3], row[4])
                let actual = CRC32C.of(Array((names[topic] ?? "").utf8), Array(header), Array(data))
                guard actual == UInt32(truncatingIfNeeded: checksum) else {
                    throw LogError("record \(sequence) does not fit its checksum")
                }
                head = UInt64(sequence)
                done += 1
                if done % 4096 == 0 { progress(done, total) }
            }
            progress(done, total)
            return head
        }
    }

    /// Puts a backup in the log's place when one lies there for it: it is checked, and gets a new epoch, because what it
    /// lacks may have been seen by consumers. The log that was there is kept beside it.
    ///
    /// Killed at any moment, it does the same again at the next start.
    /// - Returns: Where the log is that was replaced, or an empty text when there was none; nil when nothing was to do.
    /// - Throws: ``LogError`` when the file is no good log; nothing was changed.
    static func restore(in directory: String, now: Timestamp) throws -> String? {
        let (source, target) = ("\(directory)/\(restoreName)", "\(directory)/bus.sqlite")
        guard FileManager.default.fileExists(atPath: source) else { return nil }
        do {
            try check(source)
            let queue = try DatabaseQueue(path: source)
            try queue.write { db in
                let old = try Int64.fetchOne(db, sql: "SELECT epoch FROM log") ?? 0
                try db.execute(
                    sql: "UPDATE log SET epoch = ?",
                    arguments: [max(old + 1, now.microseconds / 1000)]
                )
            }
            try queue.close()
        } catch {
            throw LogError("\(source): \(error); remove it to go on with the log that is there")
        }
        try sync(source)
        var kept = ""
        for suffix in ["-wal", "-shm", ""] where FileManager.default.fileExists(atPath: target + suffix) {
            if kept.isEmpty {
                kept = "\(directory)/replaced-\(now.microseconds / 1000)"
                try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
            }
            guard rename(target + suffix, "\(kept)/bus.sqlite\(suffix)") == 0 else {
                throw LogError("cannot move \(target)\(suffix) to \(kept)")
            }
        }
        guard rename(source, target) == 0 else { throw LogError("cannot rename \(source) to \(target)") }
        try sync(directory)
        return kept
    }

    /// Size of a file; 0 when it is not there.
    static func bytes(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Waits until a file, or a directory's names, are on disk.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError("cannot open \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogError("cannot sync \(path): \(String(cString: strerror(errno)))") }
    }
}
