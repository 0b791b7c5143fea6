import ModelContainer
import ModelGraph
import Quantization

/// A layer with weights beside its integer form.
struct LayerPair {
    let node: Node
    /// The value that it reads, as the float graph names it.
    let input: String
    let inputShape: [Int]
    let outputShape: [Int]
    let weights: [Float]
    let weightShape: [Int]
    let quantized: ChannelWeights

    /// The pairs of a model, in order.
    static func all(of draft: QuantizationDraft) throws(InferenceError) -> [LayerPair] {
        let lowered = draft.lowered
        var pairs: [LayerPair] = []
        for node in lowered.graph.nodes where lowered.roles.isInteger(node) {
            guard let quantized = draft.weights[node.name], let weights = node.operation.layerWeights else { continue }
            let input = node.inputs[0]
            pairs.append(
                LayerPair(
                    node: node,
                    input: lowered.origins[input] ?? input,
                    inputShape: lowered.infos[input]?.shape ?? [],
                    outputShape: lowered.infos[node.output]?.shape ?? [],
                    weights: try lowered.graph.floats(weights),
                    weightShape: lowered.graph.constants[weights]?.shape ?? [],
                    quantized: quantized
                )
            )
        }
        return pairs
    }

    /// The layer in float without its activation and bias, with its own weights or those that the integers stand for.
    func linear(quantized isQuantized: Bool, in graph: Graph) throws(InferenceError) -> FloatNode {
        var graph = graph
        let outputs = quantized.biases.count
        let inputs = weights.count / outputs
        let integers = quantized
        let elements =
            isQuantized
            ? integers.weights.indices.map { Float(integers.weights[$0]) * integers.scales[$0 / inputs] } : weights
        graph.constants["w"] = Tensor(shape: weightShape, floats: elements)
        graph.constants["b"] = Tensor(shape: [outputs], floats: [Float](repeating: 0, count: outputs))
        var linear = node
        switch node.operation {
        case .convolution(var convolution):
            convolution.weights = "w"
            convolution.bias = "b"
            convolution.activation = .none
            linear.operation = .convolution(convolution)
        default: linear.operation = .fullyConnected(weights: "w", bias: "b", activation: .none)
        }
        return try InferenceError.wrapGraph { [graph, linear] () throws(GraphError) in
            try FloatNode(linear, inputs: [inputShape], output: outputShape, in: graph)
        }
    }
}

extension Operation {
    /// The constant with the weights of a layer; nil for other nodes.
    var layerWeights: String? {
        switch self {
        case .fullyConnected(let weights, _, _): weights
        case .convolution(let convolution): convolution.weights
        default: nil
        }
    }
}

extension QuantizationWork {
    /// At most so many values are kept at a time.
    private static let chunkValuesMax = 1 << 22
    private static let chunkRowsMax = 64

    /// Runs the float model over rows and shows what some values are, some rows at a time.
    func forEachChunk(
        of rows: CalibrationRows,
        keeping names: Set<String>,
        _ body: (_ values: [String: [Float]], _ rows: Range<Int>) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        let infos = try InferenceError.wrapGraph { [graph] () throws(GraphError) in try graph.values() }
        let perRow = names.reduce(1) { $0 + (infos[$1]?.shape.reduce(1, *) ?? 0) }
        let step = max(1, min(Self.chunkRowsMax, Self.chunkValuesMax / perRow))
        var first = 0
        while first < rows.count {
            let range = first..<min(first + step, rows.count)
            var values: [String: [Float]] = [:]
            _ = try InferenceError.wrapGraph { () throws(GraphError) in
                try interpreter.run(rows[range], rows: range.count) { name, elements, _ in
                    if names.contains(name) { values[name, default: []] += elements }
                }
            }
            try body(values, range)
            first = range.upperBound
        }
    }

    /// Keeps what a stage changed if the answers are not worse for it, else puts back what was there, and says so.
    mutating func conclude(
        _ stage: String,
        _ details: [String],
        from earlier: QuantizationWork,
        before: Double
    ) throws(InferenceError) -> Bool {
        let after = try decibels(build().model)
        let isKept = after >= before
        if !isKept { self = earlier }
        measures.append(
            QuantizationReport.Measure(name: stage, isKept: isKept, before: before, after: after, details: details)
        )
        return isKept
    }

    // MARK: Bias correction

    /// Adds to each bias the mean of what the rounding of weights and inputs takes from its sum.
    ///
    /// Each layer is looked at by itself: both forms read the values of the float model, the quantized one rounded.
    mutating func correctBiases(progress: (_ done: Int, _ total: Int) -> Void) throws(InferenceError) {
        let earlier = self
        let built = try build()
        let before = try decibels(built.model)
        let pairs = try LayerPair.all(of: built.draft)
        var twins: [(float: FloatNode, quantized: FloatNode)] = []
        for pair in pairs {
            let graph = built.lowered.graph
            twins.append((try pair.linear(quantized: false, in: graph), try pair.linear(quantized: true, in: graph)))
        }
        var sums = pairs.map { [Double](repeating: 0, count: $0.quantized.biases.count) }
        var counts = [Int](repeating: 0, count: pairs.count)
        try forEachChunk(of: trial, keeping: Set(pairs.map(\.input))) { values, rows throws(InferenceError) in
            for (index, pair) in pairs.enumerated() {
                guard let input = values[pair.input] else { continue }
                let rounded = try built.draft.rounded(input, as: pair.node.inputs[0])
                let twin = twins[index]
                let (float, quantized) = try InferenceError.wrapGraph { () throws(GraphError) in
                    (try twin.float.run([input], rows: rows.count), try twin.quantized.run([rounded], rows: rows.count))
                }
                let outputs = sums[index].count
                for place in float.indices {
                    sums[index][place % outputs] += Double(float[place]) - Double(quantized[place])
                }
                counts[index] += float.count / outputs
            }
            progress(rows.upperBound, trial.count)
        }
        var details: [String] = []
        for (index, pair) in pairs.enumerated() where counts[index] > 0 {
            let corrections = sums[index].map { Float($0 / Double(counts[index])) }
            let greatest = corrections.reduce(Float(0)) { max($0, $1.magnitude) }
            guard greatest > 0 else { continue }
            adjustments.corrections[pair.node.name] = corrections
            details.append("'\(pair.node.name)': \(corrections.count) biases by up to \(greatest)")
        }
        _ = try conclude("bias correction", details, from: earlier, before: before)
    }

