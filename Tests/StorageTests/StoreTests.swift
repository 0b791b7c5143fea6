import Events
import FoundationEssentials
import GRDB
import Glibc
import Testing

@testable import Storage

/// A directory of its own for one test, removed afterwards.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/hexloop-store-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

private struct Unhappy: Error {}

@Suite("State, cursor and outgoing events are one transaction", .timeLimit(.minutes(1)))
struct StoreTests {
    private let directory: TemporaryDirectory
    private let store: Store

    init() throws {
        directory = try TemporaryDirectory()
        store = try Self.open(directory)
    }

    private static func open(_ directory: TemporaryDirectory, service: String = "demo") throws -> Store {
        try Store(
            directory: directory.path,
            identity: .init(site: "local", service: service, instance: "main"),
            migrations: [.init("demo-1", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")],
            clock: { Timestamp(microseconds: 1_000_000) }
        )
    }

    private func notes(_ store: Store) async throws -> [String] {
        try await store.read { db in try String.fetchAll(db, sql: "SELECT text FROM note ORDER BY id") }
    }

    private func label(_ number: Int) -> LabelRecorded { LabelRecorded(stream: "s", key: "\(number)", value: 1) }

    @Test("a transaction keeps state, cursor and event, and survives the program")
    func committed() async throws {
        try await store.write { tx in
            try tx.database.execute(sql: "INSERT INTO note (text) VALUES ('a')")
            try tx.advance("c", epoch: .max, to: 9)
            tx.runID = "run-1"
            #expect(try tx.send(LabelRecorded(stream: "s", key: "1", value: 2)) == 1)
        }
        let again = try Self.open(directory)
        #expect(try await notes(again) == ["a"])
        #expect(try await again.cursor(of: "c", epoch: .max) == 9)
        #expect(again.producer == store.producer)
        let event = try #require(try await again.outboxEvents(after: 0, limit: 9).first)
        #expect(event.number == 1)
        #expect(event.topic == "e/local/label/recorded/v1/s/")
        let cloudEvent = try CloudEvent(header: event.header, data: event.data)
        #expect(cloudEvent.source == "//local/demo/main")
        #expect(cloudEvent.runID == "run-1")
        #expect(try cloudEvent.decode(LabelRecorded.self).value == 2)
    }

    @Test("a transaction that fails leaves nothing, and its number is given again")
    func rolledBack() async throws {
        await #expect(throws: Unhappy.self) {
            try await store.write { tx in
                try tx.database.execute(sql: "INSERT INTO note (text) VALUES ('a')")
                try tx.advance("c", epoch: 1, to: 9)
                try tx.send(LabelRecorded(stream: "s", key: "1", value: 2))
                throw Unhappy()
            }
        }
        #expect(try await notes(store).isEmpty)
        #expect(try await store.cursor(of: "c", epoch: 1) == nil)
        #expect(try await store.outboxCount() == 0)
        #expect(try await store.write { tx in try tx.send(LabelRecorded(stream: "s", key: "1", value: 2)) } == 1)
    }

    @Test("an attempt that fails is undone alone, its number included")
    func attempt() async throws {
        try await store.write { tx in
            try tx.send(LabelRecorded(stream: "s", key: "1", value: 1))
            do {
                try tx.attempt {
                    try tx.database.execute(sql: "INSERT INTO note (text) VALUES ('undone')")
                    try tx.send(LabelRecorded(stream: "s", key: "2", value: 1))
                    throw Unhappy()
                }
            } catch is Unhappy {}
            try tx.database.execute(sql: "INSERT INTO note (text) VALUES ('kept')")
            try tx.send(LabelRecorded(stream: "s", key: "3", value: 1))
        }
        #expect(try await notes(store) == ["kept"])
        #expect(try await store.outboxEvents(after: 0, limit: 9).map(\.number) == [1, 2])
    }

    @Test("an event that cannot travel is refused and undoes its transaction")
    func tooLarge() async throws {
        for event in [
            PipelinePushed(pipeline: "p", file: String(repeating: "x", count: CloudEvent.dataBytesMax)),
            PipelinePushed(pipeline: "not a segment", file: ""),
        ] {
            await #expect(throws: (any Error).self) { try await store.write { tx in try tx.send(event) } }
        }
        await #expect(throws: EventError.self) {
            try await store.write { tx in
                try tx.send(
                    LabelRecorded(stream: "s", key: "1", value: 1),
                    runID: String(repeating: "r", count: 5000)
                )
            }
        }
        #expect(try await store.outboxState().last == 0)
    }

