import Decay
import Events
import Foundation
import GRDB
import KnownPipelines
import Logging
import Monitoring
import Pipelines
import Storage
import Testing

@testable import MonitorApp

private struct Killed: Error {}

/// A monitor's store, fed with events as its inbox does: several in one transaction.
private struct Desk {
    let store: Store
    var book = WatchBook(pipeline: "press", logger: Logger(label: "test"))
    init() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "monitor-\(UUID().uuidString)").path
        store = try Store(
            directory: directory,
            identity: .init(site: "local", service: "monitor", instance: "main"),
            migrations: MonitorMigrations.all,
            clock: { Timestamp(seconds: 1_800_000_000) }
        )
        let pipeline = try Pipeline(yaml: PressLog(pipeline: "press").file)
        try await store.write { transaction in
            try transaction.database.execute(
                sql: "INSERT INTO pipeline (name, version, definition) VALUES ('press', 'v', ?)",
                arguments: [pipeline.canonicalJSON()]
            )
        }
    }

    /// Applies a batch in one transaction; a kill comes before its commit.
    mutating func apply(_ batch: [(UInt64, PressLog.Happening)], isKilled: Bool = false) async throws {
        let before = book
        do {
            book = try await store.write { transaction in
                var book = before
                for (sequence, happening) in batch {
                    let time = Timestamp(seconds: 1_700_000_000 + Double(sequence))
                    let occasion = WatchBook.Occasion(sequence: sequence, time: time, runID: "run-0")
                    switch happening {
                    case .observation(let event): try book.take(event, occasion, transaction)
                    case .prediction(let event): try book.take(event, occasion, transaction)
                    case .label(let event): try book.take(event, occasion, transaction)
                    case .rollout(let event): try book.take(event, occasion, transaction)
                    }
                }
                try book.write(transaction)
                if isKilled { throw Killed() }
                return book
            }
        } catch is Killed {
            // Its memory is gone with it.
            book = WatchBook(pipeline: "press", logger: Logger(label: "test"))
        }
    }

    /// Data of all events that were sent, in order, each with the lap it belongs to.
    func sent() async throws -> [String] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT topic, data FROM outbox ORDER BY id").map { row in
                let (topic, data): (String, Data) = (row["topic"], row["data"])
                return topic + String(decoding: data, as: UTF8.self)
            }
        }
    }
}

@Suite("The monitor's store")
struct MonitorStoreTests {
    @Test("gives the same events whatever the batches, and however often the monitor is killed", arguments: [1, 2])
    func restarts(seed: Int) async throws {
        let log = PressLog(pipeline: "press").events(seed: UInt64(seed))
        var whole = try await Desk()
        for start in stride(from: 0, to: log.count, by: 128) {
            try await whole.apply(Array(log[start..<min(start + 128, log.count)]))
        }
        let expected = try await whole.sent()
        let kinds = ["detected", "cleared", "suspected"]
        #expect(kinds.allSatisfy { kind in expected.contains { $0.contains("/decay/\(kind)/") } })

        var killed = try await Desk()
        var generator = CounterGenerator(seed: UInt64(seed) + 100)
        var place = 0
        while place < log.count {
            let length = Int(generator.next() % 9) + 1
            let batch = Array(log[place..<min(place + length, log.count)])
            // Killed before the commit, the batch comes again; killed after it, the next one does.
            if generator.next() % 3 == 0 { try await killed.apply(batch, isKilled: true) }
            try await killed.apply(batch)
            if generator.next() % 3 == 0 { killed.book = WatchBook(pipeline: "press", logger: Logger(label: "test")) }
            place += length
        }
        #expect(try await killed.sent() == expected, "seed \(seed)")
    }

    @Test("keeps at most 12 kB of each feature, and takes no more rows than a snapshot's worth")
    func sizes() async throws {
        var desk = try await Desk()
        for batch in PressLog(pipeline: "press").events(seed: 3) { try await desk.apply([batch]) }
        let (largest, rows) = try await desk.store.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT max(length(state)) FROM feature") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM journal") ?? 0
            )
        }
        #expect(largest > 0 && largest <= 12_000)
        #expect(rows < WatchTable.journalMax)
    }

    @Test("A label that another replaces is joined again, the same one is not")
    func joins() async throws {
        let store = try await Desk().store
        try await store.write { transaction in
            let db = transaction.database
            let answer = PipelineWatch.Answer(
                key: "k",
                at: Timestamp(seconds: 7),
                outputs: [1],
                sighting: PipelineWatch.Sighting(),
                expected: nil
            )
            try JoinTable.insert(answer, digest: "d", at: transaction.now, db)
            #expect(try JoinTable.join(labels: "l", key: "k", db) == nil, "it has no label yet")
            try JoinTable.insert(label: LabelRecorded(stream: "l", key: "k", value: 3), at: transaction.now, db)
            let pair = try #require(try JoinTable.join(labels: "l", key: "k", db))
            #expect(pair.answer.outputs == [1] && pair.label == 3 && pair.replaced == nil)
            #expect(try JoinTable.join(labels: "l", key: "k", db) == nil, "each pair once")
            try JoinTable.insert(label: LabelRecorded(stream: "l", key: "k", value: 4), at: transaction.now, db)
            let again = try #require(try JoinTable.join(labels: "l", key: "k", db))
            #expect(again.label == 4 && again.replaced == 3)
        }
    }
}
