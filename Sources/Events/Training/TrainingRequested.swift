/// Somebody asks for a training run without waiting for decay: the first model, or level 0 and 1 of automation.
public struct TrainingRequested: Event {
    public static let kind = EventKind("training", "requested")

    public var pipeline: String
    /// Why, for the audit.
    public var reason: String
    /// Newest example the run may use; all when absent.
    public var untilKey: String?

    public var subject: String { pipeline }

    public init(pipeline: String, reason: String, untilKey: String? = nil) {
        self.pipeline = pipeline
        self.reason = reason
        self.untilKey = untilKey
    }
}
