import Inference
import ModelContainer
import ModelGraph

/// Numbers that are the same in each run.
struct Randomness {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 12345 }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int((state >> 33) % UInt64(range.count))
    }

    /// Uniform in -1..<1.
    mutating func float() -> Float { Float(number(0...(1 << 24) - 1)) / 0x1p23 - 1 }

    mutating func floats(_ count: Int, times factor: Float = 1) -> [Float] { (0..<count).map { _ in float() * factor } }

    mutating func element<Element>(of elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }
}

/// A small graph of random operations over planes, with a few layers on top and rows to calibrate it.
struct RandomModel {
    private(set) var graph: Graph
    let inputs: [Float]
    let rows = 12
    /// What the engine has integers for; the others stay float.
    private static let integerKinds: [Arithmetic.Kind] = [.add, .subtract, .multiply]

    private var random: Randomness
    /// The planes that may be read, each `[height, width, channels]`.
    private var planes: [(name: String, shape: [Int])] = []

    init(seed: UInt64) {
        random = Randomness(seed)
        let shape = [random.number(4...9), random.number(4...9), random.number(1...5)]
        graph = Graph(
            name: "random",
            inputs: [TensorInfo(name: "x", shape: shape)],
            outputs: [],
            nodes: [],
            constants: [:]
        )
        let rowsOfInput = rows
        inputs = random.floats(rowsOfInput * shape.reduce(1, *))
        planes = [("x", shape)]
        for _ in 0..<random.number(3...9) { addPlane() }
        addHead()
    }

    private mutating func add(_ operation: Operation, _ names: [String]) -> String {
        let name = "n\(graph.nodes.count)"
        graph.nodes.append(Node(name: name, operation: operation, inputs: names, output: "\(name).out"))
        return "\(name).out"
    }

    private mutating func constant(_ shape: [Int], _ floats: [Float]) -> String {
        let name = "c\(graph.constants.count)"
        graph.constants[name] = Tensor(shape: shape, floats: floats)
        return name
    }

    private mutating func addPlane() {
        let (name, shape) = random.element(of: planes)
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        let activation = random.element(of: Activation.allCases)
        let operation: Operation
        var inputs = [name]
        switch random.number(0...15) {
        case 0, 1, 2:
            let isDepthwise = random.number(0...2) == 0
            let groups = isDepthwise ? channels : 1
            let outputs = isDepthwise ? channels * random.number(1...2) : random.number(1...9)
            let size = [random.number(1...min(3, height)), random.number(1...min(3, width))]
            let count = size[0] * size[1] * channels / groups
            let weights = random.floats(outputs * count, times: (3 / Float(count)).squareRoot())
            operation = .convolution(
                Convolution(
                    weights: constant([outputs, size[0], size[1], channels / groups], weights),
                    bias: constant([outputs], random.floats(outputs, times: 0.3)),
                    stride: Extent(height: random.number(1...2), width: random.number(1...2)),
                    padding: Margins(
                        top: random.number(0...1),
                        left: random.number(0...1),
                        bottom: random.number(0...2),
                        right: random.number(0...1)
                    ),
                    groups: groups,
                    activation: activation
                )
            )
        case 3, 4:
            let others = planes.filter { $0.shape == shape }
            inputs.append(random.element(of: others).name)
            let kind = random.element(of: RandomModel.integerKinds)
            operation = .arithmetic(Arithmetic(kind, activation: activation))
        case 5:
            let parts = random.number(2...3)
            for _ in 1..<parts { inputs.append(random.element(of: planes.filter { $0.shape == shape }).name) }
            operation = .concatenate(axis: random.number(0...2))
        case 6:
            let window = Window(size: Extent(min(2, height, width)), stride: Extent(random.number(1...2)))
            operation = .maxPool(window)
        case 7:
            let size = min(3, height, width)
            let padding = size > 1 ? Margins(top: 1, left: 0, bottom: 1, right: 1) : Margins()
            let window = Window(size: Extent(size), stride: Extent(random.number(1...2)), padding: padding)
            operation = .averagePool(window, countsPadding: random.number(0...1) == 0)
        case 8:
            let functions: [Function] = [
                .relu, .relu6, .clip(low: -0.5, high: 0.75), .leakyRelu(slope: 0.1), .hardSwish, .sigmoid, .tanh,
                .hardSigmoid(slope: 0.2, offset: 0.5), .swish, .gelu, .elu(alpha: 1), .softplus, .absolute, .erf,
                .power(exponent: 2),
            ]
            operation = .function(random.element(of: functions))
        case 9:
            operation = .pad(before: [1, 0, 0], after: [0, 2, 1], value: random.element(of: [0, 0.5]))
        case 10:
            operation = .transpose(permutation: random.element(of: [[1, 0, 2], [0, 1, 2], [2, 0, 1]]))
        case 11:
            let size = Extent(height: random.number(1...8), width: random.number(1...8))
            operation = .resize(
                Resize(
                    random.element(of: Resize.Mode.allCases),
                    size: size,
                    coordinates: random.element(of: Resize.Coordinates.allCases)
                )
            )
        case 12:
            let begin = [0, random.number(0...width - 1), 0]
            operation = .slice(begin: begin, end: shape, stride: [random.number(1...2), 1, 1])
        case 13:
            let counts: [[Int]] = [[], [channels], [1, 1, channels], shape, [height, 1, 1]]
            let constantShape = random.element(of: counts)
            let name = constant(constantShape, random.floats(constantShape.reduce(1, *)))
            let kind = random.element(of: RandomModel.integerKinds)
            operation = .arithmetic(Arithmetic(kind, constant: name, activation: activation))
        case 14:
            // What squeeze-and-excite does: a mean of the plane, repeated over it.
            let mean = add(.mean(axes: [0, 1], keepsDimensions: true), [name])
            inputs.append(mean)
            operation = .arithmetic(Arithmetic(.multiply))
        default:
            operation = .reshape(shape: [1, height * width, channels])
        }
        let output = add(operation, inputs)
        guard let result = try? graph.with(outputs: [output]).shape(of: output), result.reduce(1, *) <= 2048 else {
            graph.nodes.removeLast()
            return
        }
        planes.append((output, result))
    }