    // MARK: AdaRound

    /// Learns for each weight whether to round it up or down, layer by layer.
    mutating func learnRoundings(
        _ iterations: Int,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws(InferenceError) {
        let earlier = self
        let built = try build()
        let before = try decibels(built.model)
        let pairs = try LayerPair.all(of: built.draft)
        var patches = pairs.map { LayerPatches($0, rows: rows.count) }
        try forEachChunk(of: rows, keeping: Set(pairs.map(\.input))) { values, chunk throws(InferenceError) in
            for (index, pair) in pairs.enumerated() {
                guard let input = values[pair.input] else { continue }
                patches[index].add(input, rows: chunk)
            }
        }
        var details: [String] = []
        for (index, pair) in pairs.enumerated() {
            let outputs = pair.quantized.biases.count
            let inputs = pair.weights.count / outputs
            let groups = patches[index].groups
            var weights: [Int8] = []
            var (nearest, learned) = (0.0, 0.0)
            for group in 0..<groups {
                let originals = patches[index].elements[group]
                let rounding = AdaptiveRounding(
                    inputs: try built.draft.rounded(originals, as: pair.node.inputs[0]),
                    originals: originals,
                    count: inputs
                )
                for output in group * (outputs / groups)..<(group + 1) * (outputs / groups) {
                    let scale = pair.quantized.scales[output]
                    let result = rounding.round(
                        Array(pair.weights[output * inputs..<(output + 1) * inputs]),
                        scale: scale,
                        iterations: iterations
                    )
                    weights += result.weights
                    nearest += result.nearestError * Double(scale) * Double(scale)
                    learned += result.error * Double(scale) * Double(scale)
                }
            }
            patches[index].clear()
            progress(index + 1, pairs.count)
            guard learned < nearest else { continue }
            adjustments.roundings[pair.node.name] = weights
            let changed = zip(weights, pair.quantized.weights).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
            let left = Int((100 * learned / nearest).rounded())
            details.append(
                "'\(pair.node.name)': \(changed) of \(weights.count) weights otherwise, \(left)% of the error left"
            )
        }
        _ = try conclude("adaround", details, from: earlier, before: before)
    }
}

/// What a layer reads for some of the places that it gives.
struct LayerPatches {
    let groups: Int
    /// For each group `[samples, inputs]`.
    private(set) var elements: [[Float]]

    private let shape: [Int]
    private let output: [Int]
    private let window: ModelGraph.Window?
    private let channels: Int
    private let placesPerRow: Int

    /// For layers of few inputs still so many samples, and for others at most so many.
    private static let samples = 256...1024

    init(_ pair: LayerPair, rows: Int) {
        shape = pair.inputShape
        output = pair.outputShape
        let outputs = pair.quantized.biases.count
        let inputs = pair.weights.count / outputs
        let wanted = min(max(2 * inputs, Self.samples.lowerBound), Self.samples.upperBound)
        if case .convolution(let convolution) = pair.node.operation {
            groups = convolution.groups
            channels = shape[2] / convolution.groups
            window = convolution.window(weightShape: pair.weightShape)
            placesPerRow = min((wanted + rows - 1) / rows, output[0] * output[1])
        } else {
            groups = 1
            channels = inputs
            window = nil
            placesPerRow = 1
        }
        elements = [[Float]](repeating: [], count: groups)
    }

    mutating func add(_ values: [Float], rows: Range<Int>) {
        let count = shape.reduce(1, *)
        for row in 0..<rows.count {
            guard let window else {
                elements[0] += values[row * count..<(row + 1) * count]
                continue
            }
            let places = output[0] * output[1]
            for index in 0..<placesPerRow {
                // Rows look at different places.
                let place = (index * places / placesPerRow + (rows.lowerBound + row) * 7) % places
                let top = place / output[1] * window.stride.height - window.padding.top
                let left = place % output[1] * window.stride.width - window.padding.left
                for group in 0..<groups {
                    for p in 0..<window.size.height {
                        for q in 0..<window.size.width {
                            let (y, z) = (top + p * window.dilation.height, left + q * window.dilation.width)
                            guard y >= 0, y < shape[0], z >= 0, z < shape[1] else {
                                elements[group] += repeatElement(0, count: channels)
                                continue
                            }
                            let start = row * count + (y * shape[1] + z) * shape[2] + group * channels
                            elements[group] += values[start..<start + channels]
                        }
                    }
                }
            }
        }
    }

    /// Gives the memory back.
    mutating func clear() { elements = [] }
}
