import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// Reads a plan from a container and checks everything about it.
struct PlanReader {
    let container: ModelContainer
    let graph: Graph
    let infos: [String: TensorInfo]
    let layers: [String: QuantizedLayer]
    private let floatNodes: Set<String>
    var values: [Plan.Value] = []
    var inputs: [Plan.Input] = []
    var outputs: [Plan.Output] = []
    var steps: [Plan.Step] = []
    var numbers: [String: Int] = [:]
    /// Values that are real numbers at the end: what they are made of.
    var reals: [String: Plan.Output] = [:]
    /// By the number of a value of 16 bits that was made of bytes: its greatest magnitude.
    var reaches: [Int: Int64] = [:]
    /// The elements of what float layers read and give.
    var floatElements = 0

    var manifest: Manifest { container.manifest }

    /// What was read.
    var plan: Plan { Plan(values: values, inputs: inputs, outputs: outputs, steps: steps) }

    init(_ container: ModelContainer) throws(InferenceError) {
        self.container = container
        graph = try InferenceError.wrapContainer { () throws(ContainerError) in try container.graph }
        let graph = graph
        infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        let floatNodes = Set(container.manifest.floatLayers.map(\.node))
        guard graph.nodes.map(\.name).filter(floatNodes.contains) == container.manifest.floatLayers.map(\.node) else {
            throw .invalid(field: "manifest.floatLayers", reason: "they are not nodes in order, each once")
        }
        self.floatNodes = floatNodes
        let withSums = graph.nodes.filter {
            switch $0.operation {
            case .fullyConnected, .convolution: !floatNodes.contains($0.name)
            default: false
            }
        }
        guard container.manifest.layers.map(\.node) == withSums.map(\.name) else {
            throw .invalid(
                field: "manifest.layers",
                reason: "they are not the fully-connected nodes and convolutions of integers in order"
            )
        }
        layers = Dictionary(container.manifest.layers.map { ($0.node, $0) }) { first, _ in first }
        try readInputs()
        for node in graph.nodes { try read(node) }
        try readOutputs()
    }

    // MARK: Inputs and outputs

    private mutating func readInputs() throws(InferenceError) {
        let isSingle = graph.inputs.count == 1
        for input in graph.inputs {
            guard input.dataType == .float32 else {
                let value = define(input.name, .indices)
                inputs.append(Plan.Input(value: value, encoding: nil, rowsOfTable: nil))
                continue
            }
            guard hasEncoding(input.name) else {
                let value = define(input.name, .reals)
                inputs.append(Plan.Input(value: value, encoding: nil, rowsOfTable: nil))
                continue
            }
            let storage = try storage(of: input.name)
            let zeroPoint: Int32
            switch storage {
            case .bytes(let encoding): zeroPoint = encoding.zeroPoint
            default: zeroPoint = 0
            }
            let gain = try periodic(QuantizedLayer.gainTensor(of: isSingle ? nil : input.name), over: input.shape)
            let offset = try periodic(QuantizedLayer.offsetTensor(of: isSingle ? nil : input.name), over: input.shape)
            guard gain.count == offset.count else {
                throw .invalid(
                    field: "tensor '\(input.name).offset'",
                    reason: "its count differs from that of the gain"
                )
            }
            let encoding = InputEncoding(gain: gain, offset: offset, zeroPoint: zeroPoint)
            let value = define(input.name, storage)
            inputs.append(Plan.Input(value: value, encoding: encoding, rowsOfTable: nil))
        }
    }

    /// Floats that repeat over a row: one for each element, each channel or the whole.
    private func periodic(_ name: String, over shape: [Int]) throws(InferenceError) -> [Float] {
        let tensor = try InferenceError.wrapContainer { () throws(ContainerError) in try container.tensor(name) }
        let counts = Set([shape.reduce(1, *), shape.last ?? 1, 1])
        guard tensor.shape.count == 1, counts.contains(tensor.shape[0]) else {
            throw .invalid(field: "tensor '\(name)'", reason: "shape \(tensor.shape) for an input of shape \(shape)")
        }
        return try container.reals(name, count: tensor.shape[0])
    }

