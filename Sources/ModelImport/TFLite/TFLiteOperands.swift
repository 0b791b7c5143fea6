import ModelGraph

/// The options of an operator, with the defaults of the schema.
struct TFLiteOptions {
    let buffer: FlatBuffer
    let table: FlatBuffer.Table?

    func word(_ field: Int, default missing: Int = 0) throws(Refusal) -> Int {
        try read(missing) { table throws(ImportError) in
            Int(try buffer.number(table, field, default: Int32(missing)))
        }
    }

    func byte(_ field: Int) throws(Refusal) -> Int {
        try read(0) { table throws(ImportError) in Int(try buffer.number(table, field, default: Int8(0))) }
    }

    func flag(_ field: Int) throws(Refusal) -> Bool { try byte(field) != 0 }

    func float(_ field: Int, default missing: Float = 0) throws(Refusal) -> Float {
        try read(missing) { table throws(ImportError) in try buffer.float(table, field, default: missing) }
    }

    func words(_ field: Int) throws(Refusal) -> [Int] {
        var buffer = buffer
        return try read([]) { table throws(ImportError) in try buffer.numbers(table, field, Int32.self) }
    }

    private func read<Result>(
        _ missing: Result,
        _ body: (FlatBuffer.Table) throws(ImportError) -> Result
    ) throws(Refusal) -> Result {
        guard let table else { return missing }
        do throws(ImportError) { return try body(table) } catch { throw .fatal(error) }
    }
}

/// One operator of a TFLite file with what it reads.
struct TFLiteOperands {
    let inputs: [Value?]
    let options: TFLiteOptions

