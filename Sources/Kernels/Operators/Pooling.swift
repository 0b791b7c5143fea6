/// The greatest byte of each window; padding never wins.
public struct MaximumPool: Sendable, Hashable {
    /// The dimensions of the input.
    public var input: FeatureMap
    /// The window; each must hold at least one input position.
    public var window: Window
    /// What results are clamped to.
    public var range: ClosedRange<UInt8>

    /// Makes a value of its parts; ``shape()`` checks them.
    public init(input: FeatureMap, window: Window, range: ClosedRange<UInt8> = 0...255) {
        self.input = input
        self.window = window
        self.range = range
    }

    /// Checks every part.
    ///
    /// - Returns: The output's dimensions.
    /// - Throws: ``KernelError/invalidShape(_:)``.
    @discardableResult
    public func shape() throws(KernelError) -> FeatureMap {
        try window.outputWithoutEmptyWindows(of: input)
    }
}

/// The mean of each window, with an encoding of its own.
///
/// `out = requantize(Σ(input[tap] - inputZeroPoint))` over the taps inside the input, by the formula of
/// ``/Quantization/Requantization``. The real multiplier of a window with n counted taps is `inputScale / (n *
/// outputScale)`; `counts[n - 1]` holds it as integers. Global pooling and the mean over height and width have a window as
/// large as the input.
public struct AveragePool: Sendable, Hashable {
    /// The dimensions of the input.
    public var input: FeatureMap
    /// The window; each must hold at least one input position.
    public var window: Window
    /// Whether padding counts, with the value 0.
    public var countsPadding: Bool
    /// The byte of the input that stands for 0.
    public var inputZeroPoint: UInt8
    /// The requantization for windows of 1, 2, ... counted taps, `window.taps` of them; only the last when padding counts
    /// or there is none.
    public var counts: RequantizeStage

    /// More taps than this could overflow a sum.
    public static let tapsMax = 1 << 22

    /// Makes a value of its parts; ``shape()`` checks them.
    public init(
        input: FeatureMap,
        window: Window,
        countsPadding: Bool = false,
        inputZeroPoint: UInt8,
        counts: RequantizeStage
    ) {
        self.input = input
        self.window = window
        self.countsPadding = countsPadding
        self.inputZeroPoint = inputZeroPoint
        self.counts = counts
    }

    /// Whether every window counts the same number of taps.
    public var isUniform: Bool { countsPadding || window.padding == Window.Edges() }

    /// Checks every part.
    ///
    /// - Returns: The output's dimensions.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    @discardableResult
    public func shape() throws(KernelError) -> FeatureMap {
        let output = try window.outputWithoutEmptyWindows(of: input)
        let taps = try elementCount(window.height, window.width)
        guard taps <= AveragePool.tapsMax else { throw .invalidShape([window.height, window.width]) }
        let expected = isUniform ? 1 : taps
        guard counts.channels.count == expected else {
            throw .count(what: "requantizations", expected: expected, actual: counts.channels.count)
        }
        return output
    }
}

extension Window {
    /// The output of a pool, whose windows may not lie in the padding altogether.
    func outputWithoutEmptyWindows(of input: FeatureMap) throws(KernelError) -> FeatureMap {
        let output = try output(of: input, channels: input.channels)
        func touches(_ index: Int, stride: Int, before: Int, dilation: Int, taps: Int, size: Int) -> Bool {
            let first = index * stride - before
            // The first tap that is not before the input.
            let skipped = first >= 0 ? 0 : (-first + dilation - 1) / dilation
            return skipped < taps && first + skipped * dilation < size
        }
        let lines = (0..<output.height).allSatisfy {
            touches(
                $0,
                stride: strideY,
                before: padding.top,
                dilation: dilationY,
                taps: height,
                size: input.height
            )
        }
        let positions = (0..<output.width).allSatisfy {
            touches(
                $0,
                stride: strideX,
                before: padding.left,
                dilation: dilationX,
                taps: width,
                size: input.width
            )
        }
        guard lines, positions else {
            throw .invalidShape([input.height, input.width, height, width])
        }
        return output
    }
}
