import Events
import Foundation
import GRDB
import Glibc
import Logging
import Testing
import ZeroMQ

@testable import Bus
@testable import BusApp

/// Progress, dead letters and copies of the broker's log, on real files.
struct GroupLogTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)")
        .path
    private let now = Timestamp(microseconds: 1_700_000_000_000_000)
    private var path: String { "\(directory)/bus.sqlite" }

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: directory) }

    private func append(_ text: String, _ topic: String = "e/s/a/") -> Append {
        Append(
            topic: topic,
            flags: .durable,
            header: Array(#"{"specversion":"1.0","id":"1","source":"//s","type":"t"}"#.utf8),
            data: Array(text.utf8),
            identity: .own,
            requester: nil,
            generation: 1
        )
    }

    private func note(_ note: GroupNote, of group: String = "g") -> LogNote { .group(name: group, note) }

    private func failure(_ sequence: UInt64, _ deliveries: UInt32 = 5) -> JobFailure {
        JobFailure(sequence: sequence, deliveries: deliveries, reason: Refusal(.badData, "cannot \(sequence)"))
    }

    private func letters(_ outcome: StoreOutcome) -> [DeadLetter] {
        if case .dead(let letters, _) = outcome { letters } else { [] }
    }

    private func revived(_ outcome: StoreOutcome) -> [UInt64] {
        if case .revived(let jobs, _) = outcome { jobs.map(\.failure.sequence) } else { [] }
    }

    private func refusal(_ outcome: StoreOutcome) -> ErrorCode? {
        if case .refused(let refusal) = outcome { refusal.code } else { nil }
    }

    @Test("What the notes say is there after the log is opened again, and nothing below the floor is kept")
    func notes() throws {
        defer { cleanUp() }
        let filters = [try TopicFilter("e/s/")]
        let expected = LogSnapshot.Group(
            filters: filters,
            floor: 4,
            done: [6, 8],
            failures: [7: failure(7, 2)]
        )
        do {
            let log = try EventLog(path: path)
            _ = try log.write(
                [],
                [
                    note(.defined(filters: filters, floor: 0)), note(.progressed(floor: 1, done: [3, 4])),
                    note(.failed(failure(2, 1), isRevived: false)), note(.failed(failure(7, 1), isRevived: false)),
                    note(.failed(failure(7, 2), isRevived: false)), note(.progressed(floor: 4, done: [6])),
                    note(.progressed(floor: 4, done: [8])),
                ],
                at: now
            )
        }
        #expect(try EventLog(path: path).snapshot.groups == ["g": expected])
        let queue = try DatabaseQueue(path: path)
        let kept = try queue.read { db in
            (
                try Int64.fetchAll(db, sql: "SELECT sequence FROM groupDone ORDER BY sequence"),
                try Int64.fetchAll(db, sql: "SELECT sequence FROM groupFailure")
            )
        }
        #expect(kept.0 == [6, 8] && kept.1 == [7])
    }

    @Test("A log of the first version is opened, with its groups")
    func migration() throws {
        defer { cleanUp() }
        do {
            let queue = try DatabaseQueue(path: path)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("log-1") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;
                        CREATE TABLE topic (
                            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL) STRICT;
                        CREATE TABLE record (
                            sequence INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topic (id),
                            previous INTEGER NOT NULL, flags INTEGER NOT NULL, checksum INTEGER NOT NULL,
                            header BLOB NOT NULL, data BLOB NOT NULL) STRICT;
                        CREATE TABLE producer (
                            name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE consumer (
                            name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                        CREATE TABLE workGroup (
                            name TEXT PRIMARY KEY, filters TEXT NOT NULL, floor INTEGER NOT NULL, done TEXT NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE seen (
                            source TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
                            PRIMARY KEY (source, id)) STRICT, WITHOUT ROWID;
                        CREATE INDEX seenAt ON seen (at);
                        INSERT INTO log VALUES (1, 77);
                        INSERT INTO workGroup VALUES ('infer', '["e/s/"]', 41, '[43,45]'), ('other', '["e/"]', 2, '[]');
                        INSERT INTO consumer VALUES ('c', 40);
                        """
                )
            }
            try migrator.migrate(queue)
        }
        let log = try EventLog(path: path)
        #expect(log.snapshot.epoch == 77 && log.snapshot.consumers == ["c": 40])
        #expect(log.snapshot.groups["infer"] == .init(filters: [try TopicFilter("e/s/")], floor: 41, done: [43, 45]))
        #expect(log.snapshot.groups["other"] == .init(filters: [try TopicFilter("e/")], floor: 2))
    }

    @Test("Dead letters are listed, shown, requeued once, and gone when the job is done; all of it survives")
    func deadLetters() throws {
        defer { cleanUp() }
        let filters = [try TopicFilter("e/s/")]
        do {
            let log = try EventLog(path: path)
            _ = try log.write((1...4).map { append("\($0)") }, [note(.defined(filters: filters, floor: 0))], at: now)
            _ = try log.write(
                [],
                [
                    note(.failed(failure(2, 4), isRevived: false)), note(.buried(failure(2))),
                    note(.buried(failure(3))), note(.buried(failure(1)), of: "h"),
                    note(.progressed(floor: 4, done: [])),
                ],
                at: now
            )
            let all = letters(try log.listDead(group: nil, after: nil, limit: 10))
            #expect(all.map(\.sequence) == [2, 3, 1] && all.map(\.group) == ["g", "g", "h"])
            let first = DeadLetter(
                group: "g",
                sequence: 2,
                topic: "e/s/a/",
                deliveries: 5,
                code: .badData,
                message: "cannot 2",
                at: now
            )
            #expect(all.first == first)
            let after = DeadLetter.Place(group: "g", sequence: 2)
            #expect(letters(try log.listDead(group: nil, after: after, limit: 1)).map(\.sequence) == [3])
            #expect(letters(try log.listDead(group: "h", after: nil, limit: 9)).map(\.sequence) == [1])
            guard case .deadRecord(_, let record?) = try log.showDead(.init(group: "g", sequence: 3)) else {
                Issue.record("no record was shown")
                return
            }
            #expect(record.data == Array("3".utf8))
            #expect(refusal(try log.showDead(.init(group: "g", sequence: 4))) == .notFound)
            #expect(revived(try log.requeue(group: "g", sequence: 2, limit: 10)) == [2])
            #expect(refusal(try log.requeue(group: "g", sequence: 2, limit: 10)) == .notFound, "once")
        }
        let log = try EventLog(path: path)
        #expect(log.snapshot.deadCounts == ["g": 1, "h": 1])
        #expect(log.snapshot.groups["g"]?.revived[2]?.deliveries == 0)
        #expect(revived(try log.loadRevived()) == [2])
        _ = try log.write([], [note(.failed(failure(2, 1), isRevived: true))], at: now)
        #expect(try EventLog(path: path).snapshot.groups["g"]?.revived[2]?.deliveries == 1)
        _ = try log.write([], [note(.revivedDone(2))], at: now)
        #expect(revived(try log.loadRevived()) == [])
        #expect(revived(try log.requeue(group: nil, sequence: nil, limit: 1)).count == 1)
        #expect(revived(try log.requeue(group: nil, sequence: nil, limit: 9)).count == 1)
        _ = try log.write([], [note(.buried(failure(3)))], at: now)
        #expect(letters(try log.listDead(group: nil, after: nil, limit: 9)).map(\.sequence) == [3], "dead once more")
        _ = try log.removeGroup("g")
        let reopened = try EventLog(path: path).snapshot
        #expect(reopened.groups.isEmpty && reopened.deadCounts.isEmpty)
    }

    @Test("The store of dead letters is bounded; the oldest go")
    func bounded() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        _ = try log.write([], [note(.defined(filters: [], floor: 0))], at: now)
        _ = try log.write([], (1...UInt64(EventLog.deadMax) + 150).map { note(.buried(failure($0))) }, at: now)
        #expect(try log.queue.read { try EventLog.deadCounts($0) } == ["g": EventLog.deadMax + 50])
        #expect(letters(try log.listDead(group: nil, after: nil, limit: 1)).map(\.sequence) == [101])
    }

    /// What the log's thread reported, waited for one by one.
    private final class Results: Sendable {
        private let mailbox = Mailbox<LogThread.Result>()

        var hand: @Sendable (LogThread.Result) -> Void { { [mailbox] in mailbox.post($0) } }

        func next() -> LogThread.Result? {
            for _ in 0..<200 {
                mailbox.wait(milliseconds: 100)
                if let first = mailbox.drain().first { return first }
            }
            return nil
        }
    }

    @Test("What a full disk could not take of a group goes with the next batch", .timeLimit(.minutes(1)))
    func fullDisk() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        _ = try log.write([append("1")], [note(.defined(filters: [], floor: 0))], at: now)
        let results = Results()
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let thread = LogThread(log: log, logger: quiet, results: results.hand)
        func limit(_ pages: Int) throws {
            try log.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        }
        // Everything that is free is taken, and the file may not grow.
        try log.queue.write { db in
            let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            try db.execute(sql: "CREATE TABLE junk (bytes BLOB)")
            for _ in 0..<free { try db.execute(sql: "INSERT INTO junk VALUES (zeroblob(4000))") }
        }
        try limit(1)
        let large = append(String(repeating: "x", count: 50_000))
        thread.post(.append([large, large], [note(.progressed(floor: 0, done: [7])), note(.buried(failure(9)))]))
        guard case .committed(let refused)? = results.next() else {
            Issue.record("nothing was reported")
            return
        }
        #expect(refused.failure?.code == .full && refused.records.isEmpty)
        try limit(1_000_000)
        var small = append("2")
        small.generation = 2
        thread.post(.append([small], [note(.progressed(floor: 0, done: [8]))]))
        guard case .committed(let taken)? = results.next() else {
            Issue.record("nothing was reported")
            return
        }
        #expect(taken.records.map(\.sequence) == [2])
        thread.stop()
        let snapshot = try EventLog(path: path).snapshot
        #expect(snapshot.groups["g"]?.done == [7, 8])
        #expect(snapshot.deadCounts == ["g": 1])
    }

    // MARK: Retention

    private func oldest(_ log: EventLog) throws -> Int64 {
        try log.queue.read { try Int64.fetchOne($0, sql: "SELECT min(sequence) FROM record") ?? 0 }
    }

    private func trim(_ log: EventLog, at time: Timestamp) throws -> Int {
        var all = 0
        while case let removed = try log.trim(at: time), removed > 0 {
            all += removed
            log.trimAt = time
        }
        return all
    }

    @Test("Old records go when every consumer and group has had them, and the numbering goes on")
    func retentionByAge() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        log.retention = Retention(age: .seconds(3600))
        func minutes(_ count: Double) -> Timestamp { Timestamp(seconds: now.seconds + count * 60) }
        try write(log, 50)
        _ = try log.write(
            [],
            [.consumer(name: "slow", cursor: 20), note(.defined(filters: [], floor: 30)), note(.buried(failure(25)))],
            at: now
        )
        #expect(try trim(log, at: minutes(0)) == 0)
        try write(log, 50)
        #expect(try trim(log, at: minutes(59)) == 0, "nothing is old yet")
        #expect(try trim(log, at: minutes(61)) == 20, "the slow consumer has had 20")
        #expect(try oldest(log) == 21)
        _ = try log.write([], [.consumer(name: "slow", cursor: 90)], at: now)
        #expect(try trim(log, at: minutes(61)) == 0, "it looks once a second")
        #expect(try trim(log, at: minutes(62)) == 10, "the group is at 30")
        #expect(revived(try log.requeue(group: "g", sequence: nil, limit: 9)) == [], "its record is gone")
        _ = try log.write([], [note(.progressed(floor: 100, done: []))], at: now)
        #expect(try trim(log, at: minutes(63)) == 20, "what came after the first mark is younger")
        _ = try log.write([], [.consumer(name: "slow", cursor: 100)], at: now)
        #expect(try trim(log, at: minutes(600)) == 49, "the newest record stays")
        let reopened = try EventLog(path: path)
        #expect(reopened.snapshot.head == 100)
        #expect(try reopened.write([append("x")], [], at: now).records.map(\.sequence) == [101])
        #expect(try read(reopened, after: 0) == [100, 101])
    }

    private func read(_ log: EventLog, after: UInt64) throws -> [UInt64] {
        let owner = ReadOwner.fetch(Requester(peer: PeerID([1]), correlation: 1))
        let request = ReadRequest(owner: owner, filters: [try TopicFilter("e/")], after: after, limit: 9)
        return try log.read(request).records.map(\.sequence)
    }

    @Test(
        "A log that is too large loses its oldest records; held back, it refuses events and names who holds it",
        .timeLimit(.minutes(1))
    )
    func retentionByBytes() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        let base = try log.usedBytes()
        log.retention = Retention(bytes: base + 1_000_000, bytesMax: base + 2_000_000)
        _ = try log.write([], [.consumer(name: "slow", cursor: 0)], at: now)
        try write(log, 300)
        #expect(try log.usedBytes() > base + 1_000_000)
        #expect(try trim(log, at: now) == 0)
        #expect(try log.refusalAtLimit() == nil)
        try write(log, 200)
        let reason = try #require(try log.refusalAtLimit())
        #expect(reason.contains("consumer 'slow'") && reason.contains("log.bytes.max"))
        let results = Results()
        let thread = LogThread(
            log: log,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            results: results.hand
        )
        thread.post(.append([append("no")], []))
        guard case .committed(let refused)? = results.next() else {
            Issue.record("nothing was reported")
            return
        }
        #expect(refused.failure?.code == .full && refused.failure?.message == reason)
        // The cursor is taken all the same, and that makes room.
        var again = append("again")
        again.generation = 2
        thread.post(.append([again], [.consumer(name: "slow", cursor: 500)]))
        _ = results.next()
        thread.stop()
        log.trimAt = now
        _ = try trim(log, at: now)
        #expect((150...350).contains(try oldest(log) - 1), "as many as are too many")
        #expect(try log.refusalAtLimit() == nil)
        #expect(try log.usedBytes() < base + 1_010_000)
        #expect(log.head == 500)
    }

    // MARK: Copies

    private func copy(_ log: EventLog, _ backups: Backups, _ between: () throws -> Void = {}) throws -> BackupProgress {
        while backups.isCopying {
            backups.step(log)
            try between()
        }
        while backups.progress.state == .verifying { sched_yield() }
        return backups.progress
    }

    private func write(_ log: EventLog, _ count: Int) throws {
        _ = try log.write((0..<count).map { _ in append(String(repeating: "x", count: 2000)) }, [], at: now)
    }

    @Test(
        "A copy is made in steps while the log grows, holds what was there at its end, and is checked",
        .timeLimit(.minutes(1))
    )
    func backup() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        for _ in 0..<5 { try write(log, 500) }
        let backups = Backups(logDirectory: directory)
        guard case .backup(let begun) = backups.begin("b1.sqlite", of: log) else {
            Issue.record("the backup did not begin")
            return
        }
        #expect(begun.state == .copying && begun.path == "\(directory)/backups/b1.sqlite")
        #expect(refusal(backups.begin("b2.sqlite", of: log)) == .busy)
        var steps = 0
        let end = try copy(log, backups) {
            steps += 1
            if steps < 6 { try write(log, 3) }
        }
        #expect(end.state == .done, "\(end)")
        #expect(steps > 5)
        #expect(end.head == log.head && log.head == 2515)
        #expect(try LogFile.check(end.path) == 2515)
        #expect(end.bytes == LogFile.bytes(end.path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/backups") == ["b1.sqlite"])
        #expect(refusal(backups.begin("b1.sqlite", of: log)) == .storage, "no file is written over")
        try write(log, 1)
        #expect(log.head == 2516)
    }

    @Test("A copy of a damaged log is not good, and no file is left", .timeLimit(.minutes(1)))
    func damagedBackup() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        try write(log, 300)
        try log.queue.write { try $0.execute(sql: "UPDATE record SET data = x'00' WHERE sequence = 7") }
        let backups = Backups(logDirectory: directory)
        _ = backups.begin("b.sqlite", of: log)
        let end = try copy(log, backups)
        #expect(end.state == .failed)
        #expect(end.message?.contains("record 7") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/backups").isEmpty)
    }

    @Test("What a killed broker left of a copy is removed at the next start")
    func leftover() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        try write(log, 300)
        let backups = Backups(logDirectory: directory)
        _ = backups.begin("b.sqlite", of: log)
        backups.step(log)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/backups") == [".b.sqlite.part"])
        _ = Backups(logDirectory: directory)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/backups").isEmpty)
        backups.stop(log)
    }

    @Test("A backup takes the log's place with a new epoch; the old log is kept", .timeLimit(.minutes(1)))
    func restore() throws {
        defer { cleanUp() }
        var epoch: UInt64 = 0
        do {
            let log = try EventLog(path: path)
            epoch = log.epoch
            try write(log, 20)
            let backups = Backups(logDirectory: directory)
            _ = backups.begin("b.sqlite", of: log)
            #expect(try copy(log, backups).state == .done)
            try write(log, 5)
        }
        #expect(try LogFile.restore(in: directory, now: now) == nil, "nothing lies there")
        try FileManager.default.moveItem(
            atPath: "\(directory)/backups/b.sqlite",
            toPath: "\(directory)/\(LogFile.restoreName)"
        )
        let kept = try #require(try LogFile.restore(in: directory, now: now))
        let log = try EventLog(path: path)
        #expect(log.head == 20)
        #expect(log.epoch > epoch)
        #expect(try EventLog(path: "\(kept)/bus.sqlite").head == 25)
        #expect(try LogFile.restore(in: directory, now: now) == nil)
    }

    @Test("A damaged backup does not take the log's place")
    func badRestore() throws {
        defer { cleanUp() }
        do { try write(try EventLog(path: path), 5) }
        try Data("no database".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(LogFile.restoreName)"))
        let error = try #require(throws: LogError.self) { try LogFile.restore(in: directory, now: now) }
        #expect(error.description.contains(LogFile.restoreName))
        #expect(try EventLog(path: path).head == 5)
    }
}
