/// A decay that was detected lasts: another run may be begun. It belongs to the episode that `decay.detected` opened.
public struct DecayPersisted: Event {
    /// Durable; said by the monitor, read by the trainer and the registry, which begins a lap.
    public static let kind = EventKind("decay", "persisted")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    /// What the monitor sees now; `repeats` counts how often it was said.
    public var figures: DecayFigures

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A lasting decay from its parts.
    public init(pipeline: String, digest: String, figures: DecayFigures) {
        self.pipeline = pipeline
        self.digest = digest
        self.figures = figures
    }
}
