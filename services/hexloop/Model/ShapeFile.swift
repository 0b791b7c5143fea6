import BusSimulation
import ModelGraph

/// A float model with random weights from a text file of one layer a line; `Benchmarks/models` holds some.
///
/// ```
/// input 32x32x3               the first line: HxWxC, ROWSxC, or C
/// conv 3x3/2 32 relu          window and stride, channels out, activation (none, relu, relu6)
/// depthwise 3x3 x2 relu6      window, stride, multiplier (default x1)
/// fc 10                       channels out; works on the last dimension
/// add NAME relu               adds the output of the layer called NAME
/// maxpool 2x2/2               window and stride, and likewise avgpool
/// mean                        over height and width
/// softmax                     over the last dimension
/// ```
/// A layer takes the output of the line before it, or of the layer after `from`; `as NAME` names its own; `#` starts a
/// comment. Windows are padded so that the output has ceil(size / stride) rows and columns, the odd row and column at the
/// end; after `valid` they are not padded. The deviation of weights is sqrt(gain / fan in), with gain 2 before an
/// activation, so that values keep their size through the depth.
struct ShapeFile {
    /// A line that means nothing.
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let line: Int
        let reason: String

        var description: String { line > 0 ? "line \(line): \(reason)" : reason }
    }

    /// More layers than this are refused.
    static let layersMax = 1000
    /// More weights than this in all layers are refused.
    static let weightsMax = 1 << 26

    /// The model. Rows of vectors, `ROWSxC`, are planes one position wide, so that a layer runs over all of them at once.
    let graph: Graph

    /// Reads the layers and draws the weights: the same text and seed always give the same bits.
    init(name: String, text: String, seed: UInt64) throws(Mistake) {
        var builder = Builder(random: SeededGenerator(seed: seed))
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let code = line.prefix { $0 != "#" }
            var words = Words(code.split { $0 == " " || $0 == "\t" || $0 == "\r" }, line: index + 1)
            guard !words.isEmpty else { continue }
            try builder.add(&words)
        }
        guard let last = builder.last, !builder.nodes.isEmpty else {
            throw Mistake(line: 0, reason: "it has no layer")
        }
        graph = Graph(
            name: name,
            inputs: [TensorInfo(name: Builder.inputName, shape: builder.inputShape)],
            outputs: [last.name],
            nodes: builder.nodes,
            constants: builder.constants
        )
        do { try graph.validate() } catch { throw Mistake(line: 0, reason: "\(error)") }
    }
}

/// The words of a line that have not been understood yet.
private struct Words {
    private var rest: [Substring]
    let line: Int

    init(_ words: [Substring], line: Int) {
        rest = words
        self.line = line
    }

    var isEmpty: Bool { rest.isEmpty }

    func mistake(_ reason: String) -> ShapeFile.Mistake { ShapeFile.Mistake(line: line, reason: reason) }

    mutating func next(_ what: String) throws(ShapeFile.Mistake) -> Substring {
        guard !rest.isEmpty else { throw mistake("\(what) is missing") }
        return rest.removeFirst()
    }

    /// Takes a word out wherever it stands.
    mutating func take(_ word: Substring) -> Bool {
        guard let position = rest.firstIndex(of: word) else { return false }
        rest.remove(at: position)
        return true
    }

    /// Takes `word VALUE` out wherever it stands.
    mutating func value(after word: Substring) throws(ShapeFile.Mistake) -> Substring? {
        guard let position = rest.firstIndex(of: word) else { return nil }
        guard position + 1 < rest.count else { throw mistake("a name is missing after '\(word)'") }
        defer { rest.removeSubrange(position...position + 1) }
        return rest[position + 1]
    }

    /// Takes the activation at the end.
    mutating func activation() -> Activation {
        guard let last = rest.last, let activation = Activation(rawValue: String(last)) else { return .none }
        rest.removeLast()
        return activation
    }

    mutating func size(_ what: String) throws(ShapeFile.Mistake) -> Int {
        try number(next(what), what)
    }

    /// `3x3/2`: a window and how far it moves.
    mutating func window() throws(ShapeFile.Mistake) -> (size: Extent, stride: Int) {
        let word = try next("the window")
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let sizes = try sizes(parts[0])
        guard sizes.count == 2 else { throw mistake("'\(word)' must be a window such as 3x3 or 3x3/2") }
        let stride = parts.count == 2 ? try number(parts[1], "the stride") : 1
        return (Extent(height: sizes[0], width: sizes[1]), stride)
    }