    /// What the operator writes.
    func results(
        _ kind: String,
        _ builder: inout GraphBuilder,
        outputShapes: [[Int]]
    ) throws(Refusal) -> [Value?] {
        if let folded = try folded(kind, &builder) { return [folded] }
        switch kind {
        case "CONV_2D": return [try convolution(&builder)]
        case "DEPTHWISE_CONV_2D": return [try depthwise(&builder)]
        case "TRANSPOSE_CONV": return [try transposedConvolution(&builder, outputShapes.first ?? [])]
        case "FULLY_CONNECTED": return [try fullyConnected(&builder)]
        case "AVERAGE_POOL_2D", "MAX_POOL_2D": return [try pool(&builder, isMax: kind == "MAX_POOL_2D")]
        case "ADD", "SUB", "MUL", "DIV": return [try arithmetic(kind, &builder)]
        case "RESHAPE": return [try reshape(&builder, outputShapes.first ?? [])]
        case "SOFTMAX": return [try softmax(&builder)]
        case "QUANTIZE", "DEQUANTIZE": return [try real(0, &builder)]
        case "MEAN": return [try mean(&builder)]
        case "SQUEEZE": return [try squeeze(&builder)]
        case "EXPAND_DIMS": return [try expand(&builder)]
        case "PAD", "PADV2": return [try pad(&builder)]
        case "MIRROR_PAD": return [try mirror(&builder)]
        case "CONCATENATION": return [try concatenate(&builder)]
        case "PACK": return [try pack(&builder)]
        case "TRANSPOSE": return [try builder.transpose(value(0), integers(1))]
        case "LOGISTIC": return [try builder.function(.sigmoid, computed(0))]
        case "TANH": return [try builder.function(.tanh, computed(0))]
        case "HARD_SWISH": return [try builder.function(.hardSwish, computed(0))]
        case "LEAKY_RELU": return [try builder.function(.leakyRelu(slope: options.float(0)), computed(0))]
        case "RELU": return [try builder.clip(computed(0), low: 0, high: nil)]
        case "RELU6": return [try builder.clip(computed(0), low: 0, high: 6)]
        case "RELU_N1_TO_1": return [try builder.clip(computed(0), low: -1, high: 1)]
        case "MAXIMUM", "MINIMUM": return [try limit(&builder, isLow: kind == "MAXIMUM")]
        case "NEG": return [try builder.negative(computed(0))]
        case "GELU": return [try builder.function(options.flag(0) ? .tanhGelu : .gelu, computed(0))]
        case "POW": return [try power(&builder)]
        case "SQUARED_DIFFERENCE":
            let difference = try builder.arithmetic(.subtract, real(0, &builder), real(1, &builder))
            return [try builder.arithmetic(.multiply, difference, difference)]
        case "PRELU": return [try builder.parametricRelu(computed(0), slope: constant(1, &builder))]
        case "L2_NORMALIZATION":
            let input = try computed(0)
            return [try builder.normalize(.l2, input, axis: self.axis(-1, rank: input.shape.count))]
        case "SUM": return [try reduced(&builder, isSum: true)]
        case "REDUCE_MAX": return [try reduced(&builder, isSum: false)]
        case "TILE": return [try builder.tile(computed(0), integers(1))]
        case "DEPTH_TO_SPACE", "SPACE_TO_DEPTH":
            let (input, size) = (try plane(), try options.word(0))
            return [
                kind == "SPACE_TO_DEPTH"
                    ? try builder.gatherBlocks(input, channel: 3, spatial: [1, 2], size: size)
                    : try builder.spread(input, channel: 3, spatial: [1, 2], size: size, isSpaceFirst: true)
            ]
        case "SPACE_TO_BATCH_ND": return [try spaced()]
        case "BATCH_TO_SPACE_ND": return [try joined(&builder)]
        case "UNPACK": return try unpack(&builder)
        case "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR":
            return [try resize(&builder, isBilinear: kind == "RESIZE_BILINEAR")]
        case "GATHER": return [try gather(&builder)]
        case "STRIDED_SLICE": return [try stridedSlice(&builder)]
        case "SLICE": return [try slice(&builder)]
        case "SPLIT": return try split(&builder, sizes: nil)
        case "SPLIT_V": return try split(&builder, sizes: integers(1))
        case "SHAPE":
            let shape = try value(0).shape
            // The type of the result is 64 bits wide only where the options say so.
            let type: ElementType = try options.byte(0) == 4 ? .int64 : .int32
            return [Value(SourceTensor(shape: [shape.count], integers: shape, type: type))]
        case "CAST": return [try cast()]
        case "ARG_MAX": return [try argMax(&builder)]
        default:
            if let function = TFLiteOperands.functions[kind] { return [try builder.function(function, computed(0))] }
            throw .unsupported("this operator")
        }
    }

    // MARK: Operands

    private func value(_ index: Int) throws(Refusal) -> Value {
        guard inputs.indices.contains(index), let value = inputs[index] else {
            throw .damaged("operand \(index) is missing")
        }
        return value
    }

    func computed(_ index: Int) throws(Refusal) -> Value {
        let value = try value(index)
        guard value.constant == nil else { throw .unsupported("its operand is a constant") }
        return value
    }

