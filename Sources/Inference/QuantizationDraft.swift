import ModelContainer
import ModelGraph
import Quantization

/// A quantized model while it is being made.
struct QuantizationDraft {
    var manifest = Manifest(kind: .quantizedModel)
    var tensors: [(name: String, tensor: Tensor)] = []

    private var nodes: [Node] = []

    /// Quantizes a chain of layers with the ranges of its values.
    ///
    /// - Parameter values: Every float value of the graph, finite, by name.
    init(graph: Graph, chain: LayerChain, values: [String: [Float]]) throws(InferenceError) {
        var input = try QuantizationDraft.encoding(values[chain.layers[0].node.inputs[0]], node: chain.inputName)
        manifest.encodings[chain.inputName] = input
        try addInput(chain, graph: graph, encoding: input)
        for (index, layer) in chain.layers.enumerated() {
            let name = layer.node.name
            let weights = try QuantizationDraft.floats(layer.weights, graph)
            let biases = try QuantizationDraft.floats(layer.bias, graph)
            let quantized = try InferenceError.wrapQuantization(node: name) { () throws(QuantizationError) in
                try ChannelWeights(weights: weights, biases: biases, inputScale: input.scale)
            }
            let isLast = index == chain.layers.count - 1
            let entry = QuantizedLayer(node: name, output: isLast ? .accumulator : .requantized)
            manifest.layers.append(entry)
            addWeights(layer, quantized, index: index, inputName: chain.inputName)
            if isLast {
                let scale = quantized.scales.map { Swift.max(input.scale * $0, .leastNormalMagnitude) }
                tensors.append((entry.scaleTensor, Tensor(shape: [scale.count], floats: scale)))
            } else {
                let output = try QuantizationDraft.outputEncoding(
                    values[layer.node.output],
                    quantized,
                    input: input,
                    node: name
                )
                manifest.encodings[layer.node.output] = output
                try addRequantization(entry, quantized, input: input, output: output)
                input = output
            }
        }
        if chain.hasSoftmax { nodes += graph.nodes.suffix(1) }
        manifest.graph = GraphStructure(
            name: graph.name,
            inputs: graph.inputs,
            outputs: graph.outputs,
            nodes: nodes
        )
    }

    /// The standardization, folded; without one, the division by the scale alone.
    private mutating func addInput(
        _ chain: LayerChain,
        graph: Graph,
        encoding: Encoding
    ) throws(InferenceError) {
        let scale: [Float]
        let offset: [Float]
        if let affine = chain.affine {
            scale = try QuantizationDraft.floats(affine.scale, graph)
            offset = try QuantizationDraft.floats(affine.offset, graph)
        } else {
            scale = [Float](repeating: 1, count: chain.inputCount)
            offset = [Float](repeating: 0, count: chain.inputCount)
        }
        let input = InputEncoding(scale: scale, offset: offset, encoding: encoding)
        tensors.append((QuantizedLayer.inputGainTensor, Tensor(shape: [input.gain.count], floats: input.gain)))
        tensors.append((QuantizedLayer.inputOffsetTensor, Tensor(shape: [input.offset.count], floats: input.offset)))
    }

    private mutating func addWeights(
        _ layer: LayerChain.Layer,
        _ quantized: ChannelWeights,
        index: Int,
        inputName: String
    ) {
        let outputs = quantized.biases.count
        let weights = "\(layer.node.name).weights"
        let bias = "\(layer.node.name).bias"
        tensors.append(
            (weights, Tensor(shape: [outputs, quantized.weights.count / outputs], int8s: quantized.weights))
        )
        tensors.append((bias, Tensor(shape: [outputs], int32s: quantized.biases)))
        var node = layer.node
        node.operation = .fullyConnected(weights: weights, bias: bias, activation: layer.activation)
        if index == 0 { node.inputs = [inputName] }
        nodes.append(node)
    }

    private mutating func addRequantization(
        _ entry: QuantizedLayer,
        _ quantized: ChannelWeights,
        input: Encoding,
        output: Encoding
    ) throws(InferenceError) {
        var channels: [Requantization] = []
        for scale in quantized.scales {
            let real = Double(input.scale) * Double(scale) / Double(output.scale)
            let channel = try InferenceError.wrapQuantization(node: entry.node) { () throws(QuantizationError) in
                try Requantization(realMultiplier: real)
            }
            channels.append(channel)
        }
        let shape = [channels.count]
        tensors.append((entry.multiplierTensor, Tensor(shape: shape, int32s: channels.map(\.multiplier))))
        tensors.append((entry.leftShiftTensor, Tensor(shape: shape, int32s: channels.map(\.leftShift))))
        tensors.append((entry.rightShiftTensor, Tensor(shape: shape, int32s: channels.map(\.rightShift))))
    }

    /// The encoding of a hidden value.
    ///
    /// Its step is at least 2^-29 of the greatest value that any input could cause, since a finer one would need a left
    /// shift that loses bits of such a sum: a layer that is all but dead on the calibration rows would be refused.
    private static func outputEncoding(
        _ values: [Float]?,
        _ quantized: ChannelWeights,
        input: Encoding,
        node: String
    ) throws(InferenceError) -> Encoding {
        let observed = try encoding(values, node: node)
        var greatest = 0.0
        for output in quantized.biases.indices {
            let bound = PlannedLayer.sumBound(
                weights: quantized.weights,
                biases: quantized.biases,
                zeroPoint: input.zeroPoint,
                output: output
            )
            greatest = max(greatest, Double(bound) * Double(input.scale) * Double(quantized.scales[output]))
        }
        let step = Float(greatest * 0x1p-29)
        guard step.isFinite, observed.scale < step else { return observed }
        let low = observed.range.lowerBound
        return try InferenceError.wrapQuantization(node: node) { () throws(QuantizationError) in
            try Encoding(min: low, max: max(observed.range.upperBound, low + 255 * step))
        }
    }

    private static func encoding(_ values: [Float]?, node: String) throws(InferenceError) -> Encoding {
        var observer = MinMaxObserver()
        observer.observe(values ?? [])
        return try InferenceError.wrapQuantization(node: node) { () throws(QuantizationError) in try observer.encoding()
        }
    }

    private static func floats(_ name: String, _ graph: Graph) throws(InferenceError) -> [Float] {
        guard let tensor = graph.constants[name] else { throw .container(.missingTensor(name)) }
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
    }
}
