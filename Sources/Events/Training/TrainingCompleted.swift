/// A run's models are trained and stand in the registry's store as float graphs.
public struct TrainingCompleted: Event {
    public static let kind = EventKind("training", "completed")

    /// One trained model.
    public struct Candidate: Codable, Sendable, Hashable {
        /// `champion`, or the shadow's name.
        public var name: String
        /// Artifact: the float model.
        public var model: String
        /// Artifact: rows for calibration, tensors `inputs` and `targets`.
        public var calibration: String
        public var rows: Int
        public var firstKey: String
        public var lastKey: String
        public var seed: UInt64
        public var epochs: Int
        public var trainingLoss: Double
        public var validationLoss: Double
        public var seconds: Double

        public init(
            name: String,
            model: String,
            calibration: String,
            rows: Int,
            firstKey: String,
            lastKey: String,
            seed: UInt64,
            epochs: Int,
            trainingLoss: Double,
            validationLoss: Double,
            seconds: Double
        ) {
            self.name = name
            self.model = model
            self.calibration = calibration
            self.rows = rows
            self.firstKey = firstKey
            self.lastKey = lastKey
            self.seed = seed
            self.epochs = epochs
            self.trainingLoss = trainingLoss
            self.validationLoss = validationLoss
            self.seconds = seconds
        }
    }

    public var pipeline: String
    public var pipelineVersion: String
    public var candidates: [Candidate]
    /// Artifact: the newest held-out rows, tensors `inputs` and `targets`.
    public var recent: String
    /// Artifact: the newest rows, held out or not, on which int8 is compared with float.
    public var parity: String
    /// Artifact: rows held out from the pipeline's first run, the same ever after.
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
