/// A convolution over planes `[height, width, channels]`; depthwise when `groups` is the number of channels.
///
/// ```
/// y[i, j, n] = activation(bias[n] + Σ x[i·stride + p·dilation - top, j·stride + q·dilation - left, c + first(n)]
///                                   * weights[n, p, q, c])
/// ```
/// over the taps `p`, `q` and the `channels / groups` channels `c` of the output's group; outside the plane `x` is 0.
public struct Convolution: Codable, Sendable, Hashable {
    /// `[outputs, height, width, channels / groups]`
    public var weights: String
    /// `[outputs]`
    public var bias: String
    /// How far the window moves.
    public var stride: Extent
    /// What is added around the plane.
    public var padding: Margins
    /// The distance of two taps.
    public var dilation: Extent
    /// How many independent parts channels and outputs have, in order.
    public var groups: Int
    /// What is done to the sums.
    public var activation: Activation

    /// Makes a value of its parts.
    public init(
        weights: String,
        bias: String,
        stride: Extent = Extent(1),
        padding: Margins = Margins(),
        dilation: Extent = Extent(1),
        groups: Int = 1,
        activation: Activation = .none
    ) {
        self.weights = weights
        self.bias = bias
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
    }

    /// The window, whose size the weights give.
    ///
    /// - Parameter weightShape: Four dimensions.
    public func window(weightShape: [Int]) -> Window {
        Window(
            size: Extent(height: weightShape[1], width: weightShape[2]),
            stride: stride,
            padding: padding,
            dilation: dilation
        )
    }
}
