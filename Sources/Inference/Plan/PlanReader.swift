import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// Reads a plan from a container and checks everything about it.
struct PlanReader {
    let container: ModelContainer
    let graph: Graph
    private let infos: [String: TensorInfo]
    private let layers: [String: QuantizedLayer]
    private var values: [Plan.Value] = []
    private var inputs: [Plan.Input] = []
    private var outputs: [Plan.Output] = []
    private var steps: [Plan.Step] = []
    private var numbers: [String: Int] = [:]
    /// Values that are real numbers: what they are made of.
    private var reals: [String: Plan.Output] = [:]

    private var manifest: Manifest { container.manifest }

    /// What was read.
    var plan: Plan { Plan(values: values, inputs: inputs, outputs: outputs, steps: steps) }

    init(_ container: ModelContainer) throws(InferenceError) {
        self.container = container
        graph = try InferenceError.wrapContainer { () throws(ContainerError) in try container.graph }
        let graph = graph
        infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        let withSums = graph.nodes.filter {
            switch $0.operation {
            case .fullyConnected, .convolution: true
            default: false
            }
        }
        guard container.manifest.layers.map(\.node) == withSums.map(\.name) else {
            throw .invalid(
                field: "manifest.layers",
                reason: "they are not the fully-connected nodes and convolutions in order"
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
        let asked = Set(outputs.map { values[$0.value].buffer })
        for step in steps {
            guard case .sums = values[step.output].storage, !asked.contains(step.output) else { continue }
            throw .invalid(field: "manifest.layers", reason: "the accumulator of '\(step.node)' is no output")
        }
    }

    // MARK: Values

    private mutating func define(_ name: String, _ storage: Plan.Storage, sharing buffer: Int? = nil) -> Int {
        let number = values.count
        let shape = infos[name]?.shape ?? []
        values.append(Plan.Value(name: name, shape: shape, storage: storage, buffer: buffer ?? number))
        numbers[name] = number
        return number
    }

    /// How a value stands that has an encoding in the manifest.
    private func storage(of name: String) throws(InferenceError) -> Plan.Storage {
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
    private func encoding(of name: String, node: Node) throws(InferenceError) -> Encoding {
        guard case .bytes(let encoding) = try storage(of: name) else {
            throw .unsupported(
                node: node.name,
                reason: "'\(name)' has 16 bits, which \(node.operation.kind) cannot use"
            )
        }
        return encoding
    }

    /// The number of a value that an integer operator reads.
    private func operand(_ index: Int, of node: Node) throws(InferenceError) -> Int {
        let name = node.inputs[index]
        guard let number = numbers[name] else {
            throw .unsupported(
                node: node.name,
                reason: "'\(name)' is real numbers, and only softmax and functions follow"
            )
        }
        if case .sums = values[number].storage {
            throw .unsupported(node: node.name, reason: "'\(name)' is sums, which only outputs are made of")
        }
        return number
    }

    private func encoding(ofOperand index: Int, of node: Node) throws(InferenceError) -> Encoding {
        let number = try operand(index, of: node)
        guard case .bytes(let encoding) = values[number].storage else {
            throw .unsupported(
                node: node.name,
                reason: "\(node.operation.kind) needs bytes, and '\(node.inputs[index])' has none"
            )
        }
        return encoding
    }

    private func shape(_ index: Int, of node: Node) -> [Int] { infos[node.inputs[index]]?.shape ?? [] }
    private func outputShape(of node: Node) -> [Int] { infos[node.output]?.shape ?? [] }

    private func zeroPoint(_ encoding: Encoding) -> UInt8 { UInt8(clamping: encoding.zeroPoint) }

    // MARK: Nodes

    private mutating func read(_ node: Node) throws(InferenceError) {
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

    private mutating func add(
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
        steps.append(Plan.Step(node: node.name, operation: operation, inputs: inputs, output: output))
    }

    /// Runs a throwing call of the kernels and wraps its error with the node's name.
    private func kernel<Value>(
        _ node: Node,
        _ body: () throws(KernelError) -> Value
    ) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .unsupported(node: node.name, reason: "\(error)") }
    }

    private func requireSameEncoding(_ node: Node) throws(InferenceError) {
        let input = try encoding(ofOperand: 0, of: node)
        guard try encoding(of: node.output, node: node) == input else {
            throw .invalid(
                field: "manifest.encodings",
                reason: "'\(node.output)' must have the encoding of '\(node.inputs[0])'"
            )
        }
    }

    private func featureMap(_ shape: [Int]) -> FeatureMap {
        guard shape.count == 3 else {
            let channels = shape.last ?? 1
            return FeatureMap(height: 1, width: shape.reduce(1, *) / max(channels, 1), channels: channels)
        }
        return FeatureMap(height: shape[0], width: shape[1], channels: shape[2])
    }

    // MARK: Sums

    private mutating func readSums(
        _ node: Node,
        _ map: FeatureMap,
        _ window: Kernels.Window,
        groups: Int,
        weights: String,
        bias: String,
        _ activation: Activation
    ) throws(InferenceError) {
        guard let layer = layers[node.name] else {
            throw .invalid(field: "manifest.layers", reason: "'\(node.name)' is missing")
        }
        let biases = try constant(bias, node) { tensor throws(GraphError) in try tensor.int32s }
        let input = try operand(0, of: node)
        if case .halfwords = values[input].storage {
            try readWideSums(node, layer, map, window, groups: groups, weights: weights, biases: biases, activation)
            return
        }
        let inputEncoding = try encoding(ofOperand: 0, of: node)
        let matrix = try self.weights(weights, node)
        let result: Kernels.Convolution.Output
        let storage: Plan.Storage
        var channels: [Requantization] = []
        switch layer.output {
        case .requantized:
            channels = try requantizations(node, count: biases.count)
            let encoding = try encoding(of: node.output, node: node)
            result = .bytes(try stage(node, channels, encoding, activation))
            storage = .bytes(encoding)
        case .accumulator:
            result = .sums
            storage = .sums(scale: try scale(layer, count: biases.count), activation: activation)
        }
        try SumBounds.check(
            node: node.name,
            weights: matrix,
            biases: biases,
            reach: Int64(max(inputEncoding.zeroPoint, 255 - inputEncoding.zeroPoint)),
            leftShifts: channels.map(\.leftShift)
        )
        try add(
            node,
            .convolution(
                Kernels.Convolution(
                    input: map,
                    window: window,
                    groups: groups,
                    weights: matrix,
                    biases: biases,
                    inputZeroPoint: zeroPoint(inputEncoding),
                    result: result
                )
            ),
            storage
        )
    }

    /// The same for activations of 16 bits.
    private mutating func readWideSums(
        _ node: Node,
        _ layer: QuantizedLayer,
        _ map: FeatureMap,
        _ window: Kernels.Window,
        groups: Int,
        weights: String,
        biases: [Int32],
        _ activation: Activation
    ) throws(InferenceError) {
        let bytes = try constant(weights, node) { tensor throws(GraphError) in try tensor.int8s }
        let result: WideConvolution.Output
        let storage: Plan.Storage
        var channels: [Requantization] = []
        switch layer.output {
        case .requantized:
            channels = try requantizations(node, count: biases.count)
            guard case .halfwords(let scale) = try self.storage(of: node.output) else {
                throw .unsupported(node: node.name, reason: "from 16 bits to 8 there is no way")
            }
            result = .halfwords(channels, range: try wideRange(node, activation))
            storage = .halfwords(scale: scale)
        case .accumulator:
            result = .sums
            storage = .sums(scale: try scale(layer, count: biases.count), activation: activation)
        }
        try SumBounds.check(
            node: node.name,
            weights: .int8(bytes),
            biases: biases,
            reach: 1 << 15,
            leftShifts: channels.map(\.leftShift)
        )
        try add(
            node,
            .wideConvolution(
                WideConvolution(
                    input: map,
                    window: window,
                    groups: groups,
                    weights: bytes,
                    biases: biases,
                    result: result
                )
            ),
            storage
        )
    }

    private func affine(_ node: Node, weights: String, bias: String) throws(InferenceError) -> Operator {
        let input = try encoding(ofOperand: 0, of: node)
        let bytes = try constant(weights, node) { tensor throws(GraphError) in try tensor.int8s }
        let biases = try constant(bias, node) { tensor throws(GraphError) in try tensor.int32s }
        let channels = try requantizations(node, count: biases.count)
        try SumBounds.check(
            node: node.name,
            weights: .int8(bytes),
            biases: biases,
            reach: Int64(max(input.zeroPoint, 255 - input.zeroPoint)),
            leftShifts: channels.map(\.leftShift)
        )
        return .convolution(
            Kernels.Convolution(
                input: featureMap(shape(0, of: node)),
                groups: biases.count,
                weights: .int8(bytes),
                biases: biases,
                inputZeroPoint: zeroPoint(input),
                result: .bytes(try stage(node, channels, encoding(of: node.output, node: node), .none))
            )
        )
    }

    private func weights(_ name: String, _ node: Node) throws(InferenceError) -> WeightMatrix {
        guard graph.constants[name]?.dataType == .uint8 else {
            return .int8(try constant(name, node) { tensor throws(GraphError) in try tensor.int8s })
        }
        guard let encoding = manifest.encodings[name] else {
            throw .invalid(field: "manifest.encodings", reason: "the unsigned weights '\(name)' have no encoding")
        }
        let bytes = try constant(name, node) { tensor throws(GraphError) in try tensor.uint8s }
        return .uint8(bytes, zeroPoint: zeroPoint(encoding))
    }

    private func scale(_ layer: QuantizedLayer, count: Int) throws(InferenceError) -> [Float] {
        let scale = try container.reals(layer.scaleTensor, count: count)
        guard scale.allSatisfy({ $0 > 0 }) else {
            throw .invalid(field: "tensor '\(layer.scaleTensor)'", reason: "a scale is not positive")
        }
        return scale
    }

    private func constant<Element>(
        _ name: String,
        _ node: Node,
        _ elements: (Tensor) throws(GraphError) -> [Element]
    ) throws(InferenceError) -> [Element] {
        guard let tensor = graph.constants[name] else { throw .container(.missingTensor(name)) }
        return try InferenceError.wrapGraph { () throws(GraphError) in try elements(tensor) }
    }

    private func requantizations(_ node: Node, count: Int) throws(InferenceError) -> [Requantization] {
        let names = QuantizedLayer(node: node.name, output: .requantized)
        let multipliers = try container.words(names.multiplierTensor, count: count)
        let lefts = try container.words(names.leftShiftTensor, count: count)
        let rights = try container.words(names.rightShiftTensor, count: count)
        var channels: [Requantization] = []
        channels.reserveCapacity(count)
        for index in 0..<count {
            channels.append(
                try InferenceError.wrapQuantization(node: node.name) { () throws(QuantizationError) in
                    try Requantization(
                        multiplier: multipliers[index],
                        leftShift: lefts[index],
                        rightShift: rights[index]
                    )
                }
            )
        }
        return channels
    }

    private func stage(
        _ node: Node,
        _ channels: [Requantization],
        _ encoding: Encoding,
        _ activation: Activation
    ) throws(InferenceError) -> RequantizeStage {
        RequantizeStage(
            channels: channels,
            zeroPoint: zeroPoint(encoding),
            range: try range(node, activation, encoding)
        )
    }

    /// The bytes that an activation leaves: as the container says, or else as the encoding does.
    private func range(
        _ node: Node,
        _ activation: Activation,
        _ encoding: Encoding
    ) throws(InferenceError) -> ClosedRange<UInt8> {
        let name = "\(node.name).range"
        if container.tensorNames.contains(name) {
            let limits = try bytes(name, count: 2)
            guard limits[0] <= limits[1] else {
                throw .invalid(field: "tensor '\(name)'", reason: "\(limits[0]) is above \(limits[1])")
            }
            return limits[0]...limits[1]
        }
        return encoding.range(of: activation)
    }

    private func wideRange(_ node: Node, _ activation: Activation) throws(InferenceError) -> ClosedRange<Int16> {
        guard activation != .none else { return -32767...32767 }
        let name = "\(node.name).range"
        let limits = try container.words(name, count: 2)
        guard limits[0] <= limits[1], let low = Int16(exactly: limits[0]), let high = Int16(exactly: limits[1]) else {
            throw .invalid(field: "tensor '\(name)'", reason: "\(limits) is no range of 16 bits")
        }
        return low...high
    }

    // MARK: Bytes

    private func bytes(_ name: String, count: Int) throws(InferenceError) -> [UInt8] {
        let tensor = try container.checked(name, shape: [count])
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.uint8s }
    }

    private func arithmetic(_ node: Node, _ arithmetic: Arithmetic) throws(InferenceError) -> Operator {
        let output = try encoding(of: node.output, node: node)
        let first = try encoding(ofOperand: 0, of: node)
        let count = outputShape(of: node).reduce(1, *)
        if arithmetic.constant != nil { return try table(node, count: count) }
        let second = try encoding(ofOperand: 1, of: node)
        let range = try range(node, arithmetic.activation, output)
        switch arithmetic.kind {
        case .add, .subtract:
            let multipliers = try container.words("\(node.name).multiplier", count: 2)
            let shift = try container.words("\(node.name).shift", count: 1)[0]
            guard let a = Int16(exactly: multipliers[0]), let b = Int16(exactly: multipliers[1]) else {
                throw .invalid(field: "tensor '\(node.name).multiplier'", reason: "\(multipliers) leave 16 bits")
            }
            let (aZeroPoint, bZeroPoint) = (zeroPoint(first), zeroPoint(second))
            return try kernel(node) { () throws(KernelError) in
                Operator.addition(
                    try Addition(
                        count: count,
                        aMultiplier: a,
                        bMultiplier: b,
                        aZeroPoint: aZeroPoint,
                        bZeroPoint: bZeroPoint,
                        shift: shift,
                        zeroPoint: zeroPoint(output),
                        range: range
                    )
                )
            }
        case .multiply:
            let channels = try requantizations(node, count: 1)
            guard Int64(255 * 255) << Int64(channels[0].leftShift) <= Int64(Int32.max) else {
                throw .overflow(node: node.name, output: 0)
            }
            let stage = RequantizeStage(channels: channels, zeroPoint: zeroPoint(output), range: range)
            return try kernel(node) { () throws(KernelError) in
                Operator.multiplication(
                    try Multiplication(
                        count: count,
                        aZeroPoint: zeroPoint(first),
                        bZeroPoint: zeroPoint(second),
                        stage: stage
                    )
                )
            }
        case .divide, .maximum, .minimum:
            throw .unsupported(node: node.name, reason: "there is no \(arithmetic.kind.rawValue) of integers")
        }
    }

    private func table(_ node: Node, count: Int) throws(InferenceError) -> Operator {
        _ = try encoding(ofOperand: 0, of: node)
        let table = try bytes("\(node.name).table", count: 256)
        return try kernel(node) { () throws(KernelError) in .table(try ByteTable(count: count, table: table)) }
    }

    private func concatenation(_ node: Node, axis: Int) throws(InferenceError) -> Operator {
        let output = try encoding(of: node.output, node: node)
        var parts: [Concatenation.Part] = []
        for index in node.inputs.indices {
            let input = try encoding(ofOperand: index, of: node)
            let table = input == output ? nil : try bytes("\(node.name).table.\(index)", count: 256)
            parts.append(Concatenation.Part(count: shape(index, of: node)[axis...].reduce(1, *), table: table))
        }
        let outer = outputShape(of: node)[..<axis].reduce(1, *)
        return try kernel(node) { () throws(KernelError) in
            Operator.concatenation(try Concatenation(outer: outer, parts: parts))
        }
    }

    private func averagePool(
        _ node: Node,
        _ map: FeatureMap,
        _ window: Kernels.Window,
        countsPadding: Bool
    ) throws(InferenceError) -> Operator {
        let input = try encoding(ofOperand: 0, of: node)
        let output = try encoding(of: node.output, node: node)
        let taps = window.taps
        let isUniform = countsPadding || window.padding == Kernels.Window.Edges()
        guard taps <= AveragePool.tapsMax else {
            throw .unsupported(node: node.name, reason: "a window of \(taps) elements is too large")
        }
        let channels = try requantizations(node, count: isUniform ? 1 : taps)
        for (index, channel) in channels.enumerated()
        where Int64(taps * 255) << Int64(channel.leftShift) > Int64(Int32.max) {
            throw .overflow(node: node.name, output: index)
        }
        return .averagePool(
            AveragePool(
                input: map,
                window: window,
                countsPadding: countsPadding,
                inputZeroPoint: zeroPoint(input),
                counts: RequantizeStage(channels: channels, zeroPoint: zeroPoint(output))
            )
        )
    }

    /// The mean over neighbouring dimensions is an average pool over one direction of a plane.
    private func mean(_ node: Node, axes: [Int]) throws(InferenceError) -> Operator {
        let shape = shape(0, of: node)
        let sorted = axes.sorted()
        guard let first = sorted.first, let last = sorted.last, last - first == axes.count - 1 else {
            throw .unsupported(node: node.name, reason: "the axes \(axes) of its mean are not neighbours")
        }
        let reduced = shape[first...last].reduce(1, *)
        let map = FeatureMap(
            height: shape[..<first].reduce(1, *),
            width: reduced,
            channels: shape[(last + 1)...].reduce(1, *)
        )
        return try averagePool(node, map, Kernels.Window(height: 1, width: reduced), countsPadding: false)
    }

    private mutating func readFunction(_ node: Node, _ function: Function) throws(InferenceError) {
        guard container.tensorNames.contains("\(node.name).table") else {
            try readTail(node, .function(function))
            return
        }
        let count = outputShape(of: node).reduce(1, *)
        try add(node, table(node, count: count), storage(of: node.output))
    }

    private mutating func readSoftmax(_ node: Node) throws(InferenceError) {
        let channels = outputShape(of: node).last ?? 1
        let name = "\(node.name).exponentials"
        guard container.tensorNames.contains(name) else {
            try readTail(node, .softmax(channels: channels))
            return
        }
        let encoding = try encoding(of: node.output, node: node)
        guard encoding.scale == 0x1p-8, encoding.zeroPoint == 0 else {
            throw .invalid(field: "manifest.encodings", reason: "'\(node.output)' of a softmax must be 1/256 and 0")
        }
        let words = try container.words(name, count: 256)
        let exponentials = words.compactMap { UInt16(exactly: $0) }
        let outer = outputShape(of: node).reduce(1, *) / channels
        let operation = try kernel(node) { () throws(KernelError) in
            Operator.softmax(try TableSoftmax(outer: outer, channels: channels, exponentials: exponentials))
        }
        _ = try self.encoding(ofOperand: 0, of: node)
        try add(node, operation, storage(of: node.output))
    }

    /// A node that works on real numbers, at the end of the graph.
    private mutating func readTail(_ node: Node, _ tail: Plan.Tail) throws(InferenceError) {
        let name = node.inputs[0]
        var output: Plan.Output
        if let before = reals[name] {
            output = before
        } else if let number = numbers[name], values[number].storage != .indices {
            output = Plan.Output(name: name, value: number, tail: [])
        } else {
            throw .unsupported(node: node.name, reason: "'\(name)' is no real number")
        }
        output.name = node.output
        output.tail.append(tail)
        reals[node.output] = output
    }

    private mutating func readReshape(_ node: Node) throws(InferenceError) {
        let name = node.inputs[0]
        if var output = reals[name] {
            output.name = node.output
            reals[node.output] = output
            return
        }
        guard let number = numbers[name] else { return }
        let value = values[number]
        switch value.storage {
        case .bytes, .halfwords:
            guard try storage(of: node.output) == value.storage else {
                throw .invalid(
                    field: "manifest.encodings",
                    reason: "'\(node.output)' must have the encoding of '\(name)'"
                )
            }
        case .sums(let scale, _):
            guard scale.count == outputShape(of: node).last ?? 1 || Set(scale).count == 1 else {
                throw .unsupported(node: node.name, reason: "it tears the channels of sums apart")
            }
        case .indices: break
        }
        _ = define(node.output, value.storage, sharing: value.buffer)
    }

    private func resize(_ node: Node, _ resize: ModelGraph.Resize) throws(InferenceError) -> Operator {
        let map = featureMap(shape(0, of: node))
        let rows = try sources("\(node.name).rows", count: resize.size.height)
        let columns = try sources("\(node.name).columns", count: resize.size.width)
        return try kernel(node) { () throws(KernelError) in
            Operator.resize(try Kernels.Resize(input: map, rows: rows, columns: columns))
        }
    }

    private func sources(_ name: String, count: Int) throws(InferenceError) -> [Kernels.Resize.Source] {
        let tensor = try container.checked(name, shape: [count, 3])
        let words = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.int32s }
        return stride(from: 0, to: 3 * count, by: 3).map { index -> Kernels.Resize.Source in
            Kernels.Resize.Source(
                first: Int(words[index]),
                second: Int(words[index + 1]),
                fraction: Int(words[index + 2])
            )
        }
    }

