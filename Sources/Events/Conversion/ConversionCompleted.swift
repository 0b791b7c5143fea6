/// A run's models, or a model that was offered, are quantized, signed and stand in the registry's store.
public struct ConversionCompleted: Event {
    /// Durable; said by the converter, read by the registry, which puts the candidates through its gates.
    public static let kind = EventKind("conversion", "completed")

    /// One converted model.
    public struct Candidate: Codable, Sendable, Hashable {
        /// `champion`, or the shadow's name.
        public var name: String
        /// Artifact: the float model it was made from.
        public var floatModel: String
        /// Artifact: the int8 container.
        public var model: String
        /// The DSSE envelope over the container's digest, as JSON.
        public var envelope: String
        /// Mean difference of float and int8 over the calibration rows, in the output's unit.
        public var meanAbsoluteDifference: Double
        /// The largest such difference of a single output, in the output's unit.
        public var maxAbsoluteDifference: Double
        /// Power of the float outputs over that of the differences, in decibels; higher is better.
        public var signalToNoiseDB: Double
        /// Size of the int8 container.
        public var containerBytes: Int

        /// A converted model from its parts.
        public init(
            name: String,
            floatModel: String,
            model: String,
            envelope: String,
            meanAbsoluteDifference: Double,
            maxAbsoluteDifference: Double,
            signalToNoiseDB: Double,
            containerBytes: Int
        ) {
            self.name = name
            self.floatModel = floatModel
            self.model = model
            self.envelope = envelope
            self.meanAbsoluteDifference = meanAbsoluteDifference
            self.maxAbsoluteDifference = maxAbsoluteDifference
            self.signalToNoiseDB = signalToNoiseDB
            self.containerBytes = containerBytes
        }
    }

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition under which the run was trained.
    public var pipelineVersion: String
    /// The models that could be converted, in the run's order; the others have a ``ConversionFailed`` each.
    public var candidates: [Candidate]
    /// Artifact, handed on from the run as the two after it; see ``TrainingCompleted/recent``.
    public var recent: String
    /// See ``TrainingCompleted/parity``.
    public var parity: String
    /// See ``TrainingCompleted/frozen``.
    public var frozen: String
    /// Where the only candidate comes from, when it was offered. The three data sets may then be without `targets`, when
    /// nobody has labelled rows, and are the pipeline's own where it has some.
    public var source: ModelSource?

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// The outcome of a conversion from its parts.
    public init(
        pipeline: String,
        pipelineVersion: String,
        candidates: [Candidate],
        recent: String,
        parity: String,
        frozen: String,
        source: ModelSource? = nil
    ) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.candidates = candidates
        self.recent = recent
        self.parity = parity
        self.frozen = frozen
        self.source = source
    }
}