    private func hasOperand(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

    /// The integers of a constant operand.
    func integers(_ index: Int) throws(Refusal) -> [Int] {
        guard let constant = try value(index).constant, !constant.tensor.type.isFloat else {
            throw .unsupported("its operand \(index) is computed")
        }
        guard constant.tensor.elementCount <= ImportLimits.itemsMax else {
            throw .damaged("operand \(index) is too long")
        }
        return constant.tensor.integers
    }

    /// The real numbers of a constant operand, with the integers that they come from.
    func constant(_ index: Int, _ builder: inout GraphBuilder) throws(Refusal) -> Constant {
        guard let constant = try real(index, &builder).constant else {
            throw .unsupported("its operand \(index) is computed")
        }
        return constant
    }

    /// An operand whose integers, if it is a constant with an encoding, are real numbers.
    func real(_ index: Int, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let value = try value(index)
        guard let constant = value.constant, let encoding = value.encoding, constant.source == nil else { return value }
        try builder.spend(constant.tensor.elementCount)
        var dequantized = Constant(constant.tensor, dequantizedBy: encoding)
        dequantized.origin = constant.origin
        var result = Value(dequantized)
        result.encoding = encoding
        return result
    }

    func axis(_ axis: Int, rank: Int) throws(Refusal) -> Int {
        let axis = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(axis) else { throw .damaged("there is no dimension \(axis)") }
        return axis
    }

    /// What the graph fuses, and what is left to do.
    private func activation(_ field: Int) throws(Refusal) -> (fused: Activation, rest: Function?) {
        switch try options.byte(field) {
        case 0: (.none, nil)
        case 1: (.relu, nil)
        case 2: (.none, .clip(low: -1, high: 1))
        case 3: (.relu6, nil)
        case 4: (.none, .tanh)
        default: throw .unsupported("its activation \(try options.byte(field))")
        }
    }

    private func finish(_ value: Value, _ rest: Function?, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        guard let rest else { return value }
        var result = try builder.function(rest, value)
        result.spacing = value.spacing
        return result
    }

    private func plane() throws(Refusal) -> Value {
        let value = try computed(0)
        guard value.shape.count == 4 else { throw .damaged("shape \(value.shape) has no height and width") }
        return value
    }

    // MARK: Convolutions and pools

    private func windows(_ value: Value, size: [Int], stride: [Int], dilation: [Int]) throws(Refusal) -> Windows {
        var windows = Windows(size: size, stride: stride, dilation: dilation, before: [0, 0], after: [0, 0])
        if let spacing = value.spacing {
            guard !spacing.isRead, stride == [1, 1], dilation == [1, 1], try options.byte(0) == 1 else {
                throw .unsupported("a batch that is no convolution with dilation")
            }
            windows.dilation = spacing.block
            (windows.before, windows.after) = (spacing.before, spacing.after)
            try windows.check()
            return windows
        }
        try windows.check()
        if try options.byte(0) == 0 {
            for index in 0..<2 {
                let extent = value.shape[1 + index]
                let count = (extent + stride[index] - 1) / stride[index]
                let room = max(0, (count - 1) * stride[index] + (size[index] - 1) * dilation[index] + 1 - extent)
                windows.before[index] = room / 2
                windows.after[index] = room - room / 2
            }
        }
        return windows
    }

    private func bias(_ index: Int, _ builder: inout GraphBuilder) throws(Refusal) -> Constant? {
        hasOperand(index) ? try constant(index, &builder) : nil
    }

    private func convolution(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try plane()
        let weights = try constant(1, &builder)
        let shape = weights.tensor.shape
        guard shape.count == 4, shape[3] > 0, input.shape[3] % shape[3] == 0 else {
            throw .damaged("weights of shape \(shape) for \(input.shape)")
        }
        let (fused, rest) = try activation(3)
        let result = try builder.convolve(
            input,
            channel: 3,
            spatial: [1, 2],
            weights: weights,
            bias: bias(2, &builder),
            windows(
                input,
                size: [shape[1], shape[2]],
                stride: [options.word(2), options.word(1)],
                dilation: [options.word(5, default: 1), options.word(4, default: 1)]
            ),
            groups: input.shape[3] / shape[3],
            activation: fused
        )
        return try finish(spacing(result, as: input), rest, &builder)
    }

    /// Of a plane with gaps the sums have them too.
    private func spacing(_ result: Value, as input: Value) -> Value {
        var result = result
        result.spacing = input.spacing
        result.spacing?.isRead = true
        return result
    }

    private func depthwise(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try plane()
        let weights = try constant(1, &builder)
        let shape = weights.tensor.shape
        guard shape.count == 4, shape[0] == 1, shape[3] % input.shape[3] == 0 else {
            throw .damaged("weights of shape \(shape) for \(input.shape)")
        }
        let (fused, rest) = try activation(4)
        let result = try builder.convolve(
            input,
            channel: 3,
            spatial: [1, 2],
            weights: weights.transposed([3, 1, 2, 0]),
            bias: bias(2, &builder),
            windows(
                input,
                size: [shape[1], shape[2]],
                stride: [options.word(2), options.word(1)],
                dilation: [options.word(6, default: 1), options.word(5, default: 1)]
            ),
            groups: input.shape[3],
            activation: fused
        )
        return try finish(spacing(result, as: input), rest, &builder)
    }

    private func transposedConvolution(_ builder: inout GraphBuilder, _ outputShape: [Int]) throws(Refusal) -> Value {
        guard inputs.indices.contains(2), let input = inputs[2], input.constant == nil, input.shape.count == 4 else {
            throw .damaged("its operand is no plane")
        }
        let weights = try constant(1, &builder)
        let shape = weights.tensor.shape
        let target = try value(0).constant == nil ? outputShape : integers(0)
        guard shape.count == 4, shape[3] == input.shape[3], target.count == 4, weights.tensor.elementCount > 0 else {
            throw .damaged("weights of shape \(shape) for \(input.shape), a result of \(target)")
        }
        var windows = Windows(
            size: [shape[1], shape[2]],
            stride: [try options.word(2), try options.word(1)],
            dilation: [1, 1],
            before: [0, 0],
            after: [0, 0]
        )
        try windows.check()
        let size = [target[1], target[2]]
        guard size.allSatisfy((1...Graph.attributeMax).contains) else { throw .damaged("a result of \(target)") }
        if try options.byte(0) == 0 {
            for index in 0..<2 {
                let whole = (input.shape[1 + index] - 1) * windows.stride[index] + windows.size[index]
                windows.before[index] = max(0, whole - size[index]) / 2
            }
        }
        let (fused, rest) = try activation(3)
        let result = try builder.convolveTransposed(
            input,
            channel: 3,
            spatial: [1, 2],
            weights: weights.reversed([1, 2]),
            bias: bias(3, &builder),
            windows,
            size: size,
            groups: 1,
            activation: fused
        )
        return try finish(result, rest, &builder)
    }

    private func fullyConnected(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try computed(0)
        guard try options.byte(1) == 0 else { throw .unsupported("weights in another order") }
        let weights = try constant(1, &builder)
        let shape = weights.tensor.shape
        guard shape.count == 2, shape[1] > 0, input.elementCount % shape[1] == 0 else {
            throw .damaged("weights of shape \(shape) for \(input.shape)")
        }
        let keeps = try options.flag(2)
        let rows = input.elementCount / shape[1]
        let flat = keeps ? input : try builder.reshape(input, [rows, shape[1]])
        let (fused, rest) = try activation(0)
        let result = try builder.multiply(flat, rows: weights, bias: bias(2, &builder), activation: fused)
        return try finish(result, rest, &builder)
    }

    private func pool(_ builder: inout GraphBuilder, isMax: Bool) throws(Refusal) -> Value {
        let input = try plane()
        let windows = try windows(
            input,
            size: [options.word(4), options.word(3)],
            stride: [options.word(2), options.word(1)],
            dilation: [1, 1]
        )
        let (fused, rest) = try activation(5)
        var result =
            isMax
            ? try builder.maxPool(input, channel: 3, spatial: [1, 2], windows)
            : try builder.averagePool(
                input,
                channel: 3,
                spatial: [1, 2],
                windows,
                countsPadding: false,
                extra: [0, 0]
            )
        if fused != .none { result = try builder.clip(result, low: 0, high: fused == .relu6 ? 6 : nil) }
        return try finish(result, rest, &builder)
    }

    private func resize(_ builder: inout GraphBuilder, isBilinear: Bool) throws(Refusal) -> Value {
        let input = try plane()
        let size = try integers(1)
        guard size.count == 2, size.allSatisfy((1...Graph.attributeMax).contains) else {
            throw .damaged("size \(size)")
        }
        let (corners, half) = (try options.flag(isBilinear ? 2 : 0), try options.flag(isBilinear ? 3 : 1))
        let coordinates: Resize.Coordinates =
            corners ? .alignCorners : !half ? .asymmetric : isBilinear ? .halfPixel : .halfPixelUnshifted
        let resize = Resize(
            isBilinear ? .bilinear : .nearest,
            size: Extent(height: size[0], width: size[1]),
            coordinates: coordinates,
            rounding: corners ? .preferCeil : .floor
        )
        return try builder.resize(input, channel: 3, spatial: [1, 2], resize)
    }

    // MARK: Elements

    private func arithmetic(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let kinds: [String: Arithmetic.Kind] = ["ADD": .add, "SUB": .subtract, "MUL": .multiply, "DIV": .divide]
        let (first, second) = (try real(0, &builder), try real(1, &builder))
        guard first.constant == nil || second.constant == nil else { throw .unsupported("both operands are constants") }
        let (fused, rest) = try activation(0)
        let result = try builder.arithmetic(kinds[kind] ?? .add, first, second, activation: fused)
        return try finish(result, rest, &builder)
    }

    private func softmax(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var input = try computed(0)
        let beta = try options.float(0, default: 1)
        if beta != 1 {
            input = try builder.arithmetic(.multiply, input, Value(SourceTensor(shape: [], floats: [beta])))
        }
        guard !input.shape.isEmpty else { throw .damaged("it has no dimension") }
        return try builder.softmax(input, axis: input.shape.count - 1)
    }

    private func limit(_ builder: inout GraphBuilder, isLow: Bool) throws(Refusal) -> Value {
        let (first, second) = (try real(0, &builder), try real(1, &builder))
        guard first.constant == nil || second.constant == nil else { throw .unsupported("both operands are constants") }
        guard let number = (first.constant ?? second.constant)?.tensor, number.elementCount == 1 else {
            return try builder.arithmetic(isLow ? .maximum : .minimum, first, second)
        }
        let value = first.constant == nil ? first : second
        let limit = number.floats[0]
        return try builder.clip(value, low: isLow ? limit : nil, high: isLow ? nil : limit)
    }

    private func cast() throws(Refusal) -> Value {
        let value = try value(0)
        guard value.constant == nil || !value.type.isFloat else { return value }
        guard value.encoding == nil else { throw .unsupported("a cast of integers that stand for real numbers") }
        return value
    }

    private func mean(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try computed(0)
        return try builder.mean(input, axes: axes(1, rank: input.shape.count), keepsDimensions: options.flag(0))
    }

    private func reduced(_ builder: inout GraphBuilder, isSum: Bool) throws(Refusal) -> Value {
        let input = try computed(0)
        let (axes, keeps) = (try axes(1, rank: input.shape.count), try options.flag(0))
        return isSum
            ? try builder.sum(input, axes: axes, keepsDimensions: keeps)
            : try builder.maximum(input, axes: axes, keepsDimensions: keeps)
    }

    /// The dimensions that a constant operand names; each once, though a file may repeat them.
    private func axes(_ index: Int, rank: Int) throws(Refusal) -> [Int] {
        var axes: [Int] = []
        for axis in try integers(index) {
            let axis = try self.axis(axis, rank: rank)
            if !axes.contains(axis) { axes.append(axis) }
        }
        return axes
    }

    /// Integers that are computed from shapes.
    private func folded(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value? {
        let constants = inputs.compactMap { $0?.constant?.tensor }
        guard constants.count == inputs.count, let first = constants.first, !first.type.isFloat else { return nil }
        switch kind {
        case "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM":
            guard constants.count == 2, inputs.allSatisfy({ $0?.encoding == nil }), constants[1].type == first.type,
                let shape = Arithmetic.shape(first.shape, constants[1].shape)
            else { return nil }
            try builder.spend(SourceTensor.elementCount(shape))
            let pairs = zip(first.broadcast(to: shape).integers, constants[1].broadcast(to: shape).integers)
            let integers = pairs.map { a, b in
                switch kind {
                case "ADD": a &+ b
                case "SUB": a &- b
                case "MUL": a &* b
                case "MAXIMUM": max(a, b)
                default: min(a, b)
                }
            }
            return Value(SourceTensor(shape: shape, integers: integers, type: first.type))
        case "REDUCE_PROD":
            guard first.shape.count == 1 else { return nil }
            let product = first.integers.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            let shape = try options.flag(0) ? [1] : []
            return Value(SourceTensor(shape: shape, integers: [product], type: first.type))
        case "CONCATENATION":
            let axis = try self.axis(options.word(0), rank: first.shape.count)
            return try concatenated(constants, axis: axis, &builder)
        default: return nil
        }
    }

    private func concatenated(
        _ tensors: [SourceTensor],
        axis: Int,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        for tensor in tensors {
            var shape = tensor.shape
            guard shape.indices.contains(axis) else { throw .damaged("\(shape) has no dimension \(axis)") }
            shape[axis] = tensors[0].shape[axis]
            guard shape == tensors[0].shape, tensor.type == tensors[0].type else {
                throw .damaged("operands of different types or shapes")
            }
        }
        try builder.spend(tensors.reduce(0) { $0 + $1.elementCount })
        return Value(SourceTensor.concatenated(tensors, axis: axis))
    }

    // MARK: Batches of places

    /// Says that a plane is read with gaps: TensorFlow writes a convolution with dilation as one over a batch of planes,
    /// each of which has every n-th place.
    private func spaced() throws(Refusal) -> Value {
        let input = try plane()
        let (block, paddings) = (try integers(1), try integers(2))
        guard input.spacing == nil, block.count == 2, block.allSatisfy((1...1 << 10).contains), paddings.count == 4,
            paddings.allSatisfy((0...Graph.attributeMax).contains)
        else { throw .damaged("blocks \(block.prefix(4)), paddings \(paddings.prefix(8))") }
        var result = input
        result.spacing = Value.Spacing(
            block: block,
            before: [paddings[0], paddings[2]],
            after: [paddings[1], paddings[3]],
            isRead: false
        )
        return result
    }

    private func joined(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var input = try computed(0)
        let (block, crops) = (try integers(1), try integers(2))
        guard let spacing = input.spacing, spacing.isRead, spacing.block == block, crops.count == 4,
            crops.allSatisfy((0...Graph.attributeMax).contains)
        else { throw .unsupported("a batch that is no convolution with dilation") }
        input.spacing = nil
        let counts = [input.shape[0], input.shape[1] - crops[0] - crops[1], input.shape[2] - crops[2] - crops[3]]
        guard counts.allSatisfy({ $0 > 0 }) else { throw .damaged("crops \(crops) of \(input.shape)") }
        return try builder.slice(
            input,
            begin: [0, crops[0], crops[2], 0],
            counts: counts + [input.shape[3]],
            stride: [1, 1, 1, 1]
        )
    }

    private func argMax(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try computed(0)
        let axis = try integers(1).first ?? -1
        return try builder.argMax(
            input,
            axis: self.axis(axis, rank: input.shape.count),
            keepsDimensions: false,
            takesLast: false
        )
    }

    // MARK: Order and shape

    private func reshape(_ builder: inout GraphBuilder, _ outputShape: [Int]) throws(Refusal) -> Value {
        let input = try value(0)
        var shape: [Int]
        if hasOperand(1), try value(1).constant != nil {
            shape = try integers(1)
        } else {
            shape = try options.words(0)
            // Files of old, and shapes that are computed: what the file says of the result.
            if shape.isEmpty { shape = outputShape.enumerated().map { $1 <= 0 && $0 == 0 ? -1 : $1 } }
        }
        try complete(&shape, count: input.elementCount)
        return try builder.reshape(input, shape)
    }

    /// Puts the number in that one -1 stands for.
    private func complete(_ shape: inout [Int], count: Int) throws(Refusal) {
        guard shape.count <= ImportLimits.rankMax else { throw .damaged("shape \(shape)") }
        guard let place = shape.firstIndex(of: -1) else { return }
        let others = shape.indices.filter { $0 != place }.map { shape[$0] }
        guard let rest = SourceTensor.elementCount(others), rest > 0, count % rest == 0 else {
            throw .damaged("\(count) elements do not fill \(shape)")
        }
        shape[place] = count / rest
    }

    private func squeeze(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        var axes: [Int] = []
        for axis in try options.words(0) { axes.append(try self.axis(axis, rank: input.shape.count)) }
        if axes.isEmpty { axes = input.shape.indices.filter { input.shape[$0] == 1 } }
        guard axes.allSatisfy({ input.shape[$0] == 1 }) else { throw .damaged("\(input.shape) without \(axes)") }
        return try builder.squeeze(input, axes)
    }

    private func expand(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let axis = try self.axis(integers(1).first ?? 0, rank: input.shape.count + 1)
        var shape = input.shape
        shape.insert(1, at: axis)
        return try builder.reshape(input, shape)
    }

    private func paddings(_ value: Value) throws(Refusal) -> (before: [Int], after: [Int]) {
        let numbers = try integers(1)
        guard numbers.count == 2 * value.shape.count, numbers.allSatisfy((0...Graph.attributeMax).contains) else {
            throw .damaged("paddings \(numbers.prefix(16)) for shape \(value.shape)")
        }
        return (
            stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] },
            stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
        )
    }

