/// The truth about an earlier observation became known.
public struct LabelRecorded: Event {
    public static let kind = EventKind("label", "recorded")

    /// The label stream, as a pipeline's `data.labels` names it.
    public var stream: String
    /// The observation's key.
    public var key: String
    /// The target's value, or the class index for classification.
    public var value: Double

    public var subject: String { stream }

    public init(stream: String, key: String, value: Double) {
        self.stream = stream
        self.key = key
        self.value = value
    }
}
