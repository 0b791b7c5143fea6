/// Asks the registry something; a request of class `q`, answered by one of the ``Lap``... answers below as JSON.
public struct RegistryQuery: Event {
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

    public var question: Question
    /// Only this pipeline; all when absent.
    public var pipeline: String?
    /// ``Question/history``: only what served at that time.
    public var at: Timestamp?

    public var subject: String { "registry" }

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
    public var runID: String
    public var pipeline: String
    /// `decay.detected` or `training.requested`.
    public var cause: String
    /// `running`, `promoted`, `closed` (error back under the near level), `rejected`, `failed`, `declined`.
    public var outcome: String
    /// One sentence when it was not promoted.
    public var message: String?
    /// T0: the first sample of the episode over the near level was answered.
    public var firstDecayed: Timestamp?
    /// T1: the decay event, or the request.
    public var detected: Timestamp?
    /// T2
    public var trainingStarted: Timestamp?
    /// T3: all models trained.
    public var trained: Timestamp?
    /// T4: all models quantized and signed.
    public var converted: Timestamp?
    /// T5
    public var gatesPassed: Timestamp?
    /// T6
    public var firstNode: Timestamp?
    /// T7: every live node serves it.
    public var lastNode: Timestamp?
    /// T8: the rolling error is back under the near level.
    public var cleared: Timestamp?
    /// Models trained in this lap.
    public var candidates: Int
    /// What was promoted.
    public var version: Int?
    public var digest: String?
    /// The winning candidate: `champion` or a shadow's name.
    public var winner: String?
    /// Nodes that serve it.
    public var nodes: Int

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
    public var laps: [Lap]

    public init(laps: [Lap]) { self.laps = laps }
}

/// A model's time under an alias.
public struct ServedModel: Codable, Sendable, Hashable {
    public var pipeline: String
    public var pipelineVersion: String
    public var alias: String
    public var version: Int
    public var digest: String
    /// The float model it was made from.
    public var floatDigest: String
    public var candidate: String
    public var runID: String
    /// From when to when; still serving when `to` is absent.
    public var from: Timestamp
    public var to: Timestamp?
    /// What it was trained on.
    public var rows: Int
    public var firstKey: String
    public var lastKey: String
    public var seed: UInt64
    /// Its metric in the gates.
    public var baseline: Double

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
        baseline: Double
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
    }
}

/// Answers ``RegistryQuery/Question/history``, oldest first.
public struct HistoryAnswer: Codable, Sendable, Hashable {
    public var served: [ServedModel]

    public init(served: [ServedModel]) { self.served = served }
}

/// How a pipeline stands.
public struct PipelineStatus: Codable, Sendable, Hashable {
    public var pipeline: String
    public var version: String
    public var automation: String
    public var champion: ServedModel?
    public var shadows: [ServedModel]
    public var laps: Int
    public var lapsPromoted: Int
    /// Live nodes that serve the champion, of all live nodes.
    public var nodesServing: [String]
    public var nodesLive: [String]

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
    public var pipelines: [PipelineStatus]

    public init(pipelines: [PipelineStatus]) { self.pipelines = pipelines }
}
