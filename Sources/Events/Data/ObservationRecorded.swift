/// Another system saw something that a model shall answer.
public struct ObservationRecorded: Event {
    public static let kind = EventKind("observation", "recorded")

    /// The data stream, as a pipeline's `data.observations` names it.
    public var stream: String
    /// Joins the observation with its label and its predictions; unique per stream.
    public var key: String
    /// Feature name to value.
    public var inputs: [String: FeatureValue]

    public var subject: String { stream }

    public init(stream: String, key: String, inputs: [String: [Double]]) {
        self.stream = stream
        self.key = key
        self.inputs = inputs.mapValues(FeatureValue.init)
    }

    /// Feature name to elements, NaN where missing.
    public var values: [String: [Double]] { inputs.mapValues(\.elements) }
}