    private func pad(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try computed(0)
        let (before, after) = try paddings(input)
        let number = hasOperand(2) ? try constant(2, &builder).tensor.floats.first ?? 0 : 0
        return try builder.pad(input, before: before, after: after, with: number)
    }

    private func mirror(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var result = try computed(0)
        let (before, after) = try paddings(result)
        let skip = try options.byte(0) == 0 ? 1 : 0
        for axis in result.shape.indices where before[axis] + after[axis] > 0 {
            let extent = result.shape[axis]
            guard before[axis] <= extent - skip, after[axis] <= extent - skip else {
                throw .damaged("too much padding")
            }
            let indices =
                (0..<before[axis]).map { before[axis] - 1 - $0 + skip } + Array(0..<extent)
                + (0..<after[axis]).map { extent - 1 - skip - $0 }
            result = try builder.pick(result, indices, axis: axis)
        }
        return result
    }

    private func concatenate(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var values: [Value] = []
        for index in inputs.indices { values.append(try real(index, &builder)) }
        guard let first = values.first else { throw .damaged("nothing to put together") }
        let axis = try self.axis(options.word(0), rank: first.shape.count)
        let (fused, rest) = try activation(1)
        var result = try builder.concatenate(values, axis: axis)
        if fused != .none { result = try builder.clip(result, low: 0, high: fused == .relu6 ? 6 : nil) }
        return try finish(result, rest, &builder)
    }

