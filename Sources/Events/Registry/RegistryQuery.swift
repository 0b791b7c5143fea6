/// Asks the registry something; a request of class `q`, answered as JSON with the type that the question names.
public struct RegistryQuery: Event {
    /// A question (class `q`): kept in memory, leased to the registry, and asked again by whoever got no answer.
    public static let kind = EventKind("registry", "query", reliability: .work)

    /// What is asked, and with which type it is answered.
    public enum Question: String, Codable, Sendable, Hashable, CaseIterable {
        /// ``LapsAnswer``
        case laps
        /// ``HistoryAnswer``: what served, from when to when, trained on what.
        case history
        /// ``StatusAnswer``
        case status
    }

    /// What is asked; it decides the answer's type.
    public var question: Question
    /// Only this pipeline; all when absent.
    public var pipeline: String?
    /// ``Question/history``: only what served at that time.
    public var at: Timestamp?

    /// Always `registry`: there is one to ask, whatever the question is about.
    public var subject: String { "registry" }

    /// A question; without a pipeline it is about all of them.
    public init(_ question: Question, pipeline: String? = nil, at: Timestamp? = nil) {
        self.question = question
        self.pipeline = pipeline
        self.at = at
    }
}

/// One lap of the loop with the time of each arc's end; nil where it has not come that far.
public struct Lap: Codable, Sendable, Hashable {
    /// Counts from 1 per pipeline.
    public var number: Int
    /// The `runid` of all events of the lap.
    public var runID: String
    /// Name of the pipeline.
    public var pipeline: String
    /// `decay.detected`, `training.requested` or `model.offered`.
    public var cause: String
    /// `running`, `promoted`, `closed` (error back under the near level), `rejected`, `failed`, `declined`.
    public var outcome: String
    /// One sentence when it was not promoted.
    public var message: String?
    /// T0: the first sample of the episode over the near level was answered.
    public var firstDecayed: Timestamp?
    /// T1: the decay event, or the request.
    public var detected: Timestamp?
    /// T2: the trainer began.
    public var trainingStarted: Timestamp?
    /// T3: all models trained.
    public var trained: Timestamp?
    /// T4: all models quantized and signed.
    public var converted: Timestamp?
    /// T5: a candidate passed the gates and was promoted.
    public var gatesPassed: Timestamp?
    /// T6: the first node serves it.
    public var firstNode: Timestamp?
    /// T7: every live node serves it.
    public var lastNode: Timestamp?
    /// T8: the rolling error is back under the near level.
    public var cleared: Timestamp?
    /// Models trained in this lap.
    public var candidates: Int
    /// What was promoted.
    public var version: Int?
    /// SHA-256 of the promoted container.
    public var digest: String?
    /// The winning candidate: `champion` or a shadow's name.
    public var winner: String?
    /// Nodes that serve it.
    public var nodes: Int

    /// A lap that just began.
    public init(number: Int, runID: String, pipeline: String, cause: String, outcome: String) {
        self.number = number
        self.runID = runID
        self.pipeline = pipeline
        self.cause = cause
        self.outcome = outcome
        candidates = 0
        nodes = 0
    }
}

/// Answers ``RegistryQuery/Question/laps``, oldest first.
public struct LapsAnswer: Codable, Sendable, Hashable {
    /// At most the 500 newest.
    public var laps: [Lap]

    /// An answer from its laps.
    public init(laps: [Lap]) { self.laps = laps }
}

/// A model's time under an alias.
public struct ServedModel: Codable, Sendable, Hashable {
    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition under which it was trained.
    public var pipelineVersion: String
    /// `champion`, `shadow-1`, ...
    public var alias: String
    /// The model's version, from 1 per pipeline.
    public var version: Int
    /// SHA-256 of its container.
    public var digest: String
    /// The float model it was made from.
    public var floatDigest: String
    /// Its name in the run: `champion`, or the shadow's name.
    public var candidate: String
    /// The run that made it.
    public var runID: String
    /// When it got the alias.
    public var from: Timestamp
    /// When it lost the alias; nil while it has it.
    public var to: Timestamp?
    /// Labelled rows that it was trained on.
    public var rows: Int
    /// Key of the oldest row.
    public var firstKey: String
    /// Key of the newest row.
    public var lastKey: String
    /// Seed of the random numbers of its training.
    public var seed: UInt64
    /// What the monitor holds it against; see ``RolloutStepped/baseline``.
    public var baseline: Double
    /// Where it comes from, when it was offered and not trained here.
    public var source: ModelSource?

    /// A time of service from its parts.
    public init(
        pipeline: String,
        pipelineVersion: String,
        alias: String,
        version: Int,
        digest: String,
        floatDigest: String,
        candidate: String,
        runID: String,
        from: Timestamp,
        to: Timestamp?,
        rows: Int,
        firstKey: String,
        lastKey: String,
        seed: UInt64,
        baseline: Double,
        source: ModelSource? = nil
    ) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.alias = alias
        self.version = version
        self.digest = digest
        self.floatDigest = floatDigest
        self.candidate = candidate
        self.runID = runID
        self.from = from
        self.to = to
        self.rows = rows
        self.firstKey = firstKey
        self.lastKey = lastKey
        self.seed = seed
        self.baseline = baseline
        self.source = source
    }
}

/// Answers ``RegistryQuery/Question/history``, oldest first.
public struct HistoryAnswer: Codable, Sendable, Hashable {
    /// One entry for each time that a model had an alias; at most the 500 newest.
    public var served: [ServedModel]

    /// An answer from its entries.
    public init(served: [ServedModel]) { self.served = served }
}

/// How a pipeline stands.
public struct PipelineStatus: Codable, Sendable, Hashable {
    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition in force.
    public var version: String
    /// As the pipeline file says: `manual`, `alert` or `automatic`.
    public var automation: String
    /// What serves now; nil before the first promotion.
    public var champion: ServedModel?
    /// What runs beside the champion; may be empty.
    public var shadows: [ServedModel]
    /// Laps begun so far, whatever became of them.
    public var laps: Int
    /// Laps that put a new champion in place.
    public var lapsPromoted: Int
    /// Instances of the live nodes that serve the champion, sorted.
    public var nodesServing: [String]
    /// Instances of all nodes that were heard in the last seconds, sorted, whatever they serve.
    public var nodesLive: [String]

    /// A pipeline's status from its parts.
    public init(
        pipeline: String,
        version: String,
        automation: String,
        champion: ServedModel?,
        shadows: [ServedModel],
        laps: Int,
        lapsPromoted: Int,
        nodesServing: [String],
        nodesLive: [String]
    ) {
        self.pipeline = pipeline
        self.version = version
        self.automation = automation
        self.champion = champion
        self.shadows = shadows
        self.laps = laps
        self.lapsPromoted = lapsPromoted
        self.nodesServing = nodesServing
        self.nodesLive = nodesLive
    }
}

/// Answers ``RegistryQuery/Question/status``.
public struct StatusAnswer: Codable, Sendable, Hashable {
    /// The pipeline that was asked for, or all, by name; empty when it is not registered.
    public var pipelines: [PipelineStatus]

    /// An answer from its pipelines.
    public init(pipelines: [PipelineStatus]) { self.pipelines = pipelines }
}
