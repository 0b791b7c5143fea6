import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// What was seen of each value of a graph.
struct ObservedRanges {
    /// What bytes shall cover.
    var chosen: [String: (min: Float, max: Float)] = [:]
    /// All that was seen.
    var extents: [String: (min: Float, max: Float)] = [:]
}

/// What makes weights and biases other than the nearest to those of the float model.
struct WeightAdjustments {
    /// The integer weights of a node.
    var roundings: [String: [Int8]] = [:]
    /// What is added to the real biases of a node.
    var corrections: [String: [Float]] = [:]
}

/// A quantized model while it is being made: the manifest's graph and encodings, and every integer tensor.
struct QuantizationDraft {
    var manifest = Manifest(kind: .quantizedModel)
    var tensors: [(name: String, tensor: Tensor)] = []

    let lowered: LoweredGraph
    private let observed: ObservedRanges
    private let adjustments: WeightAdjustments
    private var choice: EncodingChoice
    /// The weights of each node that has some which were made here.
    private(set) var weights: [String: ChannelWeights] = [:]
    private let fixed: FixedEncodings
    /// The weights of each node whose integers were given.
    private var given: [String: NodeWeights] = [:]
    /// Why given constants do not stay, by name.
    private var refusals: [String: String] = [:]
    private var nodes: [Node] = []
    private var written: Set<String> = []

    private var graph: Graph { lowered.graph }
    private var infos: [String: TensorInfo] { lowered.infos }
    private var roles: ValueRoles { lowered.roles }

    /// Quantizes a lowered graph with the ranges of its values.
    init(
        _ lowered: LoweredGraph,
        _ observed: ObservedRanges,
        _ adjustments: WeightAdjustments,
        fixed: FixedEncodings = FixedEncodings()
    ) throws(InferenceError) {
        self.lowered = lowered
        self.observed = observed
        self.adjustments = adjustments
        self.fixed = fixed
        choice = EncodingChoice(lowered, ranges: observed.chosen, fixed: fixed.values)
        let unknown = encodedValues.filter { value in
            !lowered.isWide(value) && !choice.isKnown(value)
        }
        guard unknown.isEmpty else { throw .noEncoding(values: unknown) }
        try settle()
        try addInputs()
        let (graph, roles) = (lowered.graph, lowered.roles)
        for node in graph.nodes where !roles.foldedNodes.contains(node.name) { try add(node) }
        try addEncodings()
        manifest.floatLayers = lowered.floatLayers
        manifest.graph = GraphStructure(name: graph.name, inputs: graph.inputs, outputs: graph.outputs, nodes: nodes)
    }

    /// Keeps what the channels of layers were divided by, for comparisons with the float model.
    mutating func add(equalization factors: [String: [Float]]) {
        for node in graph.nodes {
            guard let factors = factors[node.name] else { continue }
            write(Equalization.tensor(of: node.name), Tensor(shape: [factors.count], floats: factors))
        }
    }

    /// The value of the quantized graph that stands for one of the float graph.
    private func name(of value: String) -> String {
        roles.folds.first { $0.value.value == value }?.key ?? value
    }

    // MARK: Encodings

    /// Encodings decide weights, and these how coarse the next encodings must be; goes round until nothing changes.
    ///
    /// A step is at least 2^-29 of the greatest value that any input could cause, since a finer one would need a left shift
    /// that loses bits of such a sum: a layer that is all but dead on the calibration rows would be refused.
    private mutating func settle() throws(InferenceError) {
        // Each round makes at least one of finitely many groups of values coarser, as a rule none.
        for _ in 0...graph.nodes.count {
            var isSettled = true
            for node in lowered.graph.nodes where roles.isInteger(node) {
                guard let greatest = try greatestValue(of: node), isBytes(node.output) else { continue }
                if try choice.requireStep(Float(greatest * 0x1p-29), of: node.output) { isSettled = false }
            }
            if isSettled { return }
        }
    }

