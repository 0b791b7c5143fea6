import ModelGraph

/// Operators that read or write integers which stand for real numbers.
///
/// The graph computes with the real numbers; how they stand as integers is kept beside it.
extension ONNXOperands {
    func quantized(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        switch kind {
        case "QuantizeLinear", "com.microsoft.QuantizeLinear":
            let type: ElementType? = try outputType()
            return [try quantize(value(0), 1, 2, type: type, &builder)]
        case "DequantizeLinear", "com.microsoft.DequantizeLinear": return [try dequantize(0, 1, 2, &builder)]
        case "DynamicQuantizeLinear": return try dynamicallyQuantized(&builder)
        case "QLinearConv":
            let (input, weights) = (try dequantize(0, 1, 2, &builder), try dequantize(3, 4, 5, axis: 0, &builder))
            guard let constant = weights.constant else { throw .unsupported("its weights are computed") }
            let bias = try sums(8, scales: [1, 4], &builder)
            return [try quantize(convolution(input, constant, bias, &builder), 6, 7, type: nil, &builder)]
        case "QLinearMatMul":
            let product = try product(dequantize(0, 1, 2, &builder), dequantize(3, 4, 5, axis: -1, &builder), &builder)
            return [try quantize(product, 6, 7, type: nil, &builder)]
        case "ConvInteger":
            let input = try shifted(0, 2, &builder)
            guard let weights = try shifted(1, 3, &builder).constant else {
                throw .unsupported("its weights are computed")
            }
            var result = try convolution(input, weights, nil, &builder)
            result.type = .int32
            return [result]
        case "MatMulInteger":
            var result = try product(shifted(0, 2, &builder), shifted(1, 3, &builder), &builder)
            result.type = .int32
            return [result]
        case "com.microsoft.QLinearAdd", "com.microsoft.QLinearMul":
            let kind: Arithmetic.Kind = kind.hasSuffix("Add") ? .add : .multiply
            let result = try builder.arithmetic(kind, dequantize(0, 1, 2, &builder), dequantize(3, 4, 5, &builder))
            return [try quantize(result, 6, 7, type: nil, &builder)]
        case "com.microsoft.QGemm":
            let a = try dequantize(0, 1, 2, &builder)
            let b = try dequantize(3, 4, 5, axis: node.integer("transB", 0) != 0 ? 0 : 1, &builder)
            let c = try sums(6, scales: [1, 4], &builder).map { Value($0) }
            let result = try gemm(a, b, c, alpha: node.float("alpha", 1), beta: 1, &builder)
            return [has(7) ? try quantize(result, 7, 8, type: nil, &builder) : result]
        case "com.microsoft.QLinearAveragePool":
            let last = node.integer("channels_last", 0) != 0
            let result = try averagePool(dequantize(0, 1, 2, &builder), channelsLast: last, &builder)
            return [try quantize(result, 3, 4, type: nil, &builder)]
        case "com.microsoft.QLinearGlobalAveragePool":
            let last = node.integer("channels_last", 0) != 0
            let result = try globalAverage(dequantize(0, 1, 2, &builder), channelsLast: last, &builder)
            return [try quantize(result, 3, 4, type: nil, &builder)]
        case "com.microsoft.QLinearSoftmax":
            let result = try softmax(dequantize(0, 1, 2, &builder), &builder)
            return [try quantize(result, 3, 4, type: nil, &builder)]
        case "com.microsoft.QLinearSigmoid":
            let result = try builder.function(.sigmoid, dequantize(0, 1, 2, &builder))
            return [try quantize(result, 3, 4, type: nil, &builder)]
        case "com.microsoft.QLinearLeakyRelu":
            let slope = node.float("alpha", 0.01)
            let result = try builder.function(.leakyRelu(slope: slope), dequantize(0, 1, 2, &builder))
            return [try quantize(result, 3, 4, type: nil, &builder)]
        case "com.microsoft.QLinearConcat":
            var values: [Value] = []
            for index in stride(from: 2, to: inputs.count, by: 3) {
                values.append(try dequantize(index, index + 1, index + 2, &builder))
            }
            guard let first = values.first else { throw .damaged("nothing to put together") }
            let axis = try self.axis(node.integer("axis", 0), rank: first.shape.count)
            return [try quantize(builder.concatenate(values, axis: axis), 0, 1, type: nil, &builder)]
        default: throw .unsupported("this operator")
        }
    }

