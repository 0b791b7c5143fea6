import ModelGraph

/// Convolutions, pools and products of matrices.
extension ONNXOperands {
    /// How a window moves over spatial dimensions of these sizes.
    func windows(over extents: [Int], size: [Int]) throws(Refusal) -> Windows {
        let rank = extents.count
        let ones = [Int](repeating: 1, count: rank)
        var windows = Windows(
            size: size,
            stride: node.integers("strides") ?? ones,
            dilation: node.integers("dilations") ?? ones,
            before: ones.map { _ in 0 },
            after: ones.map { _ in 0 }
        )
        guard size.count == rank, windows.stride.count == rank, windows.dilation.count == rank else {
            throw .damaged("a window of \(size.count) dimensions over \(rank)")
        }
        switch node.text("auto_pad", "NOTSET") {
        case "NOTSET":
            let pads = node.integers("pads") ?? [Int](repeating: 0, count: 2 * rank)
            guard pads.count == 2 * rank else { throw .damaged("pads \(pads.prefix(16)) for \(rank) dimensions") }
            windows.before = Array(pads[..<rank])
            windows.after = Array(pads[rank...])
            try windows.check()
        case "VALID": try windows.check()
        case "SAME_UPPER", "SAME_LOWER":
            try windows.check()
            for index in 0..<rank {
                let count = (extents[index] + windows.stride[index] - 1) / windows.stride[index]
                let span = (size[index] - 1) * windows.dilation[index] + 1
                let room = max(0, (count - 1) * windows.stride[index] + span - extents[index])
                let less = room / 2
                let isUpper = node.text("auto_pad", "") == "SAME_UPPER"
                windows.before[index] = isUpper ? less : room - less
                windows.after[index] = room - windows.before[index]
            }
        default: throw .damaged("auto_pad \(node.text("auto_pad", ""))")
        }
        return windows
    }

    /// - Parameters:
    ///   - weights: `[outputs, channels / groups, size...]`, as ONNX has them.
    ///   - bias: `[outputs]`
    func convolution(
        _ input: Value,
        _ weights: Constant,
        _ bias: Constant?,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        let rank = input.shape.count
        let shape = weights.tensor.shape
        guard rank > 2, shape.count == rank else { throw .damaged("weights of shape \(shape) for \(input.shape)") }
        let groups = node.integer("group", 1)
        guard (1...Graph.attributeMax).contains(groups), input.shape[1] == shape[1] * groups, shape[0] % groups == 0
        else {
            throw .damaged("weights of shape \(shape) in \(groups) groups for \(input.shape)")
        }
        if let bias, bias.tensor.shape != [shape[0]] { throw .damaged("a bias of shape \(bias.tensor.shape)") }
        return try builder.convolve(
            input,
            channel: 1,
            spatial: Array(2..<rank),
            weights: weights.transposed([0] + Array(2..<rank) + [1]),
            bias: bias,
            windows(over: Array(input.shape[2...]), size: Array(shape[2...])),
            groups: groups
        )
    }

