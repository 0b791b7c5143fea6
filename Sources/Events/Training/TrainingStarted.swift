/// A run began: the champion's candidate and its shadows are trained in parallel on different windows of the data.
public struct TrainingStarted: Event {
    /// Durable; said by the trainer once per run, also when it dies and begins again; read by registry and alert.
    public static let kind = EventKind("training", "started")

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of the definition that the run follows.
    public var pipelineVersion: String
    /// `decay.detected` or `training.requested`.
    public var cause: String
    /// `champion` and the shadows' names.
    public var candidates: [String]
    /// Labelled rows that the trainer holds.
    public var rows: Int

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A run's beginning from its parts.
    public init(pipeline: String, pipelineVersion: String, cause: String, candidates: [String], rows: Int) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.cause = cause
        self.candidates = candidates
        self.rows = rows
    }
}
