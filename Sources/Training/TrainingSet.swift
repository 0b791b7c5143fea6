/// Rows to learn from.
public struct TrainingSet: Sendable, Hashable {
    /// Inputs, `[rows, features]` row-major.
    public var inputs: [Float]
    /// Regression: `[rows, targets]` row-major, as many targets as divide evenly. Classification: one class index, 0 or
    /// more, for each row.
    public var targets: [Float]
    /// Number of rows.
    public var rows: Int
    /// Elements of one row of inputs.
    public var features: Int

    /// Keeps the rows; ``MLPTrainer`` checks them.
    public init(inputs: [Float], targets: [Float], rows: Int, features: Int) {
        self.inputs = inputs
        self.targets = targets
        self.rows = rows
        self.features = features
    }

    /// The latest `count` rows, or all when there are fewer.
    public func latest(_ count: Int) -> TrainingSet {
        guard count >= 0, count < rows, rows > 0, features > 0 else { return self }
        return TrainingSet(
            inputs: Array(inputs.suffix(count * features)),
            targets: Array(targets.suffix(count * (targets.count / rows))),
            rows: count,
            features: features
        )
    }
}