    private func pack(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var values: [Value] = []
        for index in inputs.indices {
            var value = try value(index)
            let axis = try self.axis(options.word(1), rank: value.shape.count + 1)
            var shape = value.shape
            shape.insert(1, at: axis)
            value = try builder.reshape(value, shape)
            values.append(value)
        }
        guard let first = values.first else { throw .damaged("nothing to put together") }
        let axis = try self.axis(options.word(1), rank: first.shape.count)
        let constants = values.compactMap(\.constant?.tensor)
        if constants.count == values.count { return try concatenated(constants, axis: axis, &builder) }
        return try builder.concatenate(values, axis: axis)
    }

    private func unpack(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let input = try value(0)
        let axis = try self.axis(options.word(1), rank: input.shape.count)
        let count = try options.word(0)
        guard count == input.shape[axis] else { throw .damaged("\(count) parts of \(input.shape)") }
        var results: [Value?] = []
        for part in try builder.split(input, [Int](repeating: 1, count: count), axis: axis) {
            if let part { results.append(try builder.squeeze(part, [axis])) }
        }
        return results
    }

    private func gather(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let (table, indices) = (try value(0), try value(1))
        let axis = try self.axis(options.word(0), rank: table.shape.count)
        guard try options.word(1) == 0 else { throw .unsupported("batch_dims") }
        guard indices.constant == nil else {
            let numbers = try integers(1)
            let picked = try builder.pick(table, numbers, axis: axis)
            return try builder.reshape(picked, table.shape[..<axis] + indices.shape + table.shape[(axis + 1)...])
        }
        guard axis == 0, table.constant != nil else { throw .unsupported("indices that are computed") }
        return try builder.lookUp(constant(0, &builder), indices)
    }