    func convolutionTransposed(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var (input, weights) = (try value(0), try real(1))
        let groups = node.integer("group", 1)
        // Over one dimension: a plane of one column.
        let isLine = input.shape.count == 3 && weights.tensor.shape.count == 3
        if isLine {
            input = try builder.reshape(input, input.shape + [1])
            weights = weights.reshaped(weights.tensor.shape + [1])
        }
        let shape = weights.tensor.shape
        func pair(_ name: String, _ missing: Int) -> [Int] {
            guard let numbers = node.integers(name) else { return [missing, missing] }
            return isLine ? numbers + [missing] : numbers
        }
        guard input.shape.count == 4 else { throw .unsupported("a transposed convolution of \(input.shape)") }
        guard shape.count == 4, (1...Graph.attributeMax).contains(groups), input.shape[1] == shape[0],
            shape[0] % groups == 0, weights.tensor.elementCount > 0
        else { throw .damaged("weights of shape \(shape) in \(groups) groups for \(input.shape)") }
        let (inputs, outputs) = (shape[0] / groups, shape[1])
        let bias = try bias(2)
        if let bias, bias.tensor.shape != [groups * outputs] { throw .damaged("a bias of \(bias.tensor.shape)") }
        let extra = pair("output_padding", 0)
        var windows = Windows(
            size: Array(shape[2...]),
            stride: pair("strides", 1),
            dilation: pair("dilations", 1),
            before: [0, 0],
            after: [0, 0]
        )
        guard windows.stride.count == 2, windows.dilation.count == 2, extra.count == 2,
            extra.allSatisfy((0...Graph.attributeMax).contains)
        else { throw .damaged("a window that is no plane") }
        try windows.check()
        var size = [0, 0]
        for index in 0..<2 {
            let span = (windows.size[index] - 1) * windows.dilation[index] + 1
            size[index] = (input.shape[2 + index] - 1) * windows.stride[index] + extra[index] + span
        }
        let pad = node.text("auto_pad", "NOTSET")
        var wanted = node.has("output_shape") ? pair("output_shape", 1) : nil
        if wanted == nil, pad.hasPrefix("SAME") {
            wanted = [0, 1].map { input.shape[2 + $0] * windows.stride[$0] }
        }
        if let wanted {
            guard wanted.count >= 2 else { throw .damaged("output_shape \(wanted)") }
            for index in 0..<2 {
                let one = wanted[wanted.count - 2 + index]
                guard (1...Graph.attributeMax).contains(one) else { throw .damaged("output_shape \(wanted)") }
                let total = max(0, size[index] - one)
                windows.before[index] = pad == "SAME_UPPER" ? total / 2 : total - total / 2
                windows.after[index] = total - windows.before[index]
                size[index] = one
            }
        } else if pad == "NOTSET" {
            var pads = node.integers("pads") ?? [0, 0, 0, 0]
            if isLine, pads.count == 2 { pads = [pads[0], 0, pads[1], 0] }
            guard pads.count == 4 else { throw .damaged("pads \(pads.prefix(16))") }
            (windows.before, windows.after) = (Array(pads[..<2]), Array(pads[2...]))
            try windows.check()
            for index in 0..<2 { size[index] -= windows.before[index] + windows.after[index] }
        }
        // [groups * inputs, outputs, ...] to [groups * outputs, ..., inputs].
        let parts = weights.reshaped([groups, inputs, outputs] + shape[2...]).transposed([0, 2, 3, 4, 1])
        let result = try builder.convolveTransposed(
            input,
            channel: 1,
            spatial: [2, 3],
            weights: parts.reshaped([groups * outputs] + shape[2...] + [inputs]).reversed([1, 2]),
            bias: bias,
            windows,
            size: size,
            groups: groups
        )
        return isLine ? try builder.reshape(result, Array(result.shape.dropLast())) : result
    }

    // MARK: Pools

    /// The windows of a pool, and how much of the padding only completes the last one.
    private func pool(over extents: [Int]) throws(Refusal) -> (windows: Windows, extra: [Int]) {
        guard let size = node.integers("kernel_shape") else { throw .damaged("a pool without kernel_shape") }
        var windows = try windows(over: extents, size: size)
        var extra = extents.map { _ in 0 }
        guard node.integer("ceil_mode", 0) != 0 else { return (windows, extra) }
        for index in extents.indices {
            let (stride, before) = (windows.stride[index], windows.before[index])
            let span = (size[index] - 1) * windows.dilation[index] + 1
            let room = extents[index] + before + windows.after[index] - span
            guard room >= 0 else { continue }
            var count = (room + stride - 1) / stride + 1
            // A window that begins in the padding after the input is none.
            if (count - 1) * stride >= extents[index] + before { count -= 1 }
            let after = (count - 1) * stride + span - extents[index] - before
            if after > windows.after[index] {
                extra[index] = after - windows.after[index]
                windows.after[index] = after
            }
        }
        return (windows, extra)
    }

    func maxPool(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        guard !(isRead.count > 1 && isRead[1]) else { throw .unsupported("its indices are read") }
        let input = try value(0)
        guard input.shape.count > 2 else { throw .damaged("shape \(input.shape) has no planes") }
        let (windows, _) = try pool(over: Array(input.shape[2...]))
        var result = try builder.maxPool(input, channel: 1, spatial: Array(2..<input.shape.count), windows)
        result.encoding = input.encoding
        return [try passed(result, input, &builder)]
    }

    func averagePool(
        _ input: Value,
        channelsLast: Bool,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        let rank = input.shape.count
        guard rank > 2 else { throw .damaged("shape \(input.shape) has no planes") }
        let spatial = channelsLast ? Array(1..<rank - 1) : Array(2..<rank)
        let (windows, extra) = try pool(over: spatial.map { input.shape[$0] })
        return try builder.averagePool(
            input,
            channel: channelsLast ? rank - 1 : 1,
            spatial: spatial,
            windows,
            countsPadding: node.integer("count_include_pad", 0) != 0,
            extra: extra
        )
    }