    /// The greatest magnitude that a node could give for any input, where its output is scaled from a 32-bit sum.
    private mutating func greatestValue(of node: Node) throws(InferenceError) -> Double? {
        switch node.operation {
        case .fullyConnected(let weights, let bias, _):
            return try quantizeWeights(node, graph.floats(weights), graph.floats(bias))
        case .convolution(let convolution):
            return try quantizeWeights(node, graph.floats(convolution.weights), graph.floats(convolution.bias))
        case .affine(let scale, let offset):
            return try quantizeWeights(node, graph.floats(scale), graph.floats(offset))
        case .arithmetic(let arithmetic) where arithmetic.constant == nil:
            let first = try inputScale(node, 0)
            let second = try inputScale(node, 1)
            // A sum's multipliers have 15 bits before the point at most.
            let sum = Double(max(first, second)) * 0x1p15
            return arithmetic.kind == .multiply ? 255 * 255 * Double(first) * Double(second) : sum
        case .averagePool, .mean:
            return try 255 * Double(inputScale(node, 0))
        default:
            return nil
        }
    }

    private mutating func quantizeWeights(
        _ node: Node,
        _ weights: [Float],
        _ biases: [Float]
    ) throws(InferenceError) -> Double {
        let scale = try inputScale(node, 0)
        let reach = try inputReach(node)
        let quantized: NodeWeights
        if let given = givenWeights(node, biases, inputScale: scale, reach: reach) {
            quantized = NodeWeights(matrix: given.matrix, scales: given.scales, biases: given.biases)
            self.given[node.name] = quantized
            self.weights[node.name] = nil
        } else {
            let made = try InferenceError.wrapQuantization(node: node.name) { () throws(QuantizationError) in
                let corrected = adjustments.corrections[node.name].map { zip(biases, $0).map(+) } ?? biases
                let nearest = try ChannelWeights(
                    weights: weights,
                    biases: corrected,
                    inputScale: scale,
                    inputReach: Int(reach)
                )
                return adjustments.roundings[node.name].map { nearest.replacing(weights: $0) } ?? nearest
            }
            self.weights[node.name] = made
            self.given[node.name] = nil
            quantized = NodeWeights(made)
        }
        var greatest = 0.0
        for output in quantized.biases.indices {
            let bound = SumBounds.bound(
                weights: quantized.matrix,
                biases: quantized.biases,
                reach: reach,
                output: output
            )
            greatest = max(greatest, Double(bound) * Double(scale) * Double(quantized.scales[output]))
        }
        return greatest
    }

    /// The integers that were given for a node, if they can stay.
    private mutating func givenWeights(
        _ node: Node,
        _ biases: [Float],
        inputScale: Float,
        reach: Int64
    ) -> FixedWeights? {
        let names = node.operation.constants
        switch node.operation {
        case .fullyConnected, .convolution: break
        default: return nil
        }
        guard let weights = fixed.constants[names[0]] else { return nil }
        let bias = fixed.constants[names[1]]
        do throws(FixedWeights.Refusal) {
            let given = try FixedWeights(
                weights,
                bias: bias,
                biases: biases,
                inputScale: inputScale,
                reach: reach
            )
            guard !lowered.isWide(node.inputs[0]) || given.isSigned else {
                throw FixedWeights.Refusal(reason: "beside values of 16 bits weights are signed")
            }
            refusals[names[0]] = nil
            refusals[names[1]] = given.hasGivenBiases ? nil : "it counts in other steps than input times weights"
            return given
        } catch {
            for name in names { refusals[name] = error.reason }
            return nil
        }
    }

    /// What became of everything that was given.
    var kept: KeptEncodings {
        var kept = KeptEncodings()
        for (name, encoding) in fixed.values.sorted(by: { $0.key < $1.key }) {
            let own = manifest.encodings[self.name(of: name)]
            if own == encoding {
                kept.values += 1
                continue
            }
            let reason =
                if let own {
                    "it stands as scale \(own.scale) and zero point \(own.zeroPoint), not \(encoding.scale) and "
                        + "\(encoding.zeroPoint)"
                } else if roles.reals.contains(name) {
                    "the answer is made of real numbers, which are finer"
                } else if infos[name] == nil {
                    "it is fused into its neighbours"
                } else {
                    "it does not stand as bytes"
                }
            kept.departures.append(KeptEncodings.Departure(name: name, reason: reason))
        }
        let used = Set(graph.nodes.filter { integers(of: $0) != nil }.flatMap(\.operation.constants))
        for name in fixed.constants.keys.sorted() {
            if let reason = refusals[name]
                ?? (used.contains(name) ? nil : "it is an operand without integers of its own")
            {
                kept.departures.append(KeptEncodings.Departure(name: name, reason: reason))
            } else {
                kept.constants += 1
            }
        }
        return kept
    }