    /// A mean or a flat value, a layer, and perhaps a softmax or a function; or a plane as it is.
    private mutating func addHead() {
        let last = planes[planes.count - 1]
        var value = last.name
        var count = last.shape.reduce(1, *)
        switch random.number(0...5) {
        case 0:
            graph.outputs = [value]
            return
        case 1:
            value = add(.mean(axes: [0, 1], keepsDimensions: false), [value])
            count = last.shape[2]
        case 2:
            value = add(.mean(axes: random.element(of: [[0], [1], [0, 2]]), keepsDimensions: true), [value])
            graph.outputs = [value]
            return
        default: break
        }
        let outputs = random.number(2...7)
        let weights = random.floats(outputs * count, times: (3 / Float(count)).squareRoot())
        let operation = Operation.fullyConnected(
            weights: constant([outputs, count], weights),
            bias: constant([outputs], random.floats(outputs)),
            activation: .none
        )
        value = add(operation, [value])
        switch random.number(0...4) {
        case 0: value = add(.softmax, [value])
        case 1: value = add(.function(.sigmoid), [value])
        case 2: value = add(.softmax, [add(.reshape(shape: [1, outputs]), [value])])
        default: break
        }
        graph.outputs = [value]
        // A second output, sometimes, of what is inside.
        if random.number(0...3) == 0 { graph.outputs.append(planes[planes.count / 2].name) }
    }

    func container() throws -> ModelContainer {
        try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        )
    }

    func quantized(
        width: Quantizer.ActivationWidth = .bytes
    ) throws -> (model: QuantizedModel, result: QuantizationResult) {
        let result = try Quantizer.quantize(
            model: container(),
            calibration: inputs,
            rows: rows,
            options: QuantizationOptions(goldenRows: 2, width: width)
        )
        return (try QuantizedModel(ModelContainer(parsing: result.container)), result)
    }
}

extension Graph {
    /// The same graph, asked for something else.
    func with(outputs: [String]) -> Graph {
        var graph = self
        graph.outputs = outputs
        return graph
    }
}