    /// Real numbers need no scale: they stand for themselves with a scale of 1. An answer of the model is measured.
    private func dynamicallyQuantized(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let input = try value(0)
        guard isAnswer.contains(true) else {
            return [
                input,
                Value(SourceTensor(shape: [], floats: [1])),
                Value(SourceTensor(shape: [], integers: [0], type: .uint8)),
            ]
        }
        guard !isInner.contains(true) else {
            throw .unsupported("its results are answers of the model and read by other nodes too")
        }
        _ = try builder.form(of: input)
        func part(_ measured: MeasuredEncoding, _ shape: [Int], _ type: ElementType) -> Value {
            var result = Value(shape, type, input.content)
            result.measured = measured
            return result
        }
        return [part(.integers, input.shape, .uint8), part(.scale, [], .float32), part(.zeroPoint, [], .uint8)]
    }

    private func outputType() throws(Refusal) -> ElementType? {
        let number = node.integer("output_dtype", 0)
        guard number != 0 else { return nil }
        guard let type = SourceTensor.types[number] else {
            throw .unsupported("to \(SourceTensor.name(ofType: number))")
        }
        return type
    }

    /// How a scale and a zero point, constants among the operands, say that integers stand for real numbers.
    ///
    /// - Parameter axis: The dimension that several scales belong to.
    func encoding(
        _ scale: Int,
        _ zeroPoint: Int,
        type: ElementType?,
        shape: [Int],
        axis: Int
    ) throws(Refusal) -> TensorEncoding {
        let scales = try constant(scale)
        let zeros = has(zeroPoint) ? try constant(zeroPoint) : nil
        let type = zeros?.type ?? type ?? .uint8
        guard scales.elementCount > 0, scales.floats.allSatisfy(\.isFinite) else {
            throw .damaged("a scale is not finite")
        }
        if let zeros, zeros.elementCount != scales.elementCount {
            throw .damaged("scales and zero points differ in count")
        }
        let zeroPoints = type.isFloat ? [] : zeros?.integers ?? []
        var encoding = TensorEncoding(
            type: type,
            scales: SourceTensor(shape: scales.shape, floats: scales.floats),
            zeroPoints: zeroPoints,
            axis: nil
        )
        guard scales.elementCount > 1 else { return encoding }
        let place = try self.axis(axis, rank: shape.count)
        encoding.axis = place
        encoding.blockSize = node.integer("block_size", 0)
        if encoding.blockSize > 0 {
            var blocks = shape
            blocks[place] = (shape[place] + encoding.blockSize - 1) / encoding.blockSize
            guard scales.shape == blocks else { throw .damaged("scales of shape \(scales.shape) for \(shape)") }
        } else {
            guard scales.elementCount == shape[place] else {
                throw .damaged("\(scales.elementCount) scales for \(shape[place]) rows")
            }
        }
        return encoding
    }

    /// The real numbers that integers stand for.
    private func dequantize(
        _ operand: Int,
        _ scale: Int,
        _ zeroPoint: Int,
        axis: Int? = nil,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        let value = try value(operand)
        let encoding = try encoding(
            scale,
            zeroPoint,
            type: value.type,
            shape: value.shape,
            axis: axis ?? node.integer("axis", 1)
        )
        var result = value
        if let constant = value.constant {
            try builder.spend(constant.tensor.elementCount)
            if encoding.blockSize > 0 || encoding.type.isFloat {
                let (scales, zeros) = encoding.expanded(to: value.shape)
                let integers = constant.tensor.floats
                let floats = integers.indices.map { scales[$0] * (integers[$0] - zeros[$0]) }
                return Value(SourceTensor(shape: value.shape, floats: floats))
            }
            return Value(Constant(constant.tensor, dequantizedBy: encoding))
        }
        if value.encoding == encoding {
            result.type = .float32
            result.encoding = nil
            return result
        }
        if encoding.axis == nil, value.encoding == nil, builder.isUntouchedInput(value), isOnlyReader[operand],
            !value.type.isFloat
        {
            result = builder.encodeInput(value, encoding)
            _ = try builder.form(of: result)
            result.type = .float32
            result.encoding = nil
            return result
        }
        guard value.encoding == nil else {
            throw .unsupported("integers that are read with another scale than they were written with")
        }
        if let scale = encoding.scales.floats.first, encoding.axis == nil, scale == 1,
            encoding.zeroPoints.first ?? 0 == 0
        {
            result.type = .float32
            return result
        }
        let (scales, zeros) = encoding.factors(rank: value.shape.count, shape: value.shape)
        let difference = try builder.arithmetic(.subtract, value, Value(zeros))
        return try builder.arithmetic(.multiply, difference, Value(scales))
    }

