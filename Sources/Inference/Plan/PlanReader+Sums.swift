import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// Layers whose outputs are scaled from 32-bit sums.
extension PlanReader {
    mutating func readSums(
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
            try readWideSums(
                node,
                layer,
                input,
                map,
                window,
                groups: groups,
                weights: weights,
                biases: biases,
                activation
            )
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
    mutating func readWideSums(
        _ node: Node,
        _ layer: QuantizedLayer,
        _ input: Int,
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
                throw .unsupported(node: node.name, reason: "from 16 bits it gives 16 bits")
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
            reach: reaches[input] ?? 1 << 15,
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

    func affine(_ node: Node, weights: String, bias: String) throws(InferenceError) -> Operator {
        let bytes = try constant(weights, node) { tensor throws(GraphError) in try tensor.int8s }
        let biases = try constant(bias, node) { tensor throws(GraphError) in try tensor.int32s }
        let channels = try requantizations(node, count: biases.count)
        let number = try operand(0, of: node)
        if case .halfwords = values[number].storage {
            guard case .halfwords = try storage(of: node.output) else {
                throw .unsupported(node: node.name, reason: "from 16 bits it gives 16 bits")
            }
            try SumBounds.check(
                node: node.name,
                weights: .int8(bytes),
                biases: biases,
                reach: reaches[number] ?? 1 << 15,
                leftShifts: channels.map(\.leftShift)
            )
            return .wideConvolution(
                WideConvolution(
                    input: featureMap(shape(0, of: node)),
                    groups: biases.count,
                    weights: bytes,
                    biases: biases,
                    result: .halfwords(channels, range: -32767...32767)
                )
            )
        }
        let input = try encoding(ofOperand: 0, of: node)
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

    func weights(_ name: String, _ node: Node) throws(InferenceError) -> WeightMatrix {
        guard graph.constants[name]?.dataType == .uint8 else {
            return .int8(try constant(name, node) { tensor throws(GraphError) in try tensor.int8s })
        }
        guard let encoding = manifest.encodings[name] else {
            throw .invalid(field: "manifest.encodings", reason: "the unsigned weights '\(name)' have no encoding")
        }
        let bytes = try constant(name, node) { tensor throws(GraphError) in try tensor.uint8s }
        return .uint8(bytes, zeroPoint: zeroPoint(encoding))
    }

    func scale(_ layer: QuantizedLayer, count: Int) throws(InferenceError) -> [Float] {
        let scale = try container.reals(layer.scaleTensor, count: count)
        guard scale.allSatisfy({ $0 > 0 }) else {
            throw .invalid(field: "tensor '\(layer.scaleTensor)'", reason: "a scale is not positive")
        }
        return scale
    }

    func constant<Element>(
        _ name: String,
        _ node: Node,
        _ elements: (Tensor) throws(GraphError) -> [Element]
    ) throws(InferenceError) -> [Element] {
        guard let tensor = graph.constants[name] else { throw .container(.missingTensor(name)) }
        return try InferenceError.wrapGraph { () throws(GraphError) in try elements(tensor) }
    }

    func requantizations(_ node: Node, count: Int) throws(InferenceError) -> [Requantization] {
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

    func stage(
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
    func range(
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

    func wideRange(_ node: Node, _ activation: Activation) throws(InferenceError) -> ClosedRange<Int16> {
        guard activation != .none else { return -32767...32767 }
        let name = "\(node.name).range"
        let limits = try container.words(name, count: 2)
        guard limits[0] <= limits[1], let low = Int16(exactly: limits[0]), let high = Int16(exactly: limits[1]) else {
            throw .invalid(field: "tensor '\(name)'", reason: "\(limits) is no range of 16 bits")
        }
        return low...high
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
