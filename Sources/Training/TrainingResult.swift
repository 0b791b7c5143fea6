public import ModelGraph

/// Where a training stands after one epoch.
public struct EpochProgress: Codable, Sendable, Hashable {
    /// Epochs done, from 1.
    public var epoch: Int
    /// Epochs that the settings ask for.
    public var epochs: Int
    /// Mean loss over the steps of this epoch, while the weights changed.
    public var trainingLoss: Float
    /// Loss on the held-out rows after this epoch; the training loss when nothing is held out.
    public var validationLoss: Float
    /// Whether this epoch is the best so far.
    public var isBest: Bool
}

/// A trained network.
public struct TrainingResult: Sendable, Hashable {
    /// Why training ended.
    public enum Ending: String, Codable, Sendable, Hashable, CaseIterable {
        /// All epochs are done.
        case epochs
        /// No improvement for as many epochs as the settings allow.
        case patience
        /// The caller asked to stop.
        case caller
    }

    /// The network of the best epoch; input `features`, output `prediction` or, for classification, `probabilities`.
    public var graph: Graph
    /// Epochs done.
    public var epochsRun: Int
    /// Epoch whose weights the graph has, from 1.
    public var bestEpoch: Int
    /// Why training ended.
    public var ending: Ending
    /// Training loss of the best epoch, in units of the standardized target.
    public var trainingLoss: Float
    /// Validation loss of the best epoch, in units of the standardized target.
    public var validationLoss: Float
    /// Rows that were trained on.
    public var trainingRows: Int
    /// Rows that were held out.
    public var validationRows: Int
    /// Smallest value of each input column over all rows.
    public var inputMin: [Float]
    /// Largest value of each input column over all rows.
    public var inputMax: [Float]
}
