/// Somebody hands in a pipeline file.
public struct PipelinePushed: Event {
    /// Durable; said by people and other systems, read by the registry, which registers or rejects the file.
    public static let kind = EventKind("pipeline", "pushed")

    /// The name that the sender gives; the file's own must be the same.
    public var pipeline: String
    /// The YAML file as it is.
    public var file: String

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// A pushed file from its parts.
    public init(pipeline: String, file: String) {
        self.pipeline = pipeline
        self.file = file
    }
}
