/// The error is back under the near level; `runid` is that of the decay it ends.
public struct DecayCleared: Event {
    public static let kind = EventKind("decay", "cleared")

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
