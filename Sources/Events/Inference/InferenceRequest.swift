/// Asks a model something and waits for the answer; a request of class `q` that the work group `infer` answers with
/// ``InferenceAnswer``.
public struct InferenceRequest: Event {
    /// A question (class `q`): kept in memory, leased to a node, and asked again by whoever got no answer.
    public static let kind = EventKind("inference", "request", reliability: .work)

    /// Name of the pipeline whose champion shall answer.
    public var pipeline: String
    /// Feature name to value, in the pipeline's units.
    public var inputs: [String: FeatureValue]
    /// Joins the prediction with a label that comes later; the node makes one when it is absent.
    public var key: String?

    /// The pipeline, as the topic's last segment: rights can be given for one alone.
    public var subject: String { pipeline }

    /// A request from its parts; NaN stands for a missing element.
    public init(pipeline: String, inputs: [String: [Double]], key: String? = nil) {
        self.pipeline = pipeline
        self.inputs = inputs.mapValues(FeatureValue.init)
        self.key = key
    }

    /// Feature name to elements, NaN where missing.
    public var values: [String: [Double]] { inputs.mapValues(\.elements) }
}

/// Answers ``InferenceRequest``; also what a node's local door answers.
public struct InferenceAnswer: Codable, Sendable, Hashable {
    /// Name of the pipeline.
    public var pipeline: String
    /// The request's key, or the one that the node made.
    public var key: String
    /// The target's value, or one probability per class.
    public var outputs: [Float]
    /// Digest of the champion that answered.
    public var digest: String
    /// The instance of the node that answered, such as `node-1`.
    public var node: String

    /// An answer from its parts.
    public init(pipeline: String, key: String, outputs: [Float], digest: String, node: String) {
        self.pipeline = pipeline
        self.key = key
        self.outputs = outputs
        self.digest = digest
        self.node = node
    }
}
