/// A run's models are quantized, signed and stand in the registry's store.
public struct ConversionCompleted: Event {
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
        /// Float against int8 over the calibration rows.
        public var meanAbsoluteDifference: Double
        public var maxAbsoluteDifference: Double
        public var signalToNoiseDB: Double
        public var containerBytes: Int

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

    public var pipeline: String
    public var pipelineVersion: String
    public var candidates: [Candidate]
    /// Artifacts handed on from the training run.
    public var recent: String
    public var parity: String
    public var frozen: String

    public var subject: String { pipeline }

    public init(
        pipeline: String,
        pipelineVersion: String,
        candidates: [Candidate],
        recent: String,
        parity: String,
        frozen: String
    ) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.candidates = candidates
        self.recent = recent
        self.parity = parity
        self.frozen = frozen
    }
}