    private func stridedSlice(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let (begins, ends, strides) = (try integers(1), try integers(2), try integers(3))
        let rank = input.shape.count
        guard begins.count <= rank, ends.count == begins.count, strides.count == begins.count else {
            throw .damaged("\(begins.count) numbers for \(rank) dimensions")
        }
        guard try options.word(2) == 0, try options.word(3) == 0 else { throw .unsupported("ellipsis or new axis") }
        let (beginMask, endMask, shrinkMask) = (try options.word(0), try options.word(1), try options.word(4))
        var (begin, counts, stride) = ([Int](repeating: 0, count: rank), input.shape, [Int](repeating: 1, count: rank))
        var shrunk: [Int] = []
        for axis in begins.indices {
            let extent = input.shape[axis]
            if shrinkMask & (1 << axis) != 0 {
                begin[axis] = begins[axis] < 0 ? begins[axis] + extent : begins[axis]
                counts[axis] = 1
                shrunk.append(axis)
                guard (0..<extent).contains(begin[axis]) else { throw .damaged("element \(begins[axis]) of \(extent)") }
                continue
            }
            let range = try SliceRange(
                start: beginMask & (1 << axis) != 0 ? nil : begins[axis],
                end: endMask & (1 << axis) != 0 ? nil : ends[axis],
                step: strides[axis],
                extent: extent
            )
            (begin[axis], counts[axis], stride[axis]) = (range.begin, range.count, strides[axis])
        }
        let result = try builder.slice(input, begin: begin, counts: counts, stride: stride)
        return shrunk.isEmpty ? result : try builder.squeeze(result, shrunk)
    }

