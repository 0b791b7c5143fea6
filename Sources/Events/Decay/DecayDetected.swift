/// The champion decayed; the event's `runid` names the lap that follows from it.
public struct DecayDetected: Event {
    public static let kind = EventKind("decay", "detected")

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
