/// Another system saw something that a model shall answer.
public struct ObservationRecorded: Event {
    /// Durable; said by other systems, answered by one node of the work group `infer`, read by trainer and monitor.
    public static let kind = EventKind("observation", "recorded")

    /// The data stream, as a pipeline's `data.observations` names it.
    public var stream: String
    /// Joins the observation with its label and its predictions; unique per stream.
    public var key: String
    /// Feature name to value.
    public var inputs: [String: FeatureValue]

    /// The stream, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { stream }

    /// An observation from its parts; NaN stands for a missing element.
    public init(stream: String, key: String, inputs: [String: [Double]]) {
        self.stream = stream
        self.key = key
        self.inputs = inputs.mapValues(FeatureValue.init)
    }

    /// Feature name to elements, NaN where missing.
    public var values: [String: [Double]] { inputs.mapValues(\.elements) }
}