    private mutating func readOutputs() throws(InferenceError) {
        for name in graph.outputs {
            if let output = reals[name] {
                outputs.append(output)
            } else if let number = numbers[name] {
                outputs.append(Plan.Output(name: name, value: number, tail: []))
            }
        }
        var asked = Set(outputs.map { values[$0.value].buffer })
        for step in steps {
            if case .float = step.work { asked.formUnion(step.inputs.map { values[$0].buffer }) }
        }
        for step in steps {
            guard case .sums = values[step.output].storage, !asked.contains(step.output) else { continue }
            throw .invalid(
                field: "manifest.layers",
                reason: "the accumulator of '\(step.node)' is no output, and no float layer reads it"
            )
        }
    }

    // MARK: Values

    mutating func define(_ name: String, _ storage: Plan.Storage, sharing buffer: Int? = nil) -> Int {
        let number = values.count
        let shape = infos[name]?.shape ?? []
        values.append(Plan.Value(name: name, shape: shape, storage: storage, buffer: buffer ?? number))
        numbers[name] = number
        return number
    }

    func hasEncoding(_ name: String) -> Bool {
        manifest.encodings[name] != nil || manifest.wideEncodings[name] != nil
    }

    /// How a value stands that has an encoding in the manifest.
    func storage(of name: String) throws(InferenceError) -> Plan.Storage {
        if let encoding = manifest.encodings[name] { return .bytes(encoding) }
        if let scale = manifest.wideEncodings[name] {
            guard scale.isFinite, scale >= .leastNormalMagnitude else {
                throw .invalid(field: "manifest.wideEncodings", reason: "'\(name)' has the scale \(scale)")
            }
            return .halfwords(scale: scale)
        }
        throw .invalid(field: "manifest.encodings", reason: "'\(name)' has no encoding")
    }

    /// The encoding of a value that must stand as bytes.
    func encoding(of name: String, node: Node) throws(InferenceError) -> Encoding {
        guard case .bytes(let encoding) = try storage(of: name) else {
            throw .unsupported(
                node: node.name,
                reason: "'\(name)' has 16 bits, which \(node.operation.kind) cannot use"
            )
        }
        return encoding
    }

    /// The number of a value that an integer operator reads.
    func operand(_ index: Int, of node: Node) throws(InferenceError) -> Int {
        let name = node.inputs[index]
        guard let number = numbers[name] else {
            throw .unsupported(
                node: node.name,
                reason: "'\(name)' is real numbers, and only softmax and functions follow"
            )
        }
        switch values[number].storage {
        case .bytes, .halfwords, .indices: return number
        case .sums:
            throw .unsupported(
                node: node.name,
                reason: "'\(name)' is sums, which only outputs and float layers are made of"
            )
        case .reals:
            throw .unsupported(node: node.name, reason: "'\(name)' is real numbers, which only float layers read")
        }
    }

    func encoding(ofOperand index: Int, of node: Node) throws(InferenceError) -> Encoding {
        let number = try operand(index, of: node)
        guard case .bytes(let encoding) = values[number].storage else {
            throw .unsupported(
                node: node.name,
                reason: "\(node.operation.kind) needs bytes, and '\(node.inputs[index])' has none"
            )
        }
        return encoding
    }

    func shape(_ index: Int, of node: Node) -> [Int] { infos[node.inputs[index]]?.shape ?? [] }
    func outputShape(of node: Node) -> [Int] { infos[node.output]?.shape ?? [] }

    func zeroPoint(_ encoding: Encoding) -> UInt8 { UInt8(clamping: encoding.zeroPoint) }

    // MARK: Nodes