    func globalAverage(
        _ input: Value,
        channelsLast: Bool,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        let rank = input.shape.count
        guard rank > 2 else { throw .damaged("shape \(input.shape) has no planes") }
        let axes = channelsLast ? Array(1..<rank - 1) : Array(2..<rank)
        return try builder.mean(input, axes: axes, keepsDimensions: true)
    }

    func globalMax(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        guard input.shape.count > 2 else { throw .damaged("shape \(input.shape) has no planes") }
        let size = Array(input.shape[2...])
        let ones = size.map { _ in 1 }
        let windows = Windows(
            size: size,
            stride: ones,
            dilation: ones,
            before: size.map { _ in 0 },
            after: size.map { _ in 0 }
        )
        return try builder.maxPool(input, channel: 1, spatial: Array(2..<input.shape.count), windows)
    }

    // MARK: Products

    func gemm(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        try gemm(
            value(0),
            value(1),
            has(2) ? value(2) : nil,
            alpha: node.float("alpha", 1),
            beta: node.float("beta", 1),
            &builder
        )
    }

    /// `alpha * a * b + beta * c`, with `a` or `b` transposed where the node says so.
    func gemm(
        _ a: Value,
        _ b: Value,
        _ c: Value?,
        alpha: Float,
        beta: Float,
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> Value {
        guard a.shape.count == 2, b.shape.count == 2 else { throw .damaged("\(a.shape) times \(b.shape)") }
        let left = node.integer("transA", 0) != 0 ? try builder.transpose(a, [1, 0]) : a
        guard var weights = b.constant else { throw .unsupported("both factors are computed") }
        // As rows, one for each output.
        if node.integer("transB", 0) == 0 { weights = weights.transposed([1, 0]) }
        if alpha != 1 {
            weights = Constant(
                tensor: SourceTensor(shape: weights.tensor.shape, floats: weights.tensor.floats.map { $0 * alpha })
            )
        }
        let outputs = weights.tensor.shape[0]
        let shape = [left.shape[0], outputs]
        guard let c else { return try builder.multiply(left, rows: weights, bias: nil) }
        guard let fit = Arithmetic.shape(c.shape, shape), fit == shape else {
            throw .damaged("an addend of shape \(c.shape)")
        }
        if let constant = c.constant, constant.tensor.shape.last ?? 1 == constant.tensor.elementCount {
            var bias = constant
            if constant.tensor.elementCount == outputs {
                bias = constant.reshaped([outputs])
            } else {
                let number = constant.tensor.floats.first ?? 0
                bias = Constant(
                    tensor: SourceTensor(shape: [outputs], floats: [Float](repeating: number, count: outputs))
                )
            }
            if beta != 1 {
                bias = Constant(tensor: SourceTensor(shape: [outputs], floats: bias.tensor.floats.map { $0 * beta }))
            }
            return try builder.multiply(left, rows: weights, bias: bias)
        }
        let product = try builder.multiply(left, rows: weights, bias: nil)
        let factor = Value(SourceTensor(shape: [], floats: [beta]))
        if let constant = c.constant {
            let floats = constant.tensor.floats.map { $0 * beta }
            return try builder.arithmetic(
                .add,
                product,
                Value(SourceTensor(shape: constant.tensor.shape, floats: floats))
            )
        }
        return try builder.arithmetic(.add, product, beta == 1 ? c : builder.arithmetic(.multiply, c, factor))
    }

    /// A product in the way of NumPy, of which one factor is a constant.
    func product(_ a: Value, _ b: Value, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        guard !a.shape.isEmpty, !b.shape.isEmpty else { throw .damaged("\(a.shape) times \(b.shape)") }
        if let weights = b.constant {
            guard b.shape.count > 1 else {
                // A vector: one output, whose dimension is left out.
                let rows = weights.reshaped([1, b.shape[0]])
                let result = try builder.multiply(a, rows: rows, bias: nil)
                return try builder.reshape(result, Array(a.shape.dropLast()))
            }
            return try builder.multiply(a, weights)
        }
        guard let weights = a.constant, a.shape.count == 2, b.shape.count == 2 else {
            throw .unsupported(a.constant == nil ? "both factors are computed" : "\(a.shape) times \(b.shape)")
        }
        let turned = try builder.multiply(builder.transpose(b, [1, 0]), rows: weights, bias: nil)
        return try builder.transpose(turned, [1, 0])
    }

    /// A result that stands as its operand does: with the same encoding, if that has one.
    func passed(_ result: Value, _ operand: Value, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        guard let encoding = operand.encoding, encoding.axis == nil else {
            var result = result
            result.type = operand.type
            return result
        }
        return try builder.encode(result, encoding)
    }
}
