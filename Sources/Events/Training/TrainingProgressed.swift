/// How far a run is; telemetry, so losing one costs nothing.
public struct TrainingProgressed: Event {
    public static let kind = EventKind("training", "progressed", reliability: .telemetry)

    public var pipeline: String
    public var candidate: String
    public var epoch: Int
    public var epochs: Int
    public var validationLoss: Double

    public var subject: String { pipeline }

    public init(pipeline: String, candidate: String, epoch: Int, epochs: Int, validationLoss: Double) {
        self.pipeline = pipeline
        self.candidate = candidate
        self.epoch = epoch
        self.epochs = epochs
        self.validationLoss = validationLoss
    }
}
