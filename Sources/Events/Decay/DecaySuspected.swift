/// The champion's error is near the level at which it counts as decayed, or its inputs left the training range.
public struct DecaySuspected: Event {
    public static let kind = EventKind("decay", "suspected")

    public var pipeline: String
    /// The champion that the figures are about.
    public var digest: String
    public var figures: DecayFigures

    public var subject: String { pipeline }

    public init(pipeline: String, digest: String, figures: DecayFigures) {
        self.pipeline = pipeline
        self.digest = digest
        self.figures = figures
    }
}