    func sizes(_ word: Substring) throws(ShapeFile.Mistake) -> [Int] {
        var sizes: [Int] = []
        for part in word.split(separator: "x", omittingEmptySubsequences: false) {
            sizes.append(try number(part, "a size"))
        }
        return sizes
    }

    func number(_ word: Substring, _ what: String) throws(ShapeFile.Mistake) -> Int {
        guard let number = Int(word), (1...Graph.attributeMax).contains(number) else {
            throw mistake("'\(word)' is not \(what), a number from 1 to \(Graph.attributeMax)")
        }
        return number
    }
}

/// The graph so far.
private struct Builder {
    static let inputName = "input"

    /// A value and its shape, without the batch.
    struct Value {
        let name: String
        let shape: [Int]
    }

    private(set) var inputShape: [Int] = []
    private(set) var nodes: [Node] = []
    private(set) var constants: [String: Tensor] = [:]
    /// What the next line reads.
    private(set) var last: Value?
    private var named: [Substring: Value] = [:]
    /// How many weights were drawn.
    private var weights = 0
    private var random: SeededGenerator

    init(random: SeededGenerator) { self.random = random }

    mutating func add(_ words: inout Words) throws(ShapeFile.Mistake) {
        let name = try words.value(after: "as")
        let source = try words.value(after: "from")
        let isPadded = !words.take("valid")
        let kind = try words.next("the kind of layer")
        if let last {
            guard nodes.count < ShapeFile.layersMax else {
                throw words.mistake("more than \(ShapeFile.layersMax) layers")
            }
            let activation = words.activation()
            let input = try source.map { name throws(ShapeFile.Mistake) in try value(name, words) } ?? last
            try add(kind, to: input, isPadded: isPadded, activation: activation, &words)
        } else {
            guard kind == "input" else { throw words.mistake("the first line must be 'input' and its shape") }
            let shape = try words.sizes(words.next("the shape"))
            guard shape.count <= 3 else { throw words.mistake("the shape must be HxWxC, ROWSxC, or C") }
            inputShape = shape.count == 2 ? [shape[0], 1, shape[1]] : shape
            last = Value(name: Self.inputName, shape: inputShape)
        }
        if !words.isEmpty { throw words.mistake("'\(try words.next(""))' has no meaning here") }
        if let name, let last { named[name] = last }
    }

    private func value(_ name: Substring, _ words: Words) throws(ShapeFile.Mistake) -> Value {
        guard let value = named[name] else { throw words.mistake("no layer above is called '\(name)'") }
        return value
    }

    private mutating func add(
        _ kind: Substring,
        to input: Value,
        isPadded: Bool,
        activation: Activation,
        _ words: inout Words
    ) throws(ShapeFile.Mistake) {
        switch kind {
        case "conv":
            let window = try window(over: input, isPadded: isPadded, &words)
            let channels = try words.size("the number of channels")
            try convolve(input, window, outputs: channels, groups: 1, activation, words)
        case "depthwise":
            let window = try window(over: input, isPadded: isPadded, &words)
            let word = words.isEmpty ? "x1" : try words.next("the multiplier")
            guard word.first == "x" else { throw words.mistake("'\(word)' must be a multiplier such as x2") }
            let multiplier = try words.number(word.dropFirst(), "the multiplier")
            let channels = input.shape[2]
            try convolve(input, window, outputs: channels * multiplier, groups: channels, activation, words)
        case "fc":
            let channels = try words.size("the number of channels")
            guard input.shape.count == 3 else { return try connect(input, outputs: channels, activation, words) }
            guard input.shape[1] == 1 else {
                throw words.mistake("fc needs a vector or rows of vectors and gets \(input.shape)")
            }
            try convolve(input, Window(size: Extent(1)), outputs: channels, groups: 1, activation, words)
        case "add":
            let other = try value(words.next("the name of the other summand"), words)
            guard other.shape == input.shape else { throw words.mistake("add of \(input.shape) and \(other.shape)") }
            append(.arithmetic(Arithmetic(.add, activation: activation)), [input.name, other.name], input.shape)
        case "maxpool":
            let window = try window(over: input, isPadded: isPadded, &words)
            append(.maxPool(window), [input.name], output(of: window, over: input, channels: input.shape[2]))
        case "avgpool":
            let window = try window(over: input, isPadded: isPadded, &words)
            let shape = output(of: window, over: input, channels: input.shape[2])
            append(.averagePool(window, countsPadding: false), [input.name], shape)
        case "mean":
            guard input.shape.count == 3 else { throw words.mistake("mean needs HxWxC and gets \(input.shape)") }
            append(.mean(axes: [0, 1], keepsDimensions: false), [input.name], [input.shape[2]])
        case "softmax":
            append(.softmax, [input.name], input.shape)
        default:
            throw words.mistake("'\(kind)' is no layer")
        }
    }

