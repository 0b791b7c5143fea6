/// The error is back under the near level; `runid` is that of the decay it ends.
public struct DecayCleared: Event {
    /// Durable; said by the monitor, read by the registry, which closes the lap, and by alert.
    public static let kind = EventKind("decay", "cleared")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    /// What the monitor saw when the error went under the near level.
    public var figures: DecayFigures

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// The end of a decay from its parts.
    public init(pipeline: String, digest: String, figures: DecayFigures) {
        self.pipeline = pipeline
        self.digest = digest
        self.figures = figures
    }
}
