/// How a network of fully connected layers is trained.
public struct MLPSettings: Codable, Sendable, Hashable {
    /// The most weights and biases that a network may have.
    public static let parametersMax = 64 << 20

    /// What training minimizes.
    public enum Loss: String, Codable, Sendable, Hashable, CaseIterable {
        /// Half the squared error up to one standard deviation of the target, linear beyond it.
        case huber
        /// Mean squared error.
        case mse
        /// Cross-entropy of the softmax of the outputs; needs ``MLPSettings/classes``.
        case crossEntropy = "cross-entropy"
    }

    /// Neurons of each hidden layer; empty for a linear model.
    public var hidden: [Int]
    /// What training minimizes.
    public var loss: Loss
    /// Passes over the data at most, 1 or more.
    public var epochs: Int
    /// Seed of the first weights and of the order of rows.
    public var seed: UInt64
    /// Rows per step, 1 or more.
    public var batch: Int
    /// Step size of the optimizer, above 0.
    public var learningRate: Float
    /// Epochs without improvement after which training stops; 0 for never.
    public var patience: Int
    /// Share of the rows that is held out to choose the best epoch, 0...0.5; 0 chooses by the training loss.
    public var validationShare: Float
    /// Number of classes for cross-entropy, nil otherwise.
    public var classes: Int?

    /// Keeps the settings; ``MLPTrainer`` checks them.
    public init(
        hidden: [Int] = [32, 16],
        loss: Loss = .huber,
        epochs: Int = 60,
        seed: UInt64 = 1,
        batch: Int = 64,
        learningRate: Float = 0.001,
        patience: Int = 10,
        validationShare: Float = 0.1,
        classes: Int? = nil
    ) {
        self.hidden = hidden
        self.loss = loss
        self.epochs = epochs
        self.seed = seed
        self.batch = batch
        self.learningRate = learningRate
        self.patience = patience
        self.validationShare = validationShare
        self.classes = classes
    }

    func check() throws(TrainingError) {
        func require(_ isFine: Bool, _ name: String, _ value: Any, _ allowed: String) throws(TrainingError) {
            guard !isFine else { return }
            throw .setting(name: name, value: "\(value)", allowed: allowed)
        }
        try require(
            hidden.count <= 16 && hidden.allSatisfy { (1...65_536).contains($0) },
            "hidden",
            hidden,
            "up to 16 layers of 1...65536 neurons"
        )
        try require(epochs >= 1, "epochs", epochs, "1 or more")
        try require((1...1 << 20).contains(batch), "batch", batch, "1...\(1 << 20)")
        try require(learningRate > 0 && learningRate <= 10, "learningRate", learningRate, "above 0, up to 10")
        try require(patience >= 0, "patience", patience, "0 or more")
        try require(validationShare >= 0 && validationShare <= 0.5, "validationShare", validationShare, "0...0.5")
        if loss == .crossEntropy {
            try require((2...65_536).contains(classes ?? 0), "classes", classes ?? 0, "2...65536 with cross-entropy")
        } else {
            try require(classes == nil, "classes", classes ?? 0, "none with \(loss.rawValue)")
        }
    }
}