    @Test("numbers have no holes, pages go on where they ended, and what was pruned is known")
    func numbering() async throws {
        for number in 1...10 {
            let label = label(number)
            _ = try? await store.write { tx in
                try tx.send(label)
                if number % 4 == 0 { throw Unhappy() }
            }
        }
        #expect(try await store.outboxEvents(after: 0, limit: 3).map(\.number) == [1, 2, 3])
        #expect(try await store.outboxEvents(after: 3, limit: 99).map(\.number) == [4, 5, 6, 7, 8])
        try await store.pruneOutbox(upTo: 5)
        try await store.pruneOutbox(upTo: 2)
        #expect(try await store.outboxEvents(after: 0, limit: 99).map(\.number) == [6, 7, 8])
        let state = try await store.outboxState()
        #expect(state.last == 8)
        #expect(state.pruned == 5)
        try await store.pruneOutbox(upTo: 8)
        #expect(try await store.outboxState().pruned == 8)
        let label = label(11)
        #expect(try await store.write { tx in try tx.send(label) } == 9)
        #expect(try await store.outboxEvents(after: 8, limit: 9).map(\.number) == [9])
    }

    @Test("a new numbering begins at 1 with what waits, in a later epoch", arguments: [true, false])
    func renumber(_ isEmpty: Bool) async throws {
        for number in 1...4 {
            let label = label(number)
            try await store.write { tx in _ = try tx.send(label) }
        }
        try await store.pruneOutbox(upTo: isEmpty ? 4 : 2)
        let before = try await store.outboxEvents(after: 0, limit: 9)
        #expect(try await store.renumberOutbox(after: 7) == 8)
        let after = try await store.outboxEvents(after: 0, limit: 9)
        #expect(after.map(\.number) == (isEmpty ? [] : [1, 2]))
        #expect(after.map(\.header) == before.map(\.header))
        let label = label(5)
        let number = try await store.write { tx in try tx.send(label) }
        let state = try await store.outboxState()
        #expect(UInt64(number) == state.base + state.last)
        #expect(state.last == (isEmpty ? 1 : 3))
        #expect(state.pruned == 0)
        #expect(try await store.renumberOutbox(after: 1) == 9)
    }

    @Test("ids are unique over numberings")
    func ids() async throws {
        var ids: [String] = []
        for round in 0..<3 {
            let label = label(round)
            try await store.write { tx in
                try tx.send(label)
                try tx.send(label)
            }
            ids += try await store.outboxEvents(after: 0, limit: 9).map {
                try CloudEvent(header: $0.header, data: []).id
            }
            let last = try await store.outboxState().last
            try await store.pruneOutbox(upTo: last)
            _ = try await store.renumberOutbox(after: UInt64(round) + 3)
        }
        #expect(Set(ids).count == 6)
    }

    @Test("a cursor never goes back in its log, and another log begins anew")
    func cursor() async throws {
        func advance(_ epoch: UInt64, _ sequence: UInt64) async throws {
            try await store.write { tx in try tx.advance("c", epoch: epoch, to: sequence) }
        }
        #expect(try await store.cursor(of: "c", epoch: 1) == nil)
        try await advance(1, 9)
        try await advance(1, 4)
        #expect(try await store.cursor(of: "c", epoch: 1) == 9)
        #expect(try await store.cursor(of: "c", epoch: 2) == nil)
        try await advance(2, 3)
        #expect(try await store.cursor(of: "c", epoch: 2) == 3)
        #expect(try await store.cursor(of: "c", epoch: 1) == nil)
        #expect(try await store.cursor(of: "d", epoch: 2) == nil)
    }

