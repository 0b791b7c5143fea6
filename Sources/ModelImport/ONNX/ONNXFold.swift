import ModelGraph

/// Nodes that read nothing but constants: shapes that are computed, weights that are scaled or reshaped.
struct ONNXFold {
    let operands: ONNXOperands

    /// A constant that would need more multiplications is not computed.
    private static let productsMax = 1 << 30

    private var node: ONNXNode { operands.node }

    /// What the node writes, or nil when it is none of those that are computed here.
    func results(_ builder: inout GraphBuilder) throws(Refusal) -> [Value]? {
        switch node.kind {
        case "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max": return [try elementwise(&builder)]
        case "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or":
            return [try elementwise(&builder)]
        case "Neg", "Abs", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Exp", "Relu", "Sigmoid", "Tanh", "Not":
            return [try function(&builder)]
        case "Where": return [try select(&builder)]
        case "Concat": return [try concatenate(&builder)]
        case "Cast": return [try cast(&builder)]
        case "Expand": return [try expand(&builder)]
        case "Range": return [try range(&builder)]
        case "Size":
            let count = try operands.value(0).elementCount
            return [Value(SourceTensor(shape: [], integers: [count]))]
        case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin": return [try reduce(&builder)]
        case "QuantizeLinear": return [try quantize(&builder)]
        case "MatMul", "Gemm", "Conv", "BatchNormalization", "Softmax", "ReduceMean", "HardSigmoid", "LeakyRelu",
            "Clip":
            return try interpreted(&builder)
        default: return nil
        }
    }

    private func pair(_ builder: inout GraphBuilder) throws(Refusal) -> (SourceTensor, SourceTensor, [Int]) {
        let (first, second) = (try operands.constant(0), try operands.constant(1))
        guard let shape = Arithmetic.shape(first.shape, second.shape) else {
            throw .damaged("shapes \(first.shape) and \(second.shape) do not fit each other")
        }
        try builder.spend(SourceTensor.elementCount(shape))
        return (first.broadcast(to: shape), second.broadcast(to: shape), shape)
    }