    /// The values that stand as integers, in the order of their names.
    private var encodedValues: [String] {
        let folded = Set(graph.nodes.filter { roles.foldedNodes.contains($0.name) }.map(\.output))
        // What lies between an input and the value that its bytes stand for is nowhere.
        return infos.values.filter { info in
            let isFolded = folded.contains(info.name) || roles.folds[info.name] != nil
            return roles.isEncoded(info)
                && (!isFolded || roles.folds.values.contains(where: { $0.value == info.name }))
        }.map(\.name).sorted()
    }

    /// The integers of a node that sums.
    private func integers(of node: Node) -> NodeWeights? {
        given[node.name] ?? weights[node.name].map { NodeWeights($0) }
    }

    private func isBytes(_ value: String) -> Bool {
        infos[value].map { roles.isEncoded($0) && !lowered.isWide(value) } ?? false
    }

    private func encoding(_ node: Node, _ index: Int) throws(InferenceError) -> Encoding {
        let value = node.inputs[index]
        guard isBytes(value) else { throw .unsupported(node: node.name, reason: "'\(value)' does not stand as bytes") }
        return try choice.encoding(of: value)
    }

    private func inputScale(_ node: Node, _ index: Int) throws(InferenceError) -> Float {
        try scale(of: node.inputs[index])
    }

    /// The step of a value of 8 or 16 bits.
    func scale(of value: String) throws(InferenceError) -> Float {
        lowered.isWide(value) ? try wideScale(of: value) : try choice.encoding(of: value).scale
    }

    /// The real numbers that a value becomes when it is rounded to how it stands.
    func rounded(_ reals: [Float], as value: String) throws(InferenceError) -> [Float] {
        guard lowered.isWide(value) else {
            let encoding = try choice.encoding(of: value)
            return reals.map { encoding.dequantize(encoding.quantize($0)) }
        }
        let scale = try wideScale(of: value)
        return reals.map { Float(Encoding.whole($0 / scale, limit: 32767)) * scale }
    }

    /// The greatest distance of an input from its zero point.
    private func inputReach(_ node: Node) throws(InferenceError) -> Int64 {
        let value = node.inputs[0]
        guard !lowered.isWide(value) || lowered.widened[value] != nil else { return 1 << 15 }
        let zeroPoint = try choice.encoding(of: lowered.widened[value] ?? value).zeroPoint
        return Int64(max(zeroPoint, 255 - zeroPoint))
    }

    /// A scale of 16 bits covers what was seen of a value and of what only moves it; what was made of bytes has theirs.
    private func wideScale(of value: String) throws(InferenceError) -> Float {
        if let bytes = lowered.widened[value] { return try choice.encoding(of: bytes).scale }
        var value = value
        while let node = graph.nodes.first(where: { $0.output == value }), case .reshape = node.operation,
            lowered.isWide(node.inputs[0])
        {
            value = node.inputs[0]
        }
        let range = observed.extents[lowered.origins[value] ?? value] ?? (0, 0)
        let largest = max(range.min.magnitude, range.max.magnitude)
        return largest == 0 ? Encoding.scaleWithoutRange : max(largest / 32767, .leastNormalMagnitude)
    }

    private mutating func addEncodings() throws(InferenceError) {
        for value in encodedValues {
            if lowered.isWide(value) {
                manifest.wideEncodings[name(of: value)] = try wideScale(of: value)
            } else {
                manifest.encodings[name(of: value)] = try choice.encoding(of: value)
            }
        }
    }

    // MARK: Tensors

    private mutating func write(_ name: String, _ tensor: Tensor) {
        if written.insert(name).inserted { tensors.append((name, tensor)) }
    }

    private mutating func write(_ name: String, words: [Int32]) {
        write(name, Tensor(shape: [words.count], int32s: words))
    }

    private mutating func write(_ name: String, bytes: [UInt8]) {
        write(name, Tensor(shape: [bytes.count], uint8s: bytes))
    }

