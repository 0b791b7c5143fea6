/// A pipeline's file was checked and is in force.
public struct PipelineRegistered: Event {
    /// Durable; said by the registry, read by every program that keeps a table of pipelines.
    public static let kind = EventKind("pipeline", "registered")

    /// Name of the pipeline.
    public var pipeline: String
    /// SHA-256 of ``definition``.
    public var version: String
    /// The pipeline as canonical JSON, defaults filled in.
    public var definition: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A registered pipeline from its parts.
    public init(pipeline: String, version: String, definition: String) {
        self.pipeline = pipeline
        self.version = version
        self.definition = definition
    }
}
