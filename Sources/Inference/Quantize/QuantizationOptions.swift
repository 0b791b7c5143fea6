public import ModelContainer
public import Quantization

/// Everything besides the model and its rows that decides what a float model becomes.
///
/// The same model, rows and options always give the same bytes.
public struct QuantizationOptions: Sendable, Hashable {
    /// How many of the calibration rows, evenly spread, go into the container as golden questions; cut to the number of
    /// rows, and so that they have at most 65,536 values.
    public var goldenRows: Int
    /// The new container's lineage, or nil to keep that of the model. Its `parent` becomes the digest of the model.
    public var lineage: Lineage?
    /// How values between the operators stand.
    public var width: Quantizer.ActivationWidth
    /// How the range of bytes follows from the values seen. 16-bit integers have room for all.
    public var ranges: RangeMethod
    /// Whether layers may stay float: those without an integer operator, and those that a loss budget wants float.
    public var allowsFloat: Bool
    /// Nodes that stay float in any case, by their names in the model.
    public var floatLayers: Set<String>
    /// The signal to noise that the answers must have; layers that cost them too much get 16 bits or stay float.
    public var lossBudget: LossBudget?
    /// Whether channels between two layers are scaled against each other.
    public var equalizes: Bool
    /// Whether the mean errors of each layer are taken out of its biases.
    public var correctsBias: Bool
    /// Steps by which each layer learns which weights to round up and which down; 0 rounds to the nearest.
    public var roundingIterations: Int
    /// Encodings and integers that stay whatever the rows say.
    public var fixed: FixedEncodings

    /// Options of which each has a default.
    public init(
        goldenRows: Int = 0,
        lineage: Lineage? = nil,
        width: Quantizer.ActivationWidth = .bytes,
        ranges: RangeMethod = .minMax,
        allowsFloat: Bool = true,
        floatLayers: Set<String> = [],
        lossBudget: LossBudget? = nil,
        equalizes: Bool = false,
        correctsBias: Bool = false,
        roundingIterations: Int = 0,
        fixed: FixedEncodings = FixedEncodings()
    ) {
        self.goldenRows = goldenRows
        self.lineage = lineage
        self.width = width
        self.ranges = ranges
        self.allowsFloat = allowsFloat
        self.floatLayers = floatLayers
        self.lossBudget = lossBudget
        self.equalizes = equalizes
        self.correctsBias = correctsBias
        self.roundingIterations = roundingIterations
        self.fixed = fixed
    }

    /// Whether anything is done besides rounding, and measured by what it does to the answers.
    var hasStages: Bool { lossBudget != nil || equalizes || correctsBias || roundingIterations > 0 }
}
