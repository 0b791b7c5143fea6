/// What the nodes shall serve from now on.
public struct RolloutStepped: Event {
    /// Durable; said by the registry, read by the nodes, which load the models, and by the monitor.
    public static let kind = EventKind("rollout", "stepped")

    /// A model to load, by digest.
    public struct Deployment: Codable, Sendable, Hashable {
        /// `champion`, `shadow-1`, ...
        public var alias: String
        /// The candidate's name in its run: `champion`, or the shadow's name.
        public var candidate: String
        /// The model's version, from 1 per pipeline.
        public var version: Int
        /// SHA-256 of the container, under which it is fetched as an artifact.
        public var digest: String
        /// The DSSE envelope over the digest, as JSON.
        public var envelope: String

        /// A model to load from its parts.
        public init(alias: String, candidate: String, version: Int, digest: String, envelope: String) {
            self.alias = alias
            self.candidate = candidate
            self.version = version
            self.digest = digest
            self.envelope = envelope
        }
    }

    /// What training data covered of one feature.
    public struct Range: Codable, Sendable, Hashable {
        /// The feature's name in the pipeline.
        public var feature: String
        /// Elements of the feature.
        public var count: Int
        /// Smallest value of any of its elements, in the feature's unit.
        public var min: Float
        /// Largest value of any of its elements, in the feature's unit.
        public var max: Float

        /// A range from its parts.
        public init(feature: String, count: Int, min: Float, max: Float) {
            self.feature = feature
            self.count = count
            self.min = min
            self.max = max
        }
    }

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition under which the models were trained.
    public var pipelineVersion: String
    /// The model whose answers count.
    public var champion: Deployment
    /// Models that answer beside it, for comparison; may be empty.
    public var shadows: [Deployment]
    /// The champion's metric on recent rows (an error rate is kept above 0); the monitor's levels are factors of it.
    /// 0 when nobody has labelled rows, as for a first model that was offered.
    public var baseline: Double
    /// The champion's training ranges.
    public var ranges: [Range]

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A rollout's step from its parts.
    public init(
        pipeline: String,
        pipelineVersion: String,
        champion: Deployment,
        shadows: [Deployment],
        baseline: Double,
        ranges: [Range]
    ) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.champion = champion
        self.shadows = shadows
        self.baseline = baseline
        self.ranges = ranges
    }
}