    /// The standardization, folded; without one, the division by the scale alone.
    private mutating func addInputs() throws(InferenceError) {
        for input in graph.inputs where input.dataType == .float32 && !roles.floats.contains(input.name) {
            guard let fold = roles.folds[input.name] else { continue }
            let isSingle = graph.inputs.count == 1
            let scale = try scale(of: fold.value)
            let gain = fold.scale.map { $0 / scale }
            let offset = fold.offset.map { $0 / scale }
            write(QuantizedLayer.gainTensor(of: isSingle ? nil : input.name), Tensor(shape: [gain.count], floats: gain))
            write(
                QuantizedLayer.offsetTensor(of: isSingle ? nil : input.name),
                Tensor(shape: [offset.count], floats: offset)
            )
        }
    }

    private mutating func add(_ node: Node) throws(InferenceError) {
        var quantized = node
        quantized.inputs = node.inputs.map { name(of: $0) }
        let names = (weights: "\(node.name).weights", bias: "\(node.name).bias")
        guard !roles.floatNodes.contains(node.name) else {
            addFloat(node, &quantized, names)
            return
        }
        switch node.operation {
        case .fullyConnected(_, _, let activation):
            quantized.operation = .fullyConnected(weights: names.weights, bias: names.bias, activation: activation)
            try addSums(node, activation, names, shape: graph.constants[node.operation.constants[0]]?.shape ?? [])
        case .convolution(var convolution):
            let shape = graph.constants[convolution.weights]?.shape ?? []
            convolution.weights = names.weights
            convolution.bias = names.bias
            quantized.operation = .convolution(convolution)
            try addSums(node, convolution.activation, names, shape: shape)
        default:
            try addBytes(node, &quantized, names)
        }
        nodes.append(quantized)
    }

    /// A layer that stays float keeps its constants, under names of its own.
    private mutating func addFloat(_ node: Node, _ quantized: inout Node, _ names: (weights: String, bias: String)) {
        var renamed = names
        switch node.operation {
        case .affine: quantized.operation = .affine(scale: names.weights, offset: names.bias)
        case .fullyConnected(_, _, let activation):
            quantized.operation = .fullyConnected(weights: names.weights, bias: names.bias, activation: activation)
        case .convolution(var convolution):
            convolution.weights = names.weights
            convolution.bias = names.bias
            quantized.operation = .convolution(convolution)
        case .arithmetic(var arithmetic) where arithmetic.constant != nil:
            renamed.weights = "\(node.name).constant"
            arithmetic.constant = renamed.weights
            quantized.operation = .arithmetic(arithmetic)
        case .gather: quantized.operation = .gather(table: names.weights)
        default: break
        }
        for (name, constant) in zip([renamed.weights, renamed.bias], node.operation.constants) {
            if let tensor = graph.constants[constant] { write(name, tensor) }
        }
        nodes.append(quantized)
    }

    private mutating func addSums(
        _ node: Node,
        _ activation: Activation,
        _ names: (weights: String, bias: String),
        shape: [Int]
    ) throws(InferenceError) {
        guard let quantized = integers(of: node) else { return }
        let isLast = roles.sums.contains(node.output)
        let entry = QuantizedLayer(node: node.name, output: isLast ? .accumulator : .requantized)
        manifest.layers.append(entry)
        switch quantized.matrix {
        case .int8(let weights): write(names.weights, Tensor(shape: shape, int8s: weights))
        case .uint8(let weights, let zeroPoint):
            write(names.weights, Tensor(shape: shape, uint8s: weights))
            manifest.encodings[names.weights] = try InferenceError.wrapQuantization(node: node.name) {
                () throws(QuantizationError) in
                try Encoding(scale: quantized.scales[0], zeroPoint: Int32(zeroPoint))
            }
        }
        write(names.bias, words: quantized.biases)
        let input = try inputScale(node, 0)
        guard !isLast else {
            let scale = quantized.scales.map { Swift.max(input * $0, .leastNormalMagnitude) }
            write(entry.scaleTensor, Tensor(shape: [scale.count], floats: scale))
            return
        }
        try addChannels(node, quantized, inputScale: input)
        try addRange(node, activation)
    }

