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
    /// Encodings and integers that stay whatever the rows say.
    public var fixed: FixedEncodings

    /// Options of which each has a default.
    public init(
        goldenRows: Int = 0,
        lineage: Lineage? = nil,
        width: Quantizer.ActivationWidth = .bytes,
        ranges: RangeMethod = .minMax,
        fixed: FixedEncodings = FixedEncodings()
    ) {
        self.goldenRows = goldenRows
        self.lineage = lineage
        self.width = width
        self.ranges = ranges
        self.fixed = fixed
    }
}