    private mutating func readGather(_ node: Node, table: String) throws(InferenceError) {
        guard let tensor = graph.constants[table] else { throw .container(.missingTensor(table)) }
        let rows = tensor.shape[0]
        let bytes = try constant(table, node) { tensor throws(GraphError) in try tensor.uint8s }
        let count = shape(0, of: node).reduce(1, *)
        let operation = try kernel(node) { () throws(KernelError) in
            Operator.gather(try Gather(indices: count, width: bytes.count / rows, table: bytes))
        }
        let encoding = try encoding(of: node.output, node: node)
        try add(node, operation, .bytes(encoding))
        let source = values[try operand(0, of: node)].buffer
        for index in inputs.indices where inputs[index].value == source {
            inputs[index].rowsOfTable = min(inputs[index].rowsOfTable ?? rows, rows)
        }
    }
}

extension Kernels.Window {
    /// The window of a graph as the kernels have it.
    init(_ window: ModelGraph.Window) {
        self.init(
            height: window.size.height,
            width: window.size.width,
            strideY: window.stride.height,
            strideX: window.stride.width,
            dilationY: window.dilation.height,
            dilationX: window.dilation.width,
            padding: Edges(
                top: window.padding.top,
                left: window.padding.left,
                bottom: window.padding.bottom,
                right: window.padding.right
            )
        )
    }
}

