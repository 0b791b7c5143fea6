/// Somebody hands in a pipeline file.
public struct PipelinePushed: Event {
    public static let kind = EventKind("pipeline", "pushed")

    /// The name that the sender gives; the file's own must be the same.
    public var pipeline: String
    /// The YAML file as it is.
    public var file: String

    public var subject: String { pipeline }

    public init(pipeline: String, file: String) {
        self.pipeline = pipeline
        self.file = file
    }
}
