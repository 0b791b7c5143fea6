/// The champion may be decaying, or its inputs changed; nothing is trained because of it.
public struct DecaySuspected: Event {
    /// Durable; said by the monitor, read by alert.
    public static let kind = EventKind("decay", "suspected")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    /// What the monitor saw; its cause says whether the metric, the inputs or their quality is meant.
    public var figures: DecayFigures

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A suspicion from its parts.
    public init(pipeline: String, digest: String, figures: DecayFigures) {
        self.pipeline = pipeline
        self.digest = digest
        self.figures = figures
    }
}
