import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// One fully-connected layer, ready to run.
struct PlannedLayer: Sendable {
    /// What becomes of the sums.
    enum Output: Sendable {
        case bytes(RequantizeStage, channels: [Requantization], encoding: Encoding)
        case reals(scale: [Float], activation: Activation)
    }

    let name: String
    let sums: FullyConnected
    let output: Output
    /// The tensors again, as the reference kernels take them.
    let weightsTensor: String
    let biasTensor: String
    let inputZeroPoint: UInt8

    /// Checks that no sum can overflow, and with it that no left shift loses bits.
    ///
    /// The bound holds for every input: `|bias[n]| + Σk |weights[n, k]| * max(zeroPoint, 255 - zeroPoint)`.
    static func checkBounds(
        node: String,
        weights: [Int8],
        biases: [Int32],
        zeroPoint: Int32,
        leftShifts: [Int32]?
    ) throws(InferenceError) {
        for output in biases.indices {
            let bound = sumBound(weights: weights, biases: biases, zeroPoint: zeroPoint, output: output)
            let shift = leftShifts.map { $0[output] } ?? 0
            guard bound <= Int64(Int32.max) >> Int64(shift) else { throw .overflow(node: node, output: output) }
        }
    }

    /// The greatest magnitude that the sum of an output can have.
    static func sumBound(weights: [Int8], biases: [Int32], zeroPoint: Int32, output: Int) -> Int64 {
        let inputs = weights.count / biases.count
        let row = weights[output * inputs..<(output + 1) * inputs]
        let reach = Int64(max(zeroPoint, 255 - zeroPoint))
        return Int64(biases[output].magnitude) + row.reduce(Int64(0)) { $0 + Int64($1.magnitude) } * reach
    }
}

extension PlannedLayer {
    /// Reads a layer from a container and checks everything about it.
    ///
    /// - Parameters:
    ///   - layer: The layer in the graph.
    ///   - quantized: The layer in the manifest.
    ///   - input: The encoding of the layer's input.
    init(
        _ layer: LayerChain.Layer,
        _ quantized: QuantizedLayer,
        input: Encoding,
        container: ModelContainer,
        graph: Graph
    ) throws(InferenceError) {
        guard let weights = graph.constants[layer.weights], let bias = graph.constants[layer.bias] else {
            throw .container(.missingTensor(layer.weights))
        }
        let bytes = try InferenceError.wrapGraph { () throws(GraphError) in try weights.int8s }
        let biases = try InferenceError.wrapGraph { () throws(GraphError) in try bias.int32s }
        let outputs = biases.count
        let zeroPoint = UInt8(clamping: input.zeroPoint)
        name = layer.node.name
        weightsTensor = layer.weights
        biasTensor = layer.bias
        inputZeroPoint = zeroPoint
        sums = try InferenceError.wrapKernel { () throws(KernelError) in
            try FullyConnected(
                weights: .int8(bytes),
                biases: biases,
                inputCount: weights.elementCount / outputs,
                outputCount: outputs,
                inputZeroPoint: zeroPoint
            )
        }
        var leftShifts: [Int32]?
        switch quantized.output {
        case .requantized:
            let value = layer.node.output
            guard let encoding = container.manifest.encodings[value] else {
                throw .invalid(field: "manifest.encodings", reason: "'\(value)' has no encoding")
            }
            let multipliers = try container.words(quantized.multiplierTensor, count: outputs)
            let lefts = try container.words(quantized.leftShiftTensor, count: outputs)
            let rights = try container.words(quantized.rightShiftTensor, count: outputs)
            var channels: [Requantization] = []
            for output in 0..<outputs {
                let channel = try InferenceError.wrapQuantization(node: layer.node.name) {
                    () throws(QuantizationError) in
                    try Requantization(
                        multiplier: multipliers[output],
                        leftShift: lefts[output],
                        rightShift: rights[output]
                    )
                }
                channels.append(channel)
            }
            let stage = RequantizeStage(
                channels: channels,
                zeroPoint: UInt8(clamping: encoding.zeroPoint),
                range: PlannedLayer.range(layer.activation, encoding)
            )
            output = .bytes(stage, channels: channels, encoding: encoding)
            leftShifts = lefts
        case .accumulator:
            let scale = try container.reals(quantized.scaleTensor, count: outputs)
            guard scale.allSatisfy({ $0 > 0 }) else {
                throw .invalid(field: "tensor '\(quantized.scaleTensor)'", reason: "a scale is not positive")
            }
            output = .reals(scale: scale, activation: layer.activation)
        }
        try PlannedLayer.checkBounds(
            node: layer.node.name,
            weights: bytes,
            biases: biases,
            zeroPoint: input.zeroPoint,
            leftShifts: leftShifts
        )
    }

    /// The bytes that an activation leaves.
    private static func range(_ activation: Activation, _ encoding: Encoding) -> ClosedRange<UInt8> {
        let zero = encoding.quantize(0)
        switch activation {
        case .none: return 0...255
        case .relu: return zero...255
        case .relu6: return zero...encoding.quantize(6)
        }
    }
}

extension ModelContainer {
    /// A tensor of words that must be there with this count.
    func words(_ name: String, count: Int) throws(InferenceError) -> [Int32] {
        let tensor = try checked(name, count: count)
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.int32s }
    }

    /// A tensor of finite floats that must be there with this count.
    func reals(_ name: String, count: Int) throws(InferenceError) -> [Float] {
        let tensor = try checked(name, count: count)
        let values = try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
        guard values.allSatisfy(\.isFinite) else {
            throw .invalid(field: "tensor '\(name)'", reason: "a value is not finite")
        }
        return values
    }

    private func checked(_ name: String, count: Int) throws(InferenceError) -> Tensor {
        let tensor = try InferenceError.wrapContainer { () throws(ContainerError) in try self.tensor(name) }
        guard tensor.shape == [count] else {
            throw .invalid(field: "tensor '\(name)'", reason: "shape \(tensor.shape) instead of [\(count)]")
        }
        return tensor
    }
}
