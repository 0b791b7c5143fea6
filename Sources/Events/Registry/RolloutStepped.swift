/// What the nodes shall serve from now on.
public struct RolloutStepped: Event {
    public static let kind = EventKind("rollout", "stepped")

    /// A model to load, by digest.
    public struct Deployment: Codable, Sendable, Hashable {
        /// `champion`, `shadow-1`, ...
        public var alias: String
        /// The candidate's name in its run: `champion`, or the shadow's name.
        public var candidate: String
        public var version: Int
        public var digest: String
        /// The DSSE envelope over the digest, as JSON.
        public var envelope: String

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
        public var feature: String
        public var count: Int
        public var min: Float
        public var max: Float

        public init(feature: String, count: Int, min: Float, max: Float) {
            self.feature = feature
            self.count = count
            self.min = min
            self.max = max
        }
    }

    public var pipeline: String
    public var pipelineVersion: String
    public var champion: Deployment
    public var shadows: [Deployment]
    /// The champion's metric in its gates; the monitor's levels are factors of it.
    public var baseline: Double
    /// The champion's training ranges.
    public var ranges: [Range]

    public var subject: String { pipeline }

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
