import Events
import GRDB
import KnownPipelines
import Logging
import Monitoring
import Pipelines
import Storage

/// The watches as they are between batches of events: read from the tables when they are first needed, written back at
/// the end of each batch, in its transaction.
///
/// A method that throws `EventError` has changed nothing before: its changes of the tables are undone, memory is not.
struct WatchBook {
    /// When and where an event stands.
    struct Occasion: Sendable {
        /// Its position in the log; it names the lap that a detection begins.
        let sequence: UInt64
        /// When it happened, as its source says.
        let time: Timestamp
        /// The lap it belongs to.
        var runID: String?
    }

    private struct Entry {
        var watch: PipelineWatch
        /// Rows since the last snapshot of the inputs.
        var rows: Int
        var isChanged = false
    }

    /// How often what nobody waits for any more is removed, in seconds.
    private static let pruneInterval = 3600.0

    private let logger: Logger
    /// Which pipelines are watched here; all when nil.
    private let only: String?
    private var known: [String: KnownPipeline]?
    private var entries: [String: Entry] = [:]
    private var prunedAt: Double?
    private var joined = 0
    private var unmatched = 0

    init(logger: Logger, only: String? = nil) {
        self.logger = logger
        self.only = only
    }

    /// Pipelines whose watch changed since they were asked for last.
    private var changed: Set<String> = []

    /// How a pipeline stands.
    mutating func overview(_ name: String, _ db: Database) throws -> MonitorAnswer {
        let all = try pipelines(db)
        guard let pipeline = all[name]?.pipeline else {
            let names = all.keys.sorted().joined(separator: ", ")
            throw EventError(
                .unknownPipeline,
                "pipeline '\(name)' is not watched here; known: \(names.isEmpty ? "none" : names)"
            )
        }
        guard try load(pipeline, db), let entry = entries[name] else {
            throw EventError(.noModel, "pipeline '\(name)' has no champion yet: train a first model")
        }
        return entry.watch.overview()
    }

    /// What changed since the last call: overviews without features, pairs joined, and pairs of models that serve no
    /// more.
    mutating func takeChanged() -> (overviews: [MonitorAnswer], joined: Int, unmatched: Int) {
        defer { (changed, joined, unmatched) = ([], 0, 0) }
        return (changed.sorted().compactMap { entries[$0]?.watch.overview(withFeatures: false) }, joined, unmatched)
    }

    /// A pipeline was registered, or changed.
    mutating func set(_ pipeline: KnownPipeline) { known?[pipeline.pipeline.name] = pipeline }

    private mutating func pipelines(_ db: Database) throws -> [String: KnownPipeline] {
        if let known { return known }
        let all = try PipelineTable.fetchAll(db).filter { only == nil || $0.pipeline.name == only }
        let found = Dictionary(all.map { ($0.pipeline.name, $0) }, uniquingKeysWith: { $1 })
        known = found
        return found
    }

    /// - Returns: Whether there is a watch.
    private mutating func load(_ pipeline: Pipeline, _ db: Database) throws -> Bool {
        if entries[pipeline.name] != nil { return true }
        guard let (watch, rows) = try WatchTable.fetch(pipeline, db) else { return false }
        entries[pipeline.name] = Entry(watch: watch, rows: rows)
        return true
    }

    private mutating func change<T>(_ name: String, _ body: (inout PipelineWatch) -> T) -> T? {
        guard var entry = entries.removeValue(forKey: name) else { return nil }
        let result = body(&entry.watch)
        entry.isChanged = true
        entries[name] = entry
        changed.insert(name)
        return result
    }

    // MARK: Events

    mutating func take(_ event: RolloutStepped, _ occasion: Occasion, _ transaction: Transaction) throws {
        let db = transaction.database
        guard let pipeline = try pipelines(db)[event.pipeline]?.pipeline else {
            guard only == nil else { return }
            throw EventError(.unknownPipeline, "pipeline '\(event.pipeline)' is not registered")
        }
        _ = try load(pipeline, db)
        let previous = entries[pipeline.name]?.watch
        guard previous?.state.digest != event.champion.digest else { return }
        let watch: PipelineWatch
        do {
            watch = try PipelineWatch(pipeline, event, runID: occasion.runID, previous: previous)
        } catch {
            throw EventError(.badPipeline, "the watch over '\(event.pipeline)' cannot begin: \(error)")
        }
        // Rows of the champion before are no longer wanted: the snapshot at the end of the batch replaces them.
        entries[pipeline.name] = Entry(watch: watch, rows: WatchTable.journalMax, isChanged: true)
        changed.insert(pipeline.name)
    }

    mutating func take(_ event: ObservationRecorded, _ occasion: Occasion, _ transaction: Transaction) throws {
        let db = transaction.database
        for known in try pipelines(db).values where known.pipeline.data.observations == event.stream {
            let pipeline = known.pipeline
            guard try load(pipeline, db) else { continue }
            let row: [Float]
            do { row = try pipeline.features(from: event.values) } catch {
                let findings = change(pipeline.name) { watch in
                    watch.refuse(error, event.values, key: event.key, at: occasion.time)
                }
                try tell(findings ?? [], pipeline.name, transaction)
                continue
            }
            let seen = change(pipeline.name) { $0.observe(row: row, key: event.key, at: occasion.time) }
            guard let seen else { continue }
            try WatchTable.journal(row, pipeline: pipeline.name, key: event.key, at: occasion.time, db)
            entries[pipeline.name]?.rows += 1
            if seen.sighting.strangeness != nil || !seen.sighting.parts.isEmpty {
                try JoinTable.insert(seen.sighting, pipeline: pipeline.name, key: event.key, at: transaction.now, db)
            }
            try tell(seen.findings, pipeline.name, transaction)
        }
    }

