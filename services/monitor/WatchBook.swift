import Events
import GRDB
import KnownPipelines
import Logging
import Monitoring
import Pipelines
import Storage

/// A pipeline's watch as it is between batches of events: read from the tables when it is first needed, written back at
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

    private let name: String
    private let logger: Logger
    private var known: Pipeline?
    private var entry: Entry?
    private var prunedAt: Double?
    /// Whether the watch changed since it was asked for last.
    private var isChanged = false
    private var joined = 0
    private var unmatched = 0

    /// - Parameter pipeline: Its name.
    init(pipeline: String, logger: Logger) {
        name = pipeline
        self.logger = logger
    }

    /// What changed since the last call: the overview without features, pairs joined, and pairs of models that serve no
    /// more.
    mutating func takeChanged() -> (overview: MonitorAnswer?, joined: Int, unmatched: Int) {
        defer { (isChanged, joined, unmatched) = (false, 0, 0) }
        return (isChanged ? entry?.watch.overview(withFeatures: false) : nil, joined, unmatched)
    }

    /// The pipeline was registered, or changed.
    mutating func set(_ pipeline: Pipeline) { known = pipeline }

    /// The pipeline, once it is registered, with its watch when it has one.
    private mutating func pipeline(_ db: Database) throws -> Pipeline? {
        if known == nil { known = try PipelineTable.fetch(name, db)?.pipeline }
        if known != nil, entry == nil, let (watch, rows) = try WatchTable.fetch(db) {
            entry = Entry(watch: watch, rows: rows)
        }
        return known
    }

    private mutating func change<T>(_ body: (inout PipelineWatch) -> T) -> T? {
        guard var changed = entry else { return nil }
        // Not two copies of the watch at a time.
        entry = nil
        let result = body(&changed.watch)
        changed.isChanged = true
        entry = changed
        isChanged = true
        return result
    }

    // MARK: Events

    mutating func take(_ event: RolloutStepped, _ occasion: Occasion, _ transaction: Transaction) throws {
        guard let pipeline = try pipeline(transaction.database) else {
            throw EventError(.unknownPipeline, "pipeline '\(event.pipeline)' is not registered")
        }
        let previous = entry?.watch
        guard previous?.state.digest != event.champion.digest else { return }
        let watch: PipelineWatch
        do {
            watch = try PipelineWatch(pipeline, event, runID: occasion.runID, previous: previous)
        } catch {
            throw EventError(.badPipeline, "the watch over '\(event.pipeline)' cannot begin: \(error)")
        }
        // Rows of the champion before are no longer wanted: the snapshot at the end of the batch replaces them.
        entry = Entry(watch: watch, rows: WatchTable.journalMax, isChanged: true)
        isChanged = true
    }

    mutating func take(_ event: ObservationRecorded, _ occasion: Occasion, _ transaction: Transaction) throws {
        let db = transaction.database
        guard let pipeline = try pipeline(db), pipeline.data.observations == event.stream, entry != nil else { return }
        let row: [Float]
        do { row = try pipeline.features(from: event.values) } catch {
            let findings = change { $0.refuse(error, event.values, key: event.key, at: occasion.time) }
            try tell(findings ?? [], transaction)
            return
        }
        guard let seen = change({ $0.observe(row: row, key: event.key, at: occasion.time) }) else { return }
        try WatchTable.journal(row, key: event.key, at: occasion.time, db)
        entry?.rows += 1
        if seen.sighting.strangeness != nil || !seen.sighting.parts.isEmpty {
            try JoinTable.insert(seen.sighting, key: event.key, at: transaction.now, db)
        }
        try tell(seen.findings, transaction)
    }

    mutating func take(_ event: PredictionsMade, _ occasion: Occasion, _ transaction: Transaction) throws {
        let db = transaction.database
        guard let pipeline = try pipeline(db) else { return }
        for prediction in event.predictions {
            guard try !JoinTable.holds(prediction.key, db) else { continue }
            let sighting = try JoinTable.takeSighting(prediction.key, db)
            var answer = PipelineWatch.Answer(
                key: prediction.key,
                at: prediction.at,
                outputs: prediction.outputs,
                sighting: sighting ?? PipelineWatch.Sighting(),
                expected: nil
            )
            var findings: [PipelineWatch.Finding] = []
            if entry?.watch.state.digest == prediction.digest {
                let made = change { watch in
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
            try JoinTable.insert(answer, digest: prediction.digest, at: transaction.now, db)
            try tell(findings, transaction)
            try join(pipeline, key: prediction.key, occasion, transaction)
        }
    }

    mutating func take(_ event: LabelRecorded, _ occasion: Occasion, _ transaction: Transaction) throws {
        guard event.value.isFinite else { throw EventError(.notFinite, "label '\(event.key)' is not a number") }
        let db = transaction.database
        try JoinTable.insert(label: event, at: transaction.now, db)
        guard let pipeline = try pipeline(db), pipeline.data.labels == event.stream else { return }
        try join(pipeline, key: event.key, occasion, transaction)
    }

    private mutating func join(
        _ pipeline: Pipeline,
        key: String,
        _ occasion: Occasion,
        _ transaction: Transaction
    ) throws {
        let pair = try JoinTable.join(labels: pipeline.data.labels, key: key, transaction.database)
        guard let pair else { return }
        joined += 1
        guard entry?.watch.state.digest == pair.digest else {
            unmatched += 1
            return
        }
        let findings = change { watch in
            if let replaced = pair.replaced {
                return watch.correct(pair.answer, from: replaced, to: pair.label, at: occasion.time)
            }
            return watch.label(pair.answer, pair.label, at: occasion.time, nextRunID: "run-\(occasion.sequence)")
        }
        try tell(findings ?? [], transaction)
    }

    // MARK: The end of a batch

    /// Writes what changed.
    mutating func write(_ transaction: Transaction) throws {
        let db = transaction.database
        if let changed = entry, changed.isChanged {
            try WatchTable.save(changed.watch, db)
            entry?.isChanged = false
            if changed.rows >= WatchTable.journalMax {
                try WatchTable.saveInputs(changed.watch.inputs, db)
                entry?.rows = 0
            }
        }
        let now = transaction.now.seconds
        guard now - (prunedAt ?? -.infinity) >= Self.pruneInterval else { return }
        prunedAt = now
        // A label that comes after the time-out still corrects: so long is waited once more.
        let patience = try pipeline(db)?.monitor.labelTimeoutSeconds ?? 0
        try JoinTable.prune(before: Timestamp(seconds: now - max(2 * patience, 3600)), db)
    }

    private func tell(_ findings: [PipelineWatch.Finding], _ transaction: Transaction) throws {
        for finding in findings {
            transaction.runID = nil
            let (event, runID): (any Event, String?) =
                switch finding {
                case .suspected(let event): (event, nil)
                case .detected(let event): (event, entry?.watch.state.runID)
                case .persisted(let event): (event, entry?.watch.state.runID)
                case .cleared(let event): (event, entry?.watch.state.runID)
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