extension Encoding {
    /// The bytes that an activation leaves.
    func range(of activation: Activation) -> ClosedRange<UInt8> {
        let zero = UInt8(clamping: zeroPoint)
        switch activation {
        case .none: return 0...255
        case .relu: return zero...255
        case .relu6: return zero...Swift.max(zero, quantize(6))
        }
    }
}

extension ModelContainer {
    /// A tensor of words that must be there with this count.
    func words(_ name: String, count: Int) throws(InferenceError) -> [Int32] {
        let tensor = try checked(name, shape: [count])
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.int32s }
    }

    /// A tensor of finite floats that must be there with this count.
    func reals(_ name: String, count: Int) throws(InferenceError) -> [Float] {
        let tensor = try checked(name, shape: [count])
        let values = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
        guard values.allSatisfy(\.isFinite) else {
            throw .invalid(field: "tensor '\(name)'", reason: "a value is not finite")
        }
        return values
    }

    /// A tensor that must be there with this shape.
    func checked(_ name: String, shape: [Int]) throws(InferenceError) -> Tensor {
        let tensor = try InferenceError.wrapContainer { () throws(ContainerError) in try self.tensor(name) }
        guard tensor.shape == shape else {
            throw .invalid(field: "tensor '\(name)'", reason: "shape \(tensor.shape) instead of \(shape)")
        }
        return tensor
    }
}