    private func elementwise(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        guard operands.inputs.count == 2 else { throw .unsupported("\(operands.inputs.count) operands") }
        let (first, second, shape) = try pair(&builder)
        let kind = node.kind
        if ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or"].contains(kind) {
            let flags = zip(first.floats, second.floats).map { a, b in
                switch kind {
                case "Equal": a == b
                case "Less": a < b
                case "Greater": a > b
                case "LessOrEqual": a <= b
                case "GreaterOrEqual": a >= b
                case "And": a != 0 && b != 0
                default: a != 0 || b != 0
                }
            }
            return Value(SourceTensor(shape: shape, integers: flags.map { $0 ? 1 : 0 }, type: .bool))
        }
        guard first.type.isFloat || second.type.isFloat else {
            var integers: [Int] = []
            for (a, b) in zip(first.integers, second.integers) {
                switch kind {
                case "Add": integers.append(a &+ b)
                case "Sub": integers.append(a &- b)
                case "Mul": integers.append(a &* b)
                case "Min": integers.append(min(a, b))
                case "Max": integers.append(max(a, b))
                case "Div", "Mod":
                    guard b != 0 else { throw .damaged("division by 0") }
                    integers.append(kind == "Div" ? a.dividedReportingOverflow(by: b).partialValue : modulo(a, b))
                default: throw .unsupported("a power of integers")
                }
            }
            return Value(SourceTensor(shape: shape, integers: integers, type: first.type))
        }
        var floats: [Float] = []
        for (a, b) in zip(first.floats, second.floats) {
            switch kind {
            case "Add": floats.append(a + b)
            case "Sub": floats.append(a - b)
            case "Mul": floats.append(a * b)
            case "Div": floats.append(a / b)
            case "Min": floats.append(min(a, b))
            case "Max": floats.append(max(a, b))
            case "Pow" where b == 2: floats.append(a * a)
            case "Pow" where b == 0.5: floats.append(a.squareRoot())
            case "Pow" where b == -0.5: floats.append(1 / a.squareRoot())
            case "Pow" where b == -1: floats.append(1 / a)
            case "Pow" where b == 1: floats.append(a)
            default: throw .unsupported("\(kind) of \(a) and \(b)")
            }
        }
        return Value(SourceTensor(shape: shape, floats: floats))
    }

    /// With the sign of the divisor, as Python has it.
    private func modulo(_ a: Int, _ b: Int) -> Int {
        let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
        return node.integer("fmod", 0) == 0 && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
    }

    private func function(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensor = try operands.constant(0)
        try builder.spend(tensor.elementCount)
        if !tensor.type.isFloat {
            let integers = tensor.integers
            switch node.kind {
            case "Neg":
                return Value(SourceTensor(shape: tensor.shape, integers: integers.map { 0 &- $0 }, type: tensor.type))
            case "Abs":
                return Value(
                    SourceTensor(
                        shape: tensor.shape,
                        integers: integers.map { $0 < 0 ? 0 &- $0 : $0 },
                        type: tensor.type
                    )
                )
            case "Not":
                return Value(SourceTensor(shape: tensor.shape, integers: integers.map { $0 == 0 ? 1 : 0 }, type: .bool))
            case "Relu":
                return Value(
                    SourceTensor(shape: tensor.shape, integers: integers.map { max(0, $0) }, type: tensor.type)
                )
            default: break
            }
        }
        let kind = node.kind
        guard kind != "Exp", kind != "Not" else { throw .unsupported("this operator") }
        let floats = tensor.floats.map { x in
            switch kind {
            case "Neg": -x
            case "Abs": x.magnitude
            case "Sqrt": x.squareRoot()
            case "Reciprocal": 1 / x
            case "Floor": x.rounded(.down)
            case "Ceil": x.rounded(.up)
            case "Round": x.rounded(.toNearestOrEven)
            case "Relu": Function.relu(x)
            case "Sigmoid": Function.sigmoid(x)
            default: Function.tanh(x)
            }
        }
        return Value(SourceTensor(shape: tensor.shape, floats: floats))
    }

    private func select(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let (condition, first, second) = (try operands.constant(0), try operands.constant(1), try operands.constant(2))
        guard let part = Arithmetic.shape(first.shape, second.shape),
            let shape = Arithmetic.shape(part, condition.shape),
            first.type == second.type
        else { throw .damaged("its operands do not fit each other") }
        try builder.spend(SourceTensor.elementCount(shape))
        let flags = condition.broadcast(to: shape).integers
        let (a, b) = (first.broadcast(to: shape), second.broadcast(to: shape))
        if first.type.isFloat {
            let (x, y) = (a.floats, b.floats)
            return Value(SourceTensor(shape: shape, floats: flags.indices.map { flags[$0] != 0 ? x[$0] : y[$0] }))
        }
        let (x, y) = (a.integers, b.integers)
        let picked = flags.indices.map { flags[$0] != 0 ? x[$0] : y[$0] }
        return Value(SourceTensor(shape: shape, integers: picked, type: first.type))
    }

    private func concatenate(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var tensors: [SourceTensor] = []
        for index in operands.inputs.indices { tensors.append(try operands.constant(index)) }
        guard let first = tensors.first else { throw .damaged("nothing to put together") }
        let axis = try operands.axis(node.integer("axis", 1), rank: first.shape.count)
        for tensor in tensors {
            var shape = tensor.shape
            if shape.indices.contains(axis) { shape[axis] = first.shape[axis] }
            guard shape == first.shape, tensor.type == first.type else { throw .damaged("its operands do not fit") }
        }
        try builder.spend(tensors.reduce(0) { $0 + $1.elementCount })
        return Value(SourceTensor.concatenated(tensors, axis: axis))
    }

    private func cast(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensor = try operands.constant(0)
        let number = node.integer("to", 0)
        guard let type = SourceTensor.types[number] else {
            throw .unsupported("to \(SourceTensor.name(ofType: number))")
        }
        guard type != tensor.type else { return Value(tensor) }
        try builder.spend(tensor.elementCount)
        if type == .bool {
            return Value(
                SourceTensor(shape: tensor.shape, integers: tensor.floats.map { $0 == 0 ? 0 : 1 }, type: .bool)
            )
        }
        return Value(
            type.isFloat
                ? SourceTensor(shape: tensor.shape, floats: tensor.floats)
                : SourceTensor(shape: tensor.shape, integers: tensor.integers, type: type)
        )
    }

    private func expand(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensor = try operands.constant(0)
        guard let shape = Arithmetic.shape(tensor.shape, try operands.integers(1)) else { throw .damaged("its shape") }
        try builder.spend(SourceTensor.elementCount(shape))
        return Value(tensor.broadcast(to: shape))
    }

    private func reduce(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensor = try operands.constant(0)
        let rank = tensor.shape.count
        let named = try operands.integers("axes", orOperand: 1) ?? []
        if named.isEmpty, node.integer("noop_with_empty_axes", 0) != 0 { return Value(tensor) }
        let axes = named.isEmpty ? Array(0..<rank) : try operands.axes(named, rank: rank)
        let kept = (0..<rank).filter { !axes.contains($0) }
        let counts = (kept.reduce(1) { $0 * tensor.shape[$1] }, axes.reduce(1) { $0 * tensor.shape[$1] })
        try builder.spend(tensor.elementCount + counts.0)
        let isKept = node.integer("keepdims", 1) != 0
        let shape = (isKept ? Array(0..<rank) : kept).map { axes.contains($0) ? 1 : tensor.shape[$0] }
        let rows = tensor.transposed(kept + axes)
        let kind = node.kind
        if tensor.type.isFloat {
            let (first, next): (Float, (Float, Float) -> Float) =
                switch kind {
                case "ReduceProd": (1, { $0 * $1 })
                case "ReduceMax": (-.infinity, { max($0, $1) })
                case "ReduceMin": (.infinity, { min($0, $1) })
                default: (0, { $0 + $1 })
                }
            let floats = rows.floats
            let results = (0..<counts.0).map { floats[$0 * counts.1..<($0 + 1) * counts.1].reduce(first, next) }
            return Value(SourceTensor(shape: shape, floats: results))
        }
        let (first, next): (Int, (Int, Int) -> Int) =
            switch kind {
            case "ReduceProd": (1, { $0 &* $1 })
            case "ReduceMax": (tensor.type.range?.lowerBound ?? .min, { max($0, $1) })
            case "ReduceMin": (tensor.type.range?.upperBound ?? .max, { min($0, $1) })
            default: (0, { $0 &+ $1 })
            }
        let integers = rows.integers
        let results = (0..<counts.0).map { integers[$0 * counts.1..<($0 + 1) * counts.1].reduce(first, next) }
        return Value(SourceTensor(shape: shape, integers: results, type: tensor.type))
    }

    private func range(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensors = (try operands.constant(0), try operands.constant(1), try operands.constant(2))
        guard !tensors.0.type.isFloat, let start = tensors.0.integers.first, let limit = tensors.1.integers.first,
            let step = tensors.2.integers.first, step != 0
        else { throw .unsupported("a range of real numbers") }
        let (distance, overflow) = limit.subtractingReportingOverflow(start)
        guard !overflow, distance.magnitude / step.magnitude < ImportLimits.itemsMax else {
            throw .damaged("its length")
        }
        let numbers = Array(stride(from: start, to: limit, by: step))
        try builder.spend(numbers.count)
        return Value(SourceTensor(shape: [numbers.count], integers: numbers, type: tensors.0.type))
    }

    private func quantize(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let tensor = try operands.constant(0)
        let encoding = try operands.encoding(1, 2, type: nil, shape: tensor.shape, axis: node.integer("axis", 1))
        guard let range = encoding.type.range else { throw .unsupported("to \(encoding.type.rawValue)") }
        try builder.spend(tensor.elementCount)
        let (scales, zeros) = encoding.expanded(to: tensor.shape)
        let integers = tensor.floats.enumerated().map { index, x in
            let steps = (x / scales[index]).rounded(.toNearestOrEven) + zeros[index]
            return min(max(SourceTensor.whole(steps), range.lowerBound), range.upperBound)
        }
        return Value(SourceTensor(shape: tensor.shape, integers: integers, type: encoding.type))
    }

    /// Computed by the interpreter: the first operand as an input of a graph of this node alone.
    private func interpreted(_ builder: inout GraphBuilder) throws(Refusal) -> [Value]? {
        let tensor = try operands.constant(0)
        guard tensor.type.isFloat, tensor.elementCount > 0, tensor.elementCount <= Graph.elementsMax else { return nil }
        var small = GraphBuilder(name: "constant", fileBytes: 0)
        small.isChannelsFirst = false
        small.current = builder.current
        let input = small.input("x", shape: tensor.shape, type: .float32, encoding: nil)
        _ = try small.name(of: input, as: Array(tensor.shape.indices))
        var inputs = operands.inputs
        inputs[0] = input
        var inner = ONNXOperands(
            node: node,
            inputs: inputs,
            opset: operands.opset,
            isOnlyReader: operands.isOnlyReader,
            isRead: operands.isRead,
            isInner: operands.isInner,
            isAnswer: operands.isAnswer
        )
        let results = try inner.results(&small)
        guard results.count == 1, let result = results[0] else { return nil }
        try builder.spend(result.elementCount)
        let factor = operands.inputs.count > 1 ? operands.inputs[1]?.elementCount ?? 1 : 1
        guard result.elementCount.multipliedReportingOverflow(by: factor).partialValue <= ONNXFold.productsMax else {
            throw .unsupported("a product of large constants")
        }
        let name = try small.name(of: result, as: Array(result.shape.indices))
        var graph = small.graph
        graph.outputs = [name]
        do throws(GraphError) {
            let floats = try FloatInterpreter(graph).run(tensor.floats, rows: 1)
            return [Value(SourceTensor(shape: result.shape, floats: floats))]
        } catch { throw .fatal(.graph(error)) }
    }
}