    @Test("the relay is woken after a commit with events, and only then")
    func wakeUp() async throws {
        let label = label(1)
        _ = try? await store.write { tx in
            try tx.send(label)
            throw Unhappy()
        }
        try await store.write { tx in try tx.database.execute(sql: "INSERT INTO note (text) VALUES ('a')") }
        let waiting = Task { [store] in
            for await _ in store.outboxFilled { return try await store.outboxCount() }
            return -1
        }
        try await store.write { tx in _ = try tx.send(label) }
        #expect(try await waiting.value == 1)
    }

    @Test("a file that is no database, or a place that cannot be written, is named")
    func unusable() throws {
        try Data("this is not a database, it is a text of more than sixteen bytes".utf8)
            .write(to: URL(filePath: "\(directory.path)/broken.sqlite"))
        func message(_ body: () throws(StorageError) -> Void) -> String {
            do { try body() } catch { return error.message }
            return "no error"
        }
        let identity = Store.Identity(site: "local", service: "broken", instance: "main")
        let path = directory.path
        let broken = message { () throws(StorageError) in
            _ = try Store(directory: path, identity: identity, migrations: [], clock: { Timestamp(microseconds: 0) })
        }
        #expect(broken.contains("\(path)/broken.sqlite"))
        let nowhere = message { () throws(StorageError) in
            _ = try Store(
                directory: "/proc/none",
                identity: identity,
                migrations: [],
                clock: { Timestamp(microseconds: 0) }
            )
        }
        #expect(nowhere.contains("/proc/none"))
    }
}

