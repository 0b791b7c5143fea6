/// A node answered observations: the champion's outputs and, beside them, what its shadows would have said.
public struct PredictionsMade: Event {
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
        public var digest: String
        public var outputs: [Float]

        public init(name: String, digest: String, outputs: [Float]) {
            self.name = name
            self.digest = digest
            self.outputs = outputs
        }
    }

    public var pipeline: String
    public var node: String
    public var predictions: [Prediction]

    public var subject: String { pipeline }

    public init(pipeline: String, node: String, predictions: [Prediction]) {
        self.pipeline = pipeline
        self.node = node
        self.predictions = predictions
    }
}