    private func slice(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let (begin, sizes) = (try integers(1), try integers(2))
        guard begin.count == input.shape.count, sizes.count == begin.count else { throw .damaged("begin and size") }
        var counts = sizes
        for axis in begin.indices {
            guard (0...input.shape[axis]).contains(begin[axis]) else { throw .damaged("it begins outside") }
            if sizes[axis] == -1 { counts[axis] = input.shape[axis] - begin[axis] }
            guard (0...input.shape[axis] - begin[axis]).contains(counts[axis]) else {
                throw .damaged("it ends outside")
            }
        }
        return try builder.slice(input, begin: begin, counts: counts, stride: counts.map { _ in 1 })
    }

    private func split(_ builder: inout GraphBuilder, sizes: [Int]?) throws(Refusal) -> [Value?] {
        let input = try value(sizes == nil ? 1 : 0)
        let axis = try self.axis(integers(sizes == nil ? 0 : 2).first ?? 0, rank: input.shape.count)
        let count = sizes == nil ? try options.word(0) : sizes?.count ?? 0
        let extent = input.shape[axis]
        guard (1...ImportLimits.itemsMax).contains(count) else { throw .damaged("\(count) parts") }
        var parts = sizes ?? [Int](repeating: extent / count, count: count)
        if let place = parts.firstIndex(of: -1) {
            let others = parts.indices.filter { $0 != place }.map { parts[$0] }
            guard others.allSatisfy((0...extent).contains), others.reduce(0, +) <= extent else {
                throw .damaged("parts \(parts.prefix(16))")
            }
            parts[place] = extent - others.reduce(0, +)
        }
        return try builder.split(input, parts, axis: axis)
    }
}
