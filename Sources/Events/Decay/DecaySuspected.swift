/// The champion's error is near the level at which it counts as decayed, or its inputs left the training range.
public struct DecaySuspected: Event {
    /// Durable; said by the monitor, read by alert; nothing is trained because of it.
    public static let kind = EventKind("decay", "suspected")

    /// Name of the pipeline.
    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    /// What the monitor saw; its cause says whether the error or an input is meant.
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
