/// A run began: the champion's candidate and its shadows are trained in parallel on different windows of the data.
public struct TrainingStarted: Event {
    public static let kind = EventKind("training", "started")

    public var pipeline: String
    public var pipelineVersion: String
    /// `decay.detected` or `training.requested`.
    public var cause: String
    /// `champion` and the shadows' names.
    public var candidates: [String]
    /// Labelled rows that the trainer holds.
    public var rows: Int

    public var subject: String { pipeline }

    public init(pipeline: String, pipelineVersion: String, cause: String, candidates: [String], rows: Int) {
        self.pipeline = pipeline
        self.pipelineVersion = pipelineVersion
        self.cause = cause
        self.candidates = candidates
        self.rows = rows
    }
}