    /// Integers less their zero point, as numbers.
    private func shifted(_ operand: Int, _ zeroPoint: Int, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let value = try value(operand)
        guard value.encoding == nil else { throw .unsupported("integers that stand for real numbers") }
        guard has(zeroPoint) else { return value }
        let zeros = try constant(zeroPoint)
        if let constant = value.constant, !constant.tensor.type.isFloat, zeros.elementCount == 1,
            let zero = zeros.integers.first
        {
            try builder.spend(constant.tensor.elementCount)
            let encoding = TensorEncoding(
                type: constant.tensor.type,
                scales: SourceTensor(shape: [], floats: [1]),
                zeroPoints: [zero],
                axis: nil
            )
            return Value(Constant(constant.tensor, dequantizedBy: encoding))
        }
        guard zeros.integers.contains(where: { $0 != 0 }) else { return value }
        let shape = zeros.elementCount == 1 ? [] : zeros.shape
        let subtrahend = SourceTensor(shape: shape, floats: zeros.integers.map { Float($0) })
        if let constant = value.constant {
            guard let fit = Arithmetic.shape(shape, value.shape), fit == value.shape else {
                throw .unsupported("zero points of shape \(zeros.shape)")
            }
            try builder.spend(2 * constant.tensor.elementCount)
            let floats = zip(constant.tensor.floats, subtrahend.broadcast(to: value.shape).floats).map { $0 - $1 }
            return Value(SourceTensor(shape: value.shape, floats: floats))
        }
        return try builder.arithmetic(.subtract, value, Value(subtrahend))
    }

    /// A bias of sums: 32-bit integers in steps of the product of two scales.
    private func sums(
        _ operand: Int,
        scales: [Int],
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Constant? {
        guard has(operand) else { return nil }
        let integers = try constant(operand)
        let (first, second) = (try constant(scales[0]).floats, try constant(scales[1]).floats)
        guard first.count == 1, second.count == 1 || second.count == integers.elementCount else {
            throw .damaged("\(second.count) scales for a bias of \(integers.elementCount)")
        }
        try builder.spend(integers.elementCount)
        let flat = integers.reshaped([integers.elementCount])
        let encoding = TensorEncoding(
            type: integers.type,
            scales: SourceTensor(shape: [second.count], floats: second.map { $0 * first[0] }),
            zeroPoints: [],
            axis: second.count == 1 ? nil : 0
        )
        return Constant(flat, dequantizedBy: encoding)
    }

    /// Says that a value stands as integers from here on.
    private func quantize(
        _ value: Value,
        _ scale: Int,
        _ zeroPoint: Int,
        type: ElementType?,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        let encoding = try encoding(scale, zeroPoint, type: type, shape: value.shape, axis: node.integer("axis", 1))
        guard value.constant == nil else { throw .unsupported("a constant that is quantized in the model") }
        var result = value
        // Integers have no place below their least: where that is 0, a file leaves its rectification to it.
        if encoding.type == .int8 || encoding.type == .uint8, encoding.low == 0, !builder.isNonNegative(value) {
            result = try builder.function(.relu, value)
        }
        result = try builder.encode(result, encoding)
        if node.integer("saturate", 1) == 0 { result.rounding = .nearestUnsaturated }
        return result
    }
}

extension TensorEncoding {
    /// A scale and a zero point for each element.
    func expanded(to shape: [Int]) -> (scales: [Float], zeroPoints: [Float]) {
        let (scales, zeros) = factors(rank: shape.count, shape: shape)
        return (scales.broadcast(to: shape).floats, zeros.broadcast(to: shape).floats)
    }

    /// Scales and zero points in a shape that repeats over a value of `shape`.
    func factors(rank: Int, shape: [Int]) -> (scales: SourceTensor, zeroPoints: SourceTensor) {
        let floats = scales.floats
        let zeros = zeroPoints.isEmpty ? floats.map { _ in 0 } : zeroPoints.map { Float($0) }
        guard let axis else {
            return (SourceTensor(shape: [], floats: [floats[0]]), SourceTensor(shape: [], floats: [zeros[0]]))
        }
        if blockSize > 0 {
            let rows = (0..<shape[axis]).map { $0 / blockSize }
            return (
                scales.gathered(rows, axis: axis),
                SourceTensor(shape: scales.shape, floats: zeros).gathered(rows, axis: axis)
            )
        }
        var target = [Int](repeating: 1, count: rank)
        target[axis] = floats.count
        return (SourceTensor(shape: target, floats: floats), SourceTensor(shape: target, floats: zeros))
    }
}