    /// Multiplier and shifts of each output of a sum.
    private mutating func addChannels(
        _ node: Node,
        _ quantized: NodeWeights,
        inputScale: Float
    ) throws(InferenceError) {
        let output = try scale(of: node.output)
        try addRequantizations(
            node,
            quantized.scales.map { Double(inputScale) * Double($0) / Double(output) }
        )
    }

    private mutating func addRequantizations(_ node: Node, _ reals: [Double]) throws(InferenceError) {
        var channels: [Requantization] = []
        channels.reserveCapacity(reals.count)
        let roundsOnce = fixed.values[node.output] != nil && fixed.rounding.isOnce(node.operation)
        for real in reals {
            channels.append(
                try InferenceError.wrapQuantization(node: node.name) { () throws(QuantizationError) in
                    try roundsOnce ? Requantization(roundingOnce: real) : Requantization(realMultiplier: real)
                }
            )
        }
        let names = QuantizedLayer(node: node.name, output: .requantized)
        write(names.multiplierTensor, words: channels.map(\.multiplier))
        write(names.leftShiftTensor, words: channels.map(\.leftShift))
        write(names.rightShiftTensor, words: channels.map(\.rightShift))
    }

    private mutating func addRange(_ node: Node, _ activation: Activation) throws(InferenceError) {
        guard activation != .none else { return }
        let name = "\(node.name).range"
        if lowered.isWide(node.output) {
            let six = (6 / (try wideScale(of: node.output))).rounded(.toNearestOrAwayFromZero)
            write(name, words: [0, activation == .relu ? 32767 : Int32(min(six, 32767))])
        } else {
            let range = try choice.encoding(of: node.output).range(of: activation)
            write(name, bytes: [range.lowerBound, range.upperBound])
        }
    }

    // MARK: Operators on bytes

    private mutating func addBytes(
        _ node: Node,
        _ quantized: inout Node,
        _ names: (weights: String, bias: String)
    ) throws(InferenceError) {
        guard !roles.reals.contains(node.output) else { return }
        switch node.operation {
        case .affine:
            guard let weights = integers(of: node), case .int8(let matrix) = weights.matrix else { return }
            quantized.operation = .affine(scale: names.weights, offset: names.bias)
            write(names.weights, Tensor(shape: [matrix.count], int8s: matrix))
            write(names.bias, words: weights.biases)
            try addChannels(node, weights, inputScale: inputScale(node, 0))
        case .arithmetic(let arithmetic):
            try addArithmetic(node, arithmetic)
        case .concatenate:
            let output = try choice.encoding(of: node.output)
            for index in node.inputs.indices {
                let input = try encoding(node, index)
                guard input != output else { continue }
                write("\(node.name).table.\(index)", bytes: input.table(to: output) { $0 })
            }
        case .pad(_, _, let value):
            write("\(node.name).value", bytes: [try choice.encoding(of: node.output).quantize(value)])
        case .averagePool(let window, let countsPadding):
            let isUniform = countsPadding || window.padding == Margins()
            try addAverage(node, taps: window.size.height * window.size.width, isUniform: isUniform)
        case .mean(let axes, _):
            let shape = infos[node.inputs[0]]?.shape ?? []
            try addAverage(node, taps: axes.reduce(1) { $0 * shape[$1] }, isUniform: true)
        case .function(let function):
            let input = try encoding(node, 0)
            let output = try choice.encoding(of: node.output)
            write("\(node.name).table", bytes: input.table(to: output) { function($0) })
        case .softmax:
            let scale = Double(try encoding(node, 0).scale)
            let channels = infos[node.output]?.shape.last ?? 1
            guard channels <= 256 else {
                throw .unsupported(node: node.name, reason: "inside a model a softmax has at most 256 elements")
            }
            let words = (0..<256).map { Int32((65535 * Softmax.exp(-Double($0) * scale)).rounded()) }
            write("\(node.name).exponentials", words: words)
        case .resize(let resize):
            let shape = infos[node.inputs[0]]?.shape ?? [1, 1, 1]
            write("\(node.name).rows", resize.tensor(input: shape[0], output: resize.size.height))
            write("\(node.name).columns", resize.tensor(input: shape[1], output: resize.size.width))
        case .gather(let table):
            quantized.operation = .gather(table: names.weights)
            let output = try choice.encoding(of: node.output)
            let shape = graph.constants[table]?.shape ?? []
            write(names.weights, Tensor(shape: shape, uint8s: try graph.floats(table).map { output.quantize($0) }))
        case .maxPool(let window) where window.dilation != Extent(1):
            throw .unsupported(node: node.name, reason: "there is no dilated pooling of integers")
        case .normalize, .argMax:
            throw .unsupported(node: node.name, reason: "there is no \(node.operation.kind) of integers")
        case .reshape where lowered.isWide(node.inputs[0]) && isBytes(node.output):
            try addRequantizations(node, [Double(inputScale(node, 0)) / Double(scale(of: node.output))])
        case .fullyConnected, .convolution, .maxPool, .reshape, .transpose, .slice:
            break
        }
    }

