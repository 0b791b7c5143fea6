import Events
import Foundation
import GRDB
import Testing

@testable import Bus
@testable import BusApp

/// The broker's log on a real file.
struct EventLogTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString).sqlite")
        .path
    private let now = Timestamp(microseconds: 1_700_000_000_000_000)

    private func append(_ topic: String, _ text: String, _ identity: Append.Identity = .own) -> Append {
        Append(
            topic: topic,
            flags: .durable,
            header: Array("{}".utf8),
            data: Array(text.utf8),
            identity: identity,
            requester: nil,
            generation: 1
        )
    }

    private func sequenced(_ topic: String, _ number: UInt64) -> Append {
        append(topic, "\(number)", .sequenced(producer: "p", epoch: 3, sequence: number))
    }

    private func read(_ log: EventLog, _ filter: String, after: UInt64 = 0, limit: Int = 100) throws -> ReadResult {
        let requester = Requester(peer: PeerID([1]), correlation: 1)
        return try log.read(
            ReadRequest(owner: .fetch(requester), filters: [try TopicFilter(filter)], after: after, limit: limit)
        )
    }

    @discardableResult
    private func write(_ appends: [Append], to log: EventLog) throws -> [Bus.Record] {
        try log.write(appends, [], at: now).records
    }

    private func cleanUp() {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    @Test("Records come back in order, each with the one before it on its topic")
    func order() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        let commit = try log.write(
            [append("e/s/a/", "1"), append("e/s/b/", "2"), append("e/s/a/", "3")],
            [],
            at: now
        )
        #expect(commit.outcomes == [.appended(1), .appended(2), .appended(3)])
        #expect(commit.records.map(\.previous) == [0, 0, 1])
        _ = try log.write([append("e/s/a/", "4")], [], at: now)
        let result = try read(log, "e/s/a/")
        #expect(result.records.map(\.sequence) == [1, 3, 4])
        #expect(result.records.map(\.previous) == [0, 1, 3])
        #expect(result.scannedTo == 4)
        #expect(try read(log, "e/s/b/", after: 2).records == [])
        #expect(try read(log, "", limit: 2).scannedTo == 2)
    }

    @Test("What was committed is there after the log is opened again, with producers, cursors and groups")
    func reopen() throws {
        defer { cleanUp() }
        let filter = try TopicFilter("e/s/")
        var epoch: UInt64 = 0
        do {
            let log = try EventLog(path: path)
            epoch = log.snapshot.epoch
            _ = try log.write(
                [sequenced("e/s/a/", 1), sequenced("e/s/a/", 2)],
                [
                    .consumer(name: "c", cursor: 2), .group(name: "g", .defined(filters: [filter], floor: 0)),
                    .group(name: "g", .progressed(floor: 1, done: [2])),
                ],
                at: now
            )
            _ = try log.write([], [.consumer(name: "c", cursor: 1)], at: now)
        }
        let log = try EventLog(path: path)
        #expect(log.snapshot.epoch == epoch && log.snapshot.head == 2)
        #expect(log.snapshot.producers == ["p": .init(epoch: 3, sequence: 2)])
        #expect(log.snapshot.consumers == ["c": 2], "a cursor never goes back")
        #expect(log.snapshot.groups == ["g": .init(filters: [filter], floor: 1, done: [2])])
        let commit = try log.write([append("e/s/a/", "3")], [], at: now)
        #expect(commit.records.map(\.sequence) == [3] && commit.records.map(\.previous) == [2])
    }

    @Test("An event with a source and id that are known is a duplicate, with the sequence it has")
    func duplicates() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        let event = append("e/s/a/", "1", .named(source: "//x", id: "7"))
        #expect(try log.write([event, event], [], at: now).outcomes == [.appended(1), .duplicate(1)])
        #expect(try log.write([event], [], at: now).outcomes == [.duplicate(1)])
        let other = append("e/s/a/", "1", .named(source: "//y", id: "7"))
        #expect(try log.write([other], [], at: now).outcomes == [.appended(2)])
    }

    @Test("LAST gives the newest record of each topic that matches")
    func last() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        _ = try log.write(
            [append("e/s/a/", "1"), append("e/s/b/", "2"), append("e/s/a/", "3"), append("e/t/a/", "4")],
            [],
            at: now
        )
        let requester = Requester(peer: PeerID([1]), correlation: 1)
        let result = try log.read(
            ReadRequest(owner: .last(requester), filters: [try TopicFilter("e/s/")], after: 0, limit: 100)
        )
        #expect(result.records.map(\.sequence) == [2, 3])
    }

    @Test("A record whose bytes changed on disk is found at the start and named")
    func damage() throws {
        defer { cleanUp() }
        do {
            let log = try EventLog(path: path)
            _ = try log.write([append("e/s/a/", "1"), append("e/s/a/", "2")], [], at: now)
        }
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write { try $0.execute(sql: "UPDATE record SET data = x'00' WHERE sequence = 2") }
        }
        let error = try #require(throws: LogError.self) { _ = try EventLog(path: path) }
        #expect(error.description.contains("record 2") && error.description.contains("backup"))
    }

    @Test("An old record whose bytes changed on disk is named when it is read, and not served")
    func oldDamage() throws {
        defer { cleanUp() }
        do {
            let log = try EventLog(path: path)
            _ = try log.write((1...400).map { append("e/s/a/", "\($0)") }, [], at: now)
        }
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write { try $0.execute(sql: "UPDATE record SET data = x'00' WHERE sequence = 3") }
        }
        let log = try EventLog(path: path)
        #expect(try read(log, "e/s/a/", after: 3).records.count == 100)
        let error = try #require(throws: LogError.self) { _ = try read(log, "e/s/a/") }
        #expect(error.description.contains("record 3"))
    }

    @Test("A batch that fails leaves the log as it was")
    func failedBatch() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        _ = try log.write([append("e/s/a/", "1")], [], at: now)
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write {
                try $0.execute(
                    sql: """
                        CREATE TRIGGER poison BEFORE INSERT ON record WHEN new.data = x'21'
                        BEGIN SELECT raise(ABORT, 'poison'); END
                        """
                )
            }
        }
        #expect(throws: DatabaseError.self) {
            try log.write([append("e/s/new/", "2"), append("e/s/a/", "!")], [], at: now)
        }
        let commit = try log.write([append("e/s/a/", "3")], [], at: now)
        #expect(commit.records.map(\.sequence) == [2] && commit.records.map(\.previous) == [1])
        #expect(try read(log, "").records.map(\.topic) == ["e/s/a/", "e/s/a/"])
    }

    @Test("The newest record of each topic is known after a restart, whether or not the WAL was written back between")
    func topicsAfterRestart() throws {
        defer { cleanUp() }
        let big = String(repeating: "x", count: 50_000)
        do {
            let log = try EventLog(path: path)
            for _ in 0..<200 { _ = try log.write([append("e/s/a/", big), append("e/s/b/", big)], [], at: now) }
            try log.checkpoint()
            _ = try log.write([append("e/s/a/", "after"), append("e/s/c/", "new")], [], at: now)
        }
        let log = try EventLog(path: path)
        let commit = try log.write(["a", "b", "c"].map { append("e/s/\($0)/", "next") }, [], at: now)
        #expect(commit.records.map(\.previous) == [401, 400, 402])
    }

    @Test("A batch that does not fit on the disk leaves the log, its topics and its numbers as they were")
    func fullFile() throws {
        defer { cleanUp() }
        let log = try EventLog(path: path)
        _ = try log.write([append("e/s/a/", "1")], [], at: now)
        // The file may not grow any more: as on a full disk.
        try log.limit(pages: 1)
        let big = String(repeating: "x", count: 60_000)
        let batch = (0..<400).map { append("e/s/\($0)/", big) }
        #expect(throws: (any Error).self) { try write(batch, to: log) }
        try log.limit(pages: 1 << 30)
        let records = try write([append("e/s/a/", "2"), append("e/s/0/", "3")], to: log)
        #expect(records.map(\.sequence) == [2, 3])
        #expect(records.map(\.previous) == [1, 0])
    }
}
