/// How far a run is; telemetry, so losing one costs nothing.
public struct TrainingProgressed: Event {
    /// Telemetry; said by the trainer at most four times a second for each model, and after the last epoch.
    public static let kind = EventKind("training", "progressed", reliability: .telemetry)

    /// Name of the pipeline.
    public var pipeline: String
    /// The model's name in its run: `champion`, or the shadow's name.
    public var candidate: String
    /// Epochs done, from 1.
    public var epoch: Int
    /// Epochs that the pipeline asks for; training may end earlier.
    public var epochs: Int
    /// Loss on the validation rows after this epoch, in units of the standardized target.
    public var validationLoss: Double

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A run's progress from its parts.
    public init(pipeline: String, candidate: String, epoch: Int, epochs: Int, validationLoss: Double) {
        self.pipeline = pipeline
        self.candidate = candidate
        self.epoch = epoch
        self.epochs = epochs
        self.validationLoss = validationLoss
    }
}