    private mutating func addArithmetic(_ node: Node, _ arithmetic: Arithmetic) throws(InferenceError) {
        let output = try choice.encoding(of: node.output)
        if let constant = arithmetic.constant {
            let numbers = try graph.floats(constant)
            guard let number = numbers.first, numbers.count == 1 else {
                throw .unsupported(
                    node: node.name,
                    reason:
                        "there is no \(arithmetic.kind.rawValue) of integers with \(numbers.count) constant elements"
                )
            }
            write(constant, graph.constants[constant] ?? Tensor(shape: [], floats: [number]))
            let table = try encoding(node, 0).table(to: output) { arithmetic.activation(arithmetic.kind($0, number)) }
            write("\(node.name).table", bytes: table)
            return
        }
        let first = try encoding(node, 0)
        let second = try encoding(node, 1)
        switch arithmetic.kind {
        case .multiply:
            try addRequantizations(node, [Double(first.scale) * Double(second.scale) / Double(output.scale)])
        case .add, .subtract:
            let factors = [first, second].map { Double($0.scale) / Double(output.scale) }
            let signs = [1.0, arithmetic.kind == .add ? 1 : -1]
            // The finest unit in which both factors have 15 bits.
            var shift: Int32 = 15
            while shift > 0, (factors.max() ?? 0) * Double(1 << shift) > 32767 { shift -= 1 }
            guard (factors.max() ?? 0) * Double(1 << shift) <= 32767 else {
                throw .quantization(node: node.name, .multiplierOutOfRange(factors.max() ?? 0))
            }
            let words = zip(factors, signs).map {
                Int32(($0 * Double(1 << shift)).rounded(.toNearestOrAwayFromZero) * $1)
            }
            write("\(node.name).multiplier", words: words)
            write("\(node.name).shift", words: [shift])
        case .divide, .maximum, .minimum, .raise:
            throw .unsupported(node: node.name, reason: "there is no \(arithmetic.kind.rawValue) of integers")
        }
        try addRange(node, arithmetic.activation)
    }

    private mutating func addAverage(_ node: Node, taps: Int, isUniform: Bool) throws(InferenceError) {
        let real = Double(try encoding(node, 0).scale) / Double(try choice.encoding(of: node.output).scale)
        try addRequantizations(node, (isUniform ? taps...taps : 1...taps).map { real / Double($0) })
    }
}

/// The integers of a node that sums.
private struct NodeWeights {
    var matrix: WeightMatrix
    /// One for each output.
    var scales: [Float]
    var biases: [Int32]
}

extension NodeWeights {
    init(_ made: ChannelWeights) {
        self.init(matrix: .int8(made.weights), scales: made.scales, biases: made.biases)
    }
}

extension Encoding {
    /// For each byte the byte of a function's value in another encoding.
    fileprivate func table(to other: Encoding, _ function: (Float) -> Float) -> [UInt8] {
        (0...255).map { other.quantize(function(dequantize($0))) }
    }
}

extension ModelGraph.Resize {
    /// What each output index along an axis is made of, as the container holds it: first, second, and 128ths of the second.
    fileprivate func tensor(input: Int, output: Int) -> Tensor {
        let words = samples(input: input, output: output).flatMap { sample in
            [Int32(sample.low), Int32(sample.high), Int32((sample.fraction * 128).rounded(.toNearestOrAwayFromZero))]
        }
        return Tensor(shape: [output, 3], int32s: words)
    }
}