    private func window(
        over input: Value,
        isPadded: Bool,
        _ words: inout Words
    ) throws(ShapeFile.Mistake) -> Window {
        guard input.shape.count == 3 else { throw words.mistake("a window needs HxWxC and gets \(input.shape)") }
        let (size, stride) = try words.window()
        /// So that the output has ceil(size / stride).
        func padding(_ input: Int, _ window: Int) -> (before: Int, after: Int) {
            let output = (input + stride - 1) / stride
            let sum = isPadded ? max((output - 1) * stride + window - input, 0) : 0
            return (sum / 2, sum - sum / 2)
        }
        let rows = padding(input.shape[0], size.height)
        let columns = padding(input.shape[1], size.width)
        let window = Window(
            size: size,
            stride: Extent(stride),
            padding: Margins(top: rows.before, left: columns.before, bottom: rows.after, right: columns.after)
        )
        let positions = window.positions(over: Extent(height: input.shape[0], width: input.shape[1]))
        guard positions.height > 0, positions.width > 0 else {
            throw words.mistake("a window of \(size.height)x\(size.width) does not fit into \(input.shape)")
        }
        return window
    }

    private func output(of window: Window, over input: Value, channels: Int) -> [Int] {
        let positions = window.positions(over: Extent(height: input.shape[0], width: input.shape[1]))
        return [positions.height, positions.width, channels]
    }

    private mutating func convolve(
        _ input: Value,
        _ window: Window,
        outputs: Int,
        groups: Int,
        _ activation: Activation,
        _ words: Words
    ) throws(ShapeFile.Mistake) {
        let shape = [outputs, window.size.height, window.size.width, input.shape[2] / groups]
        let (weights, bias) = try draw(shape, activation, words)
        let convolution = Convolution(
            weights: weights,
            bias: bias,
            stride: window.stride,
            padding: window.padding,
            groups: groups,
            activation: activation
        )
        append(.convolution(convolution), [input.name], output(of: window, over: input, channels: outputs))
    }

    private mutating func connect(
        _ input: Value,
        outputs: Int,
        _ activation: Activation,
        _ words: Words
    ) throws(ShapeFile.Mistake) {
        let (weights, bias) = try draw([outputs, input.shape[0]], activation, words)
        append(.fullyConnected(weights: weights, bias: bias, activation: activation), [input.name], [outputs])
    }

    private mutating func append(_ operation: Operation, _ inputs: [String], _ shape: [Int]) {
        let name = "\(operation.kind)-\(nodes.count + 1)"
        nodes.append(Node(name: name, operation: operation, inputs: inputs, output: name))
        last = Value(name: name, shape: shape)
    }

    /// Weights and biases of the layer to come, by name.
    private mutating func draw(
        _ shape: [Int],
        _ activation: Activation,
        _ words: Words
    ) throws(ShapeFile.Mistake) -> (weights: String, bias: String) {
        guard let count = Tensor.elementCount(of: shape), count <= ShapeFile.weightsMax - weights else {
            throw words.mistake("with weights \(shape) they are more than \(ShapeFile.weightsMax)")
        }
        weights += count
        let fanIn = shape.dropFirst().reduce(1, *)
        let deviation = ((activation == .none ? 1 : 2) / Double(fanIn)).squareRoot()
        let names = (weights: "weights-\(nodes.count + 1)", bias: "bias-\(nodes.count + 1)")
        constants[names.weights] = tensor(shape, deviation: deviation)
        constants[names.bias] = tensor([shape[0]], deviation: 0.1)
        return names
    }

    private mutating func tensor(_ shape: [Int], deviation: Double) -> Tensor {
        let floats = (0..<shape.reduce(1, *)).map { _ in Float(random.bell() * deviation) }
        return Tensor(shape: shape, floats: floats)
    }
}

extension SeededGenerator {
    /// A number with mean 0 and deviation 1, in -3.5...3.5: the sum of four uniform ones, much like a normal one.
    mutating func bell() -> Double {
        let bits = next()
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
        return (Double(sum) / 65536 - 2) * 3.0.squareRoot()
    }
}
