/// A node answered observations: the champion's outputs and, beside them, what its shadows would have said.
public struct PredictionsMade: Event {
    /// Durable; said by the nodes, read by the monitor, which joins the predictions with their labels.
    public static let kind = EventKind("prediction", "made")

    /// One answered observation.
    public struct Prediction: Codable, Sendable, Hashable {
        /// The observation's key.
        public var key: String
        /// When the node answered.
        public var at: Timestamp
        /// Digest of the champion that answered.
        public var digest: String
        /// Its outputs: the target's value, or one probability per class.
        public var outputs: [Float]
        /// What the shadows said.
        public var shadows: [Shadow]

        /// A prediction from its parts.
        public init(key: String, at: Timestamp, digest: String, outputs: [Float], shadows: [Shadow]) {
            self.key = key
            self.at = at
            self.digest = digest
            self.outputs = outputs
            self.shadows = shadows
        }
    }

    /// A shadow's answer to the same observation.
    public struct Shadow: Codable, Sendable, Hashable {
        /// The shadow's alias, such as `shadow-1`.
        public var name: String
        /// Digest of the shadow that answered.
        public var digest: String
        /// Its outputs, of the same form as the champion's.
        public var outputs: [Float]

        /// A shadow's answer from its parts.
        public init(name: String, digest: String, outputs: [Float]) {
            self.name = name
            self.digest = digest
            self.outputs = outputs
        }
    }

    /// Name of the pipeline.
    public var pipeline: String
    /// The instance of the node that answered, such as `node-1`.
    public var node: String
    /// At most 32, in the order in which they were answered.
    public var predictions: [Prediction]

    /// The pipeline, as the topic's last segment: readers can follow one alone and ask for its newest event.
    public var subject: String { pipeline }

    /// Answers of one node from their parts.
    public init(pipeline: String, node: String, predictions: [Prediction]) {
        self.pipeline = pipeline
        self.node = node
        self.predictions = predictions
    }
}