    private mutating func read(_ node: Node) throws(InferenceError) {
        guard !floatNodes.contains(node.name) else {
            try readFloat(node)
            return
        }
        switch node.operation {
        case .affine(let scale, let offset):
            try add(node, try affine(node, weights: scale, bias: offset), storage(of: node.output))
        case .fullyConnected(let weights, let bias, let activation):
            let count = shape(0, of: node).reduce(1, *)
            let map = FeatureMap(height: 1, width: 1, channels: count)
            try readSums(node, map, Kernels.Window(), groups: 1, weights: weights, bias: bias, activation)
        case .convolution(let convolution):
            let window = convolution.window(weightShape: graph.constants[convolution.weights]?.shape ?? [1, 1, 1, 1])
            try readSums(
                node,
                featureMap(shape(0, of: node)),
                Kernels.Window(window),
                groups: convolution.groups,
                weights: convolution.weights,
                bias: convolution.bias,
                convolution.activation
            )
        case .arithmetic(let arithmetic):
            let operation = try self.arithmetic(node, arithmetic)
            try add(node, operation, storage(of: node.output))
        case .concatenate(let axis):
            try add(node, concatenation(node, axis: axis), storage(of: node.output))
        case .pad(let before, let after, _):
            try requireSameEncoding(node)
            let value = try bytes("\(node.name).value", count: 1)[0]
            let shape = shape(0, of: node)
            let operation = try kernel(node) { () throws(KernelError) in
                Operator.border(try Border(shape: shape, before: before, behind: after, value: value))
            }
            try add(node, operation, storage(of: node.output))
        case .normalize, .argMax:
            throw .unsupported(node: node.name, reason: "there is no \(node.operation.kind) of integers")
        case .maxPool(let window):
            try requireSameEncoding(node)
            guard window.dilation == Extent(1) else {
                throw .unsupported(node: node.name, reason: "there is no dilated pooling of integers")
            }
            let pool = MaximumPool(input: featureMap(shape(0, of: node)), window: Kernels.Window(window))
            try add(node, .maximumPool(pool), storage(of: node.output))
        case .averagePool(let window, let countsPadding):
            let map = featureMap(shape(0, of: node))
            try add(
                node,
                averagePool(node, map, Kernels.Window(window), countsPadding: countsPadding),
                storage(of: node.output)
            )
        case .mean(let axes, _):
            try add(node, mean(node, axes: axes), storage(of: node.output))
        case .function(let function):
            try readFunction(node, function)
        case .softmax:
            try readSoftmax(node)
        case .reshape:
            try readReshape(node)
        case .transpose(let permutation):
            try requireSameEncoding(node)
            let shape = shape(0, of: node)
            let operation = try kernel(node) { () throws(KernelError) in
                Operator.transposition(try Transposition(shape: shape, order: permutation))
            }
            try add(node, operation, storage(of: node.output))
        case .resize(let resize):
            try requireSameEncoding(node)
            try add(node, self.resize(node, resize), storage(of: node.output))
        case .gather(let table):
            try readGather(node, table: table)
        case .slice(let begin, _, let stride):
            try requireSameEncoding(node)
            let (shape, outputShape) = (shape(0, of: node), outputShape(of: node))
            let operation = try kernel(node) { () throws(KernelError) in
                Operator.slice(try Kernels.Slice(shape: shape, start: begin, step: stride, outputShape: outputShape))
            }
            try add(node, operation, storage(of: node.output))
        }
    }

    mutating func add(
        _ node: Node,
        _ operation: Operator,
        _ storage: Plan.Storage
    ) throws(InferenceError) {
        var inputs: [Int] = []
        for index in node.inputs.indices { inputs.append(try operand(index, of: node)) }
        let output = define(node.output, storage)
        // The operator and the graph must agree about every size.
        let sizes = try kernel(node) { () throws(KernelError) in
            try operation.inputBytes() + [operation.outputBytes()]
        }
        guard sizes == (inputs + [output]).map({ values[$0].rowBytes }) else {
            throw .unsupported(node: node.name, reason: "its values are not what \(operation.name) reads and writes")
        }
        steps.append(Plan.Step(node: node.name, work: .integer(operation), inputs: inputs, output: output))
    }

    /// Runs a throwing call of the kernels and wraps its error with the node's name.
    func kernel<Value>(
        _ node: Node,
        _ body: () throws(KernelError) -> Value
    ) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .unsupported(node: node.name, reason: "\(error)") }
    }

    func requireSameEncoding(_ node: Node) throws(InferenceError) {
        let input = try encoding(ofOperand: 0, of: node)
        guard try encoding(of: node.output, node: node) == input else {
            throw .invalid(
                field: "manifest.encodings",
                reason: "'\(node.output)' must have the encoding of '\(node.inputs[0])'"
            )
        }
    }

    func featureMap(_ shape: [Int]) -> FeatureMap {
        guard shape.count == 3 else {
            let channels = shape.last ?? 1
            return FeatureMap(height: 1, width: shape.reduce(1, *) / max(channels, 1), channels: channels)
        }
        return FeatureMap(height: shape[0], width: shape[1], channels: shape[2])
    }
}
