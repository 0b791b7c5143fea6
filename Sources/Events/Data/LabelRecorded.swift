/// The truth about an earlier observation became known.
public struct LabelRecorded: Event {
    /// Durable; said by other systems, read by trainer and monitor. It may come before or after the prediction.
    public static let kind = EventKind("label", "recorded")

    /// The label stream, as a pipeline's `data.labels` names it.
    public var stream: String
    /// The observation's key.
    public var key: String
    /// The target's value, or the class index for classification.
    public var value: Double

    /// The stream, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { stream }

    /// A label from its parts.
    public init(stream: String, key: String, value: Double) {
        self.stream = stream
        self.key = key
        self.value = value
    }
}