@Suite("A blob has the bytes of its name or is not there")
struct BlobStoreTests {
    private let directory: TemporaryDirectory
    private let blobs: BlobStore
    private let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    init() throws {
        directory = try TemporaryDirectory()
        blobs = try BlobStore(directory: "\(directory.path)/blobs")
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: blobs.directory).sorted()
    }

    @Test(
        "the name is the SHA-256 of the bytes",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ]
    )
    func digest(_ text: String, _ digest: String) throws {
        #expect(try blobs.write(Array(text.utf8)) == digest)
        #expect(try blobs.read(digest) == Array(text.utf8))
        #expect(try blobs.open(digest)?.count == text.utf8.count)
    }

    @Test("writing twice keeps one file and leaves nothing else")
    func writeTwice() throws {
        let digest = try blobs.write(bytes)
        #expect(try blobs.write(bytes) == digest)
        #expect(try names() == [digest])
    }

    @Test("pieces are read within the file and nowhere else")
    func pieces() throws {
        let digest = try blobs.write(bytes)
        let file = try #require(try blobs.open(digest))
        #expect(file.count == 5000)
        #expect(try file.read(offset: 10, count: 20) == Array(bytes[10..<30]))
        #expect(try file.read(offset: 5000, count: 0) == [])
        #expect(throws: StorageError.self) { try file.read(offset: 4990, count: 20) }
        #expect(try blobs.open(String(repeating: "0", count: 64)) == nil)
        #expect(try file.digest() == digest)
    }

    @Test("a file that is changed, replaced or removed while it is sent says so", arguments: 0..<4)
    func changedWhileSent(_ change: Int) throws {
        let digest = try blobs.write(bytes)
        // A file of yesterday: the kernel's clock may not have ticked since the one above.
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, blobs.path(digest), &times, 0) == 0)
        let file = try #require(try blobs.open(digest))
        #expect(try file.read(offset: 0, count: 10).count == 10)
        let url = URL(filePath: blobs.path(digest))
        switch change {
        case 0: try Data(bytes + [1]).write(to: url)
        case 1: try Data(bytes[..<100]).write(to: url)
        case 2: try FileManager.default.removeItem(at: url)
        default:
            let descriptor = Glibc.open(blobs.path(digest), O_WRONLY)
            #expect(pwrite(descriptor, "x", 1, 0) == 1)
            close(descriptor)
        }
        #expect(throws: StorageError.self) { try file.read(offset: 10, count: 10) }
    }

    @Test(
        "names that are no digests reach no file",
        arguments: [
            "", "../../etc/passwd", "e3b0", String(repeating: "G", count: 64), String(repeating: "A", count: 64),
        ]
    )
    func badNames(_ name: String) throws {
        #expect(!blobs.contains(name))
        #expect(try blobs.read(name) == nil)
        #expect(try blobs.open(name) == nil)
        #expect(throws: StorageError.self) { try blobs.receive(name) }
    }

    @Test("a file that was cut goes on where it was, and becomes whole")
    func partial() throws {
        let digest = BlobStore.digest(of: bytes)
        try blobs.receive(digest).append(Array(bytes[..<2000]))
        #expect(try blobs.open(digest) == nil)
        let later = try BlobStore(directory: blobs.directory).receive(digest)
        #expect(later.count == 2000)
        #expect(try !later.verify(bytesMax: 1999))
        #expect(try later.verify(bytesMax: 1999))
        try later.append(Array(bytes[2000...]))
        try later.seal()()
        #expect(try blobs.read(digest) == bytes)
        #expect(try names() == [digest])
    }

    @Test("other bytes than those of the name are removed, so that they can be sent again")
    func wrongBytes() throws {
        let digest = BlobStore.digest(of: bytes)
        let file = try blobs.receive(digest)
        try file.append([1, 2, 3])
        #expect { try file.seal() } throws: { ($0 as? StorageError)?.kind == .mismatch }
        #expect(try names().isEmpty)
        try file.restart()
        #expect(file.count == 0)
        try file.append(bytes)
        try file.seal()()
        #expect(blobs.contains(digest))
        #expect(try names() == [digest])
    }

    @Test("an empty file is a file")
    func empty() throws {
        let digest = BlobStore.digest(of: [])
        let file = try blobs.receive(digest)
        #expect(try file.verify(bytesMax: 1))
        try file.seal()()
        #expect(try blobs.read(digest) == [])
    }

    @Test("one at a time receives a file, and the next one when it is done")
    func oneReceiver() throws {
        let digest = BlobStore.digest(of: bytes)
        do {
            let file = try blobs.receive(digest)
            #expect(throws: StorageError.self) { try blobs.receive(digest) }
            try file.append([1])
        }
        #expect(try blobs.receive(digest).count == 1)
    }

    @Test("a damaged file is moved aside and said to be damaged, and can be stored again")
    func damaged() throws {
        let digest = try blobs.write(bytes)
        var wrong = bytes
        wrong[4000] ^= 1
        try Data(wrong).write(to: URL(filePath: blobs.path(digest)))
        #expect(throws: StorageError.self) { try blobs.read(digest) }
        #expect(try names() == [digest + ".damaged"])
        #expect(try blobs.read(digest) == nil)
        try blobs.write(bytes)
        #expect(try blobs.read(digest) == bytes)
    }

    @Test("whoever reads a damaged file in pieces is told with the last one, and it is moved aside")
    func damagedInPieces() throws {
        let digest = try blobs.write(bytes)
        var wrong = bytes
        wrong[10] ^= 1
        try Data(wrong).write(to: URL(filePath: blobs.path(digest)))
        let file = try #require(try blobs.open(digest))
        #expect(try file.read(offset: 0, count: 2500) == Array(wrong[..<2500]))
        // Another reader, further on, is no matter.
        #expect(try file.read(offset: 4000, count: 1000).count == 1000)
        #expect { try file.read(offset: 2500, count: 2500) } throws: { ($0 as? StorageError)?.kind == .mismatch }
        #expect(try names() == [digest + ".damaged"])
    }
}