    mutating func take(_ event: PredictionsMade, _ occasion: Occasion, _ transaction: Transaction) throws {
        let db = transaction.database
        guard let pipeline = try pipelines(db)[event.pipeline]?.pipeline else { return }
        let hasWatch = try load(pipeline, db)
        for prediction in event.predictions {
            guard try !JoinTable.holds(pipeline: pipeline.name, key: prediction.key, db) else { continue }
            let sighting = try JoinTable.takeSighting(pipeline: pipeline.name, key: prediction.key, db)
            var answer = PipelineWatch.Answer(
                key: prediction.key,
                at: prediction.at,
                outputs: prediction.outputs,
                sighting: sighting ?? PipelineWatch.Sighting(),
                expected: nil
            )
            var findings: [PipelineWatch.Finding] = []
            if hasWatch, entries[pipeline.name]?.watch.state.digest == prediction.digest {
                let made = change(pipeline.name) { watch in
                    watch.predict(
                        key: prediction.key,
                        outputs: prediction.outputs,
                        node: event.node,
                        at: prediction.at,
                        sighting: sighting
                    )
                }
                if let made { (findings, answer) = made }
            }
            try JoinTable.insert(
                answer,
                digest: prediction.digest,
                pipeline: pipeline.name,
                at: transaction.now,
                db
            )
            try tell(findings, pipeline.name, transaction)
            try join(pipeline, key: prediction.key, occasion, transaction)
        }
    }

    mutating func take(_ event: LabelRecorded, _ occasion: Occasion, _ transaction: Transaction) throws {
        guard event.value.isFinite else { throw EventError(.notFinite, "label '\(event.key)' is not a number") }
        let db = transaction.database
        try JoinTable.insert(label: event, at: transaction.now, db)
        for known in try pipelines(db).values where known.pipeline.data.labels == event.stream {
            try join(known.pipeline, key: event.key, occasion, transaction)
        }
    }

    private mutating func join(
        _ pipeline: Pipeline,
        key: String,
        _ occasion: Occasion,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        let pair = try JoinTable.join(pipeline: pipeline.name, labels: pipeline.data.labels, key: key, db)
        guard let pair else { return }
        joined += 1
        guard try load(pipeline, db), entries[pipeline.name]?.watch.state.digest == pair.digest else {
            unmatched += 1
            return
        }
        let findings = change(pipeline.name) { watch in
            if let replaced = pair.replaced {
                return watch.correct(pair.answer, from: replaced, to: pair.label, at: occasion.time)
            }
            return watch.label(pair.answer, pair.label, at: occasion.time, nextRunID: "run-\(occasion.sequence)")
        }
        try tell(findings ?? [], pipeline.name, transaction)
    }

    // MARK: The end of a batch

    /// Writes what changed.
    mutating func write(_ transaction: Transaction) throws {
        let db = transaction.database
        for (name, entry) in entries where entry.isChanged {
            try WatchTable.save(entry.watch, pipeline: name, db)
            entries[name]?.isChanged = false
            guard entry.rows >= WatchTable.journalMax else { continue }
            try WatchTable.saveInputs(entry.watch.inputs, pipeline: name, db)
            entries[name]?.rows = 0
        }
        let now = transaction.now.seconds
        guard now - (prunedAt ?? -.infinity) >= Self.pruneInterval else { return }
        prunedAt = now
        // A label that comes after the time-out still corrects: so long is waited once more.
        let patience = try pipelines(db).values.map(\.pipeline.monitor.labelTimeoutSeconds).max() ?? 0
        try JoinTable.prune(before: Timestamp(seconds: now - max(2 * patience, 3600)), db)
    }

    private func tell(_ findings: [PipelineWatch.Finding], _ name: String, _ transaction: Transaction) throws {
        for finding in findings {
            transaction.runID = nil
            let (event, runID): (any Event, String?) =
                switch finding {
                case .suspected(let event): (event, nil)
                case .detected(let event): (event, entries[name]?.watch.state.runID)
                case .persisted(let event): (event, entries[name]?.watch.state.runID)
                case .cleared(let event): (event, entries[name]?.watch.state.runID)
                case .forecast(let event): (event, nil)
                case .reconciled(let event): (event, nil)
                }
            do { try transaction.attempt { try transaction.send(event, runID: runID) } } catch let error as EventError {
                // The watch has it behind itself; undoing the event that caused it would part the two.
                logger.error("a finding cannot be written", metadata: ["reason": "\(error.message)"])
            }
        }
    }
}

extension PipelineWatch {
    fileprivate mutating func refuse(
        _ error: FeatureError,
        _ values: [String: [Double]],
        key: String,
        at time: Timestamp
    ) -> [Finding] {
        let isMissing: Bool
        switch error.code {
        case .missing, .notFinite, .count: isMissing = true
        case .belowMin, .aboveMax: isMissing = false
        // A sender that names other inputs is no trouble of the data.
        case .unknown: return []
        }
        let element = error.element.flatMap { element in
            values[error.feature].flatMap { $0.indices.contains(element) ? $0[element] : nil }
        }
        return refuse(
            feature: error.feature,
            value: element.flatMap { $0.isFinite ? $0 : nil },
            isMissing: isMissing,
            reason: error.description,
            key: key,
            at: time
        )
    }
}
