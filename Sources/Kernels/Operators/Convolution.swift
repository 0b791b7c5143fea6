public import Quantization

/// A convolution of bytes: 2-D, depthwise (`groups` equal to the channels) or, on a map of one position, fully connected.
///
/// `sum[y, x, n] = bias[n] + Σ(i, j, c) (input[y', x', first(n) + c] - inputZeroPoint) * (weights[n, i, j, c] - w)`
///
/// with `first(n) = n / (N / groups) * (C / groups)`, `c` in `0..<C / groups`, `w` the zero point of unsigned weights, and
/// padding that holds `inputZeroPoint`; sums wrap at 32 bits.
public struct Convolution: Sendable, Hashable {
    /// What a convolution gives.
    public enum Output: Sendable, Hashable {
        /// u8, by a multiplier and shifts for each channel.
        case bytes(RequantizeStage)
        /// The s32 sums themselves.
        case sums
    }

    /// The dimensions of the input.
    public var input: FeatureMap
    /// The kernel.
    public var window: Window
    /// How many parts the channels fall into.
    public var groups: Int
    /// `[N, window.height, window.width, C / groups]` row-major.
    public var weights: WeightMatrix
    /// `[N]`
    public var biases: [Int32]
    /// The byte that stands for 0.
    public var inputZeroPoint: UInt8
    /// What becomes of the sums.
    public var result: Output

    /// Makes a value of its parts; ``shape()`` checks them.
    public init(
        input: FeatureMap,
        window: Window = Window(),
        groups: Int = 1,
        weights: WeightMatrix,
        biases: [Int32],
        inputZeroPoint: UInt8,
        result: Output
    ) {
        self.input = input
        self.window = window
        self.groups = groups
        self.weights = weights
        self.biases = biases
        self.inputZeroPoint = inputZeroPoint
        self.result = result
    }

    /// A fully-connected layer: `[inputs]` to `[biases.count]`.
    public static func fullyConnected(
        inputs: Int,
        weights: WeightMatrix,
        biases: [Int32],
        inputZeroPoint: UInt8,
        result: Output
    ) -> Convolution {
        Convolution(
            input: FeatureMap(height: 1, width: 1, channels: inputs),
            weights: weights,
            biases: biases,
            inputZeroPoint: inputZeroPoint,
            result: result
        )
    }

    /// The number of output channels.
    public var outputChannels: Int { biases.count }
    /// Whether each output channel sees a single input channel.
    public var isDepthwise: Bool { groups > 1 && groups == input.channels }

    /// The products in one sum.
    public var reduction: Int { window.taps * (input.channels / max(groups, 1)) }

    /// Checks every part.
    ///
    /// - Returns: The output's dimensions.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    @discardableResult
    public func shape() throws(KernelError) -> FeatureMap {
        let output = try window.output(of: input, channels: outputChannels)
        guard groups >= 1, input.channels % groups == 0, outputChannels % groups == 0 else {
            throw .invalidShape([input.channels, outputChannels, groups])
        }
        let row = try elementCount(elementCount(window.height, window.width), input.channels / groups)
        let expected = try elementCount(outputChannels, row)
        guard weights.count == expected else {
            throw .count(what: "weights", expected: expected, actual: weights.count)
        }
        if case .bytes(let stage) = result, stage.channels.count != outputChannels {
            throw .count(what: "requantizations", expected: outputChannels, actual: stage.channels.count)
        }
        return output
    }
}

/// A convolution of 16-bit activations with 8-bit weights: Hexagon's A16W8, for fully-connected layers and 2-D kernels.
///
/// The sums are as for ``Convolution`` with an input zero point of 0, since 16-bit activations are symmetric. Results are
/// s16: `clamp(sat16(z), low...high)` with `z` of ``/Quantization/Requantization``.
public struct WideConvolution: Sendable, Hashable {
    /// What a convolution gives.
    public enum Output: Sendable, Hashable {
        /// s16, by a multiplier and shifts for each channel.
        case halfwords([Requantization], range: ClosedRange<Int16>)
        /// The s32 sums themselves.
        case sums
    }

    /// The dimensions of the input, s16.
    public var input: FeatureMap
    /// The kernel.
    public var window: Window
    /// How many parts the channels fall into.
    public var groups: Int
    /// `[N, window.height, window.width, C / groups]` row-major.
    public var weights: [Int8]
    /// `[N]`
    public var biases: [Int32]
    /// What becomes of the sums.
    public var result: Output

    /// Makes a value of its parts; ``shape()`` checks them.
    public init(
        input: FeatureMap,
        window: Window = Window(),
        groups: Int = 1,
        weights: [Int8],
        biases: [Int32],
        result: Output
    ) {
        self.input = input
        self.window = window
        self.groups = groups
        self.weights = weights
        self.biases = biases
        self.result = result
    }

    /// Checks every part.
    ///
    /// - Returns: The output's dimensions.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    @discardableResult
    public func shape() throws(KernelError) -> FeatureMap {
        let bytes = Convolution(
            input: input,
            window: window,
            groups: groups,
            weights: .int8(weights),
            biases: biases,
            inputZeroPoint: 0,
            result: .sums
        )
        let output = try bytes.shape()
        if case .halfwords(let channels, _) = result, channels.count != biases.count {
            throw .count(what: "requantizations", expected: biases.count, actual: channels.count)
        }
        return output
    }
}
