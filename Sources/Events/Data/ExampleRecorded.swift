/// A past observation with its label: history for training that nobody asks a model about.
public struct ExampleRecorded: Event {
    /// Durable; said by other systems, read by the trainer.
    public static let kind = EventKind("example", "recorded")

    /// The data stream, as a pipeline's `data.observations` names it.
    public var stream: String
    /// Unique per stream.
    public var key: String
    /// Feature name to value.
    public var inputs: [String: FeatureValue]
    /// The target's value, or the class index for classification.
    public var value: Double

    /// The stream, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { stream }

    /// An example from its parts; NaN stands for a missing element.
    public init(stream: String, key: String, inputs: [String: [Double]], value: Double) {
        self.stream = stream
        self.key = key
        self.inputs = inputs.mapValues(FeatureValue.init)
        self.value = value
    }

    /// Feature name to elements, NaN where missing.
    public var values: [String: [Double]] { inputs.mapValues(\.elements) }
}
