/// A pipeline's file was checked and is in force.
public struct PipelineRegistered: Event {
    public static let kind = EventKind("pipeline", "registered")

    public var pipeline: String
    /// SHA-256 of ``definition``.
    public var version: String
    /// The pipeline as canonical JSON, defaults filled in.
    public var definition: String

    public var subject: String { pipeline }

    public init(pipeline: String, version: String, definition: String) {
        self.pipeline = pipeline
        self.version = version
        self.definition = definition
    }
}
