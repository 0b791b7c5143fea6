/// The champion decayed: labels say so. One for each episode; its `runid` names the lap that follows from it.
public struct DecayDetected: Event {
    /// Durable; said by the monitor, read by the trainer, the registry, which begins a lap, and alert.
    public static let kind = EventKind("decay", "detected")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    /// What the monitor saw when the metric reached the breach level, or was surely worse than before.
    public var figures: DecayFigures

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A detected decay from its parts.
    public init(pipeline: String, digest: String, figures: DecayFigures) {
        self.pipeline = pipeline
        self.digest = digest
        self.figures = figures
    }
}
