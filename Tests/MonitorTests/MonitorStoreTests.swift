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
    private static let file = """
        pipeline: press
        task: {kind: regression, inputs: {load: {shape: [3]}, speed: {shape: [1]}}, target: power}
        data: {observations: in, labels: out, schema: {speed: {min: 0, max: 100}}}
        monitor: {window: 10, inputs: [out-of-range, drift, ks], drift: {window: 50 rows}, slices: [{by: speed}]}
        """

    /// What happens to the loop at a place of the log.
    enum Happening: Sendable {
        case observation(ObservationRecorded)
        case prediction(PredictionsMade)
        case label(LabelRecorded)
        case rollout(RolloutStepped)
    }

    init() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "monitor-\(UUID().uuidString)").path
        store = try Store(
            directory: directory,
            identity: .init(site: "local", service: "monitor", instance: "main"),
            migrations: MonitorMigrations.all,
            clock: { Timestamp(seconds: 1_800_000_000) }
        )
        let pipeline = try Pipeline(yaml: Self.file)
        try await store.write { transaction in
            try transaction.database.execute(
                sql: "INSERT INTO pipeline (name, version, definition) VALUES ('press', 'v', ?)",
                arguments: [pipeline.canonicalJSON()]
            )
        }
    }

    /// Applies a batch in one transaction; a kill comes before its commit.
    mutating func apply(_ batch: [(UInt64, Happening)], isKilled: Bool = false) async throws {
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

    static func rollout(_ digest: String) -> Happening {
        .rollout(
            RolloutStepped(
                pipeline: "press",
                pipelineVersion: "v",
                champion: .init(alias: "champion", candidate: "champion", version: 1, digest: digest, envelope: "{}"),
                shadows: [],
                baseline: 0.5,
                ranges: [
                    .init(feature: "load", count: 3, min: -5, max: 5),
                    .init(feature: "speed", count: 1, min: 0, max: 90),
                ]
            )
        )
    }

    /// A log: observations, predictions and labels, a shift in the middle, a promotion after it, labels that are
    /// replaced, observations that are refused.
    static func log(seed: UInt64) -> [(UInt64, Happening)] {
        var generator = Mix(state: seed)
        var log: [Happening] = [rollout("d1")]
        for index in 0..<420 {
            let key = "k-\(index)"
            let digest = index < 320 ? "d1" : "d2"
            if index == 320 { log.append(rollout("d2")) }
            let shift = index < 240 ? 0.0 : 4
            let load = (0..<3).map { _ in generator.uniform() * 4 - 2 + shift / 2 }
            let speed = index % 97 == 50 ? 200 : generator.uniform() * 90
            log.append(
                .observation(ObservationRecorded(stream: "in", key: key, inputs: ["load": load, "speed": [speed]]))
            )
            guard speed <= 100 else { continue }
            let prediction = PredictionsMade.Prediction(
                key: key,
                at: Timestamp(seconds: 1_700_000_000 + Double(log.count)),
                digest: digest,
                outputs: [Float(load[0])],
                shadows: []
            )
            log.append(
                .prediction(PredictionsMade(pipeline: "press", node: "node-\(index % 2)", predictions: [prediction]))
            )
            let label = load[0] + generator.uniform() + (digest == "d1" ? shift : 0)
            log.append(.label(LabelRecorded(stream: "out", key: key, value: label)))
            if index % 13 == 0 { log.append(.label(LabelRecorded(stream: "out", key: key, value: label + 0.25))) }
        }
        return log.enumerated().map { (UInt64($0.offset + 1), $0.element) }
    }
}

/// SplitMix64.
private struct Mix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

@Suite("The monitor's store")
struct MonitorStoreTests {
    @Test("gives the same events whatever the batches, and however often the monitor is killed", arguments: [1, 2])
    func restarts(seed: Int) async throws {
        let log = Desk.log(seed: UInt64(seed))
        var whole = try await Desk()
        for start in stride(from: 0, to: log.count, by: 128) {
            try await whole.apply(Array(log[start..<min(start + 128, log.count)]))
        }
        let expected = try await whole.sent()
        let kinds = ["detected", "cleared", "suspected"]
        #expect(kinds.allSatisfy { kind in expected.contains { $0.contains("/decay/\(kind)/") } })

        var killed = try await Desk()
        var generator = Mix(state: UInt64(seed) + 100)
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
        for batch in Desk.log(seed: 3) { try await desk.apply([batch]) }
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
