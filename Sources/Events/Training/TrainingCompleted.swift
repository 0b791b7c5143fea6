/// A run's models are trained and stand in the registry's store as float graphs.
public struct TrainingCompleted: Event {
    /// Durable; said by the trainer, read by converter and registry.
    public static let kind = EventKind("training", "completed")

    /// One trained model.
    public struct Candidate: Codable, Sendable, Hashable {
        /// `champion`, or the shadow's name.
        public var name: String
        /// Artifact: the float model.
        public var model: String
        /// Artifact: rows for calibration, tensors `inputs` and `targets`.
        public var calibration: String
        /// Labelled rows that it was given, those for validation among them.
        public var rows: Int
        /// Key of the oldest of these rows.
        public var firstKey: String
        /// Key of the newest of these rows.
        public var lastKey: String
        /// Seed of its random numbers: the pipeline's, plus the candidate's place in the run.
        public var seed: UInt64
        /// Epochs done; fewer than the pipeline asks for when there was no more improvement.
        public var epochs: Int
        /// Loss of the best epoch on the training rows, in units of the standardized target.
        public var trainingLoss: Double
        /// The same on the rows kept for validation; the training loss when there are none.
        public var validationLoss: Double
        /// How long its training took.
        public var seconds: Double

        /// A trained model from its parts.
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

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition under which the run was trained.
    public var pipelineVersion: String
    /// The champion's candidate first, then those of the shadows.
    public var candidates: [Candidate]
    /// Artifact: the newest held-out rows, tensors `inputs` and `targets`.
    public var recent: String
    /// Artifact: the newest rows, held out or not, on which int8 is compared with float.
    public var parity: String
    /// Artifact: rows held out from the pipeline's first run, the same ever after.
    public var frozen: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// The outcome of a run from its parts.
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
