/// What a node computes. Strings name constants of the graph.
///
/// Values have the channels last: a plane is `[height, width, channels]`. Shapes and axes are without the batch.
public enum Operation: Sendable, Hashable {
    /// `y[c] = x[c] * scale[c] + offset[c]` over the last dimension, both constants `[C]`.
    ///
    /// Standardization stays explicit so that it can fold into the encoding of a quantized input.
    case affine(scale: String, offset: String)
    /// `y[n] = activation(bias[n] + Σk x[k] * weights[n, k])`, weights `[N, K]`, bias `[N]`; the input is flattened.
    case fullyConnected(weights: String, bias: String, activation: Activation)
    /// A convolution over a plane, depthwise ones among them.
    case convolution(Convolution)
    /// A sum, difference, product or quotient of two values or of a value and a constant.
    case arithmetic(Arithmetic)
    /// All inputs one after the other along an axis.
    case concatenate(axis: Int)
    /// `value` around the input: for each dimension how many elements before and after it.
    case pad(before: [Int], after: [Int], value: Float)
    /// The greatest element in each window of a plane; what is padded never is the greatest.
    case maxPool(Window)
    /// The mean of each window of a plane; padded elements are 0 and count only if `countsPadding`.
    case averagePool(Window, countsPadding: Bool)
    /// The mean over some axes, which become 1 or are left out.
    case mean(axes: [Int], keepsDimensions: Bool)
    /// A function of each element.
    case function(Function)
    /// `y[c] = exp(x[c] - max x) / Σ exp(x - max x)` over the last dimension.
    case softmax
    /// Each element divided by a norm over the last dimension, or by 1 where that is 0.
    case normalize(Norm)
    /// Where the greatest element lies along an axis, which is left out: the first of several, or the last.
    case argMax(axis: Int, takesLast: Bool)
    /// The same elements in the same order under another shape.
    case reshape(shape: [Int])
    /// Dimension `i` of the result is dimension `permutation[i]` of the input.
    case transpose(permutation: [Int])
    /// Another height and width for a plane.
    case resize(Resize)
    /// The rows of a constant `[rows, ...]` that integers in the input name.
    case gather(table: String)
    /// Elements `begin`, `begin + stride`, ... before `end` of each dimension.
    case slice(begin: [Int], end: [Int], stride: [Int])

    /// The names of the constants that the operation reads.
    public var constants: [String] {
        switch self {
        case .affine(let scale, let offset): [scale, offset]
        case .fullyConnected(let weights, let bias, _): [weights, bias]
        case .convolution(let convolution): [convolution.weights, convolution.bias]
        case .arithmetic(let arithmetic): arithmetic.constant.map { [$0] } ?? []
        case .gather(let table): [table]
        default: []
        }
    }

    /// The name of the operation, as in JSON.
    public var kind: String {
        switch self {
        case .affine: "affine"
        case .fullyConnected: "fully-connected"
        case .convolution: "convolution"
        case .arithmetic(let arithmetic): arithmetic.kind.rawValue
        case .concatenate: "concatenate"
        case .pad: "pad"
        case .maxPool: "max-pool"
        case .averagePool: "average-pool"
        case .mean: "mean"
        case .function(let function): function.kind
        case .softmax: "softmax"
        case .normalize: "normalize"
        case .argMax: "arg-max"
        case .reshape: "reshape"
        case .transpose: "transpose"
        case .resize: "resize"
        case .gather: "gather"
        case .slice: "slice"
        }
    }
}

extension Function {
    /// The name of the function, as in JSON.
    public var kind: String {
        switch self {
        case .relu: "relu"
        case .relu6: "relu6"
        case .clip: "clip"
        case .leakyRelu: "leaky-relu"
        case .hardSwish: "hard-swish"
        case .hardSigmoid: "hard-sigmoid"
        case .sigmoid: "sigmoid"
        case .tanh: "tanh"
        case .swish: "swish"
        case .gelu: "gelu"
        case .tanhGelu: "tanh-gelu"
        case .elu: "elu"
        case .softplus: "softplus"
        case .softsign: "softsign"
        case .erf: "erf"
        case .exponential: "exponential"
        case .logarithm: "logarithm"
        case .absolute: "absolute"
        case .squareRoot: "square-root"
        case .reciprocal: "reciprocal"
        case .reciprocalSquareRoot: "reciprocal-square-root"
        case .power: "power"
        case .floor: "floor"
        case .ceiling: "ceiling"
        case .round: "round"
        }
    }
}
