import ModelGraph

/// One node of an ONNX file with what it reads.
struct ONNXOperands {
    let node: ONNXNode
    let inputs: [Value?]
    let opset: Int
    /// For each input whether this node alone reads it.
    let isOnlyReader: [Bool]
    /// For each output whether anybody wants it, whether a node does, and whether the file gives it away.
    let isRead: [Bool]
    let isInner: [Bool]
    let isAnswer: [Bool]
    /// The elements of the first operand, when these are texts.
    var texts: [String]?
    /// What was decided, a line each.
    var notes: [String] = []
    /// The names of the classes.
    var labels: [String] = []
    /// Outputs that are left out.
    var dropped: [Int] = []

    /// The operators that are imported, with their domains.
    static let operators = direct.union(functions).union(normalizations)

    private static let direct: Set<String> = [
        "Add", "ArgMax", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant",
        "ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace", "DequantizeLinear", "Div", "Dropout",
        "DynamicQuantizeLinear", "Expand", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "GlobalMaxPool",
        "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "LpNormalization", "MatMul", "MatMulInteger", "Max",
        "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pad", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "ReduceMax",
        "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape", "Resize", "Shape", "Sigmoid", "Slice", "Softmax",
        "SpaceToDepth", "Split", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze", "Upsample",
        "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.LinearClassifier", "ai.onnx.ml.LinearRegressor",
        "ai.onnx.ml.Normalizer", "ai.onnx.ml.Scaler", "ai.onnx.ml.ZipMap", "com.microsoft.DequantizeLinear",
        "com.microsoft.QGemm", "com.microsoft.QLinearAdd", "com.microsoft.QLinearAveragePool",
        "com.microsoft.QLinearConcat", "com.microsoft.QLinearGlobalAveragePool", "com.microsoft.QLinearLeakyRelu",
        "com.microsoft.QLinearMul", "com.microsoft.QLinearSigmoid", "com.microsoft.QLinearSoftmax",
        "com.microsoft.QuantizeLinear",
    ]

    /// Operators that only move elements, whatever these stand for.
    private static let movers: Set<String> = [
        "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Dropout",
        "Shape",
    ]

    /// Operators that may read integers which stand for real numbers: those that know how these stand, and those whose
    /// answer is the same whatever they stand for.
    private static let readers: Set<String> = [
        "ArgMax", "Cast", "Concat", "ConvInteger", "DepthToSpace", "DequantizeLinear", "Expand", "GlobalMaxPool",
        "MatMulInteger", "MaxPool", "Pad", "QLinearConv", "QLinearMatMul", "Resize", "SpaceToDepth", "Tile",
        "com.microsoft.DequantizeLinear", "com.microsoft.QGemm", "com.microsoft.QLinearAdd",
        "com.microsoft.QLinearAveragePool", "com.microsoft.QLinearConcat", "com.microsoft.QLinearGlobalAveragePool",
        "com.microsoft.QLinearLeakyRelu", "com.microsoft.QLinearMul", "com.microsoft.QLinearSigmoid",
        "com.microsoft.QLinearSoftmax",
    ]

    /// What the node writes.
    mutating func results(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let kind = node.kind
        guard !node.refersToFunction else { throw .unsupported("a node inside a function") }
        let isFolded = inputs.allSatisfy { $0 == nil || $0?.constant != nil }
        guard ONNXOperands.operators.contains(kind) || isFolded else { throw .unsupported("this operator") }
        if isFolded, let folded = try ONNXFold(operands: self).results(&builder) { return folded.map { $0 } }
        guard ONNXOperands.operators.contains(kind) else { throw .unsupported("this operator") }
        for value in inputs {
            guard let value, value.constant == nil else { continue }
            if value.rounding == .toZero, !ONNXOperands.movers.contains(kind) {
                throw .unsupported("it reads integers that are computed from real numbers")
            }
            if value.encoding != nil, !ONNXOperands.readers.contains(kind), !ONNXOperands.movers.contains(kind) {
                throw .unsupported("it computes with integers that stand for real numbers")
            }
        }
        switch kind {
        case "Add", "Sub", "Mul", "Div": return [try arithmetic(kind, &builder)]
        case "Sum", "Max", "Min": return [try several(kind, &builder)]
        case "Neg": return [try builder.negative(value(0))]
        case "PRelu": return [try builder.parametricRelu(value(0), slope: real(1))]
        case "LpNormalization": return [try lengthNormalization(&builder)]
        case "Relu": return [try builder.clip(value(0), low: 0, high: nil)]
        case "Clip": return [try clip(&builder)]
        case "LeakyRelu": return [try builder.function(.leakyRelu(slope: node.float("alpha", 0.01)), value(0))]
        case "HardSigmoid":
            let (slope, offset) = (node.float("alpha", 0.2), node.float("beta", 0.5))
            return [try builder.function(.hardSigmoid(slope: slope, offset: offset), value(0))]
        case "HardSwish": return [try builder.function(.hardSwish, value(0))]
        case "Sigmoid": return [try builder.function(.sigmoid, value(0))]
        case "Tanh": return [try builder.function(.tanh, value(0))]
        case "Softmax": return [try softmax(value(0), &builder)]
        case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin": return [try reduced(kind, &builder)]
        case "ArgMax": return [try argMax(&builder)]
        case "BatchNormalization": return try batchNormalization(&builder)
        case "Dropout": return try dropout(&builder)
        case "Cast": return [try cast(&builder)]
        case "Conv": return [try convolution(value(0), real(1), bias(2), &builder)]
        case "ConvTranspose": return [try convolutionTransposed(&builder)]
        case "MaxPool": return try maxPool(&builder)
        case "AveragePool": return [try averagePool(value(0), channelsLast: false, &builder)]
        case "GlobalAveragePool": return [try globalAverage(value(0), channelsLast: false, &builder)]
        case "GlobalMaxPool": return [try passed(globalMax(&builder), value(0), &builder)]
        case "Gemm": return [try gemm(&builder)]
        case "MatMul": return [try product(value(0), value(1), &builder)]
        case "Resize", "Upsample":
            return [try passed(ONNXResize(operands: self).result(&builder), value(0), &builder)]
        case "Concat", "Constant", "ConstantOfShape", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape",
            "Shape",
            "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "DepthToSpace", "SpaceToDepth", "Tile":
            return try moved(kind, &builder)
        case "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.LinearClassifier", "ai.onnx.ml.LinearRegressor",
            "ai.onnx.ml.Normalizer", "ai.onnx.ml.Scaler", "ai.onnx.ml.ZipMap":
            return try classical(kind, &builder)
        case _ where ONNXOperands.functions.contains(kind): return [try function(kind, &builder)]
        case "InstanceNormalization": return [try instanceNormalization(&builder)]
        case "LayerNormalization": return try layerNormalization(&builder)
        default: return try quantized(kind, &builder)
        }
    }

    // MARK: Operands

    func value(_ index: Int) throws(Refusal) -> Value {
        guard inputs.indices.contains(index), let value = inputs[index] else {
            throw .damaged("operand \(index) is missing")
        }
        return value
    }

    func has(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

    /// A constant operand.
    func constant(_ index: Int) throws(Refusal) -> SourceTensor {
        guard let constant = try value(index).constant else { throw .unsupported("its operand \(index) is computed") }
        return constant.tensor
    }

    /// The integers of a constant operand of a few elements.
    func integers(_ index: Int) throws(Refusal) -> [Int] {
        let tensor = try constant(index)
        guard tensor.elementCount <= ImportLimits.itemsMax else { throw .damaged("operand \(index) is too long") }
        return tensor.integers
    }

    /// A constant operand of real numbers.
    func real(_ index: Int) throws(Refusal) -> Constant {
        guard let constant = try value(index).constant else { throw .unsupported("its operand \(index) is computed") }
        return constant
    }

    func bias(_ index: Int) throws(Refusal) -> Constant? { has(index) ? try real(index) : nil }

    func axis(_ axis: Int, rank: Int) throws(Refusal) -> Int {
        let place = axis < 0 ? axis &+ rank : axis
        guard (0..<rank).contains(place) else { throw .damaged("there is no dimension \(axis) of \(rank)") }
        return place
    }

    func axes(_ axes: [Int], rank: Int) throws(Refusal) -> [Int] {
        var result: [Int] = []
        for axis in axes { result.append(try self.axis(axis, rank: rank)) }
        guard Set(result).count == result.count else { throw .damaged("dimensions \(axes.prefix(16)) repeat") }
        return result
    }

    /// What older versions have as an attribute and newer ones as an operand.
    func integers(_ name: String, orOperand index: Int) throws(Refusal) -> [Int]? {
        if let integers = node.integers(name) { return integers }
        return has(index) ? try integers(index) : nil
    }

    // MARK: Elements

    private func arithmetic(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let kinds: [String: Arithmetic.Kind] = ["Add": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide]
        let (first, second) = (try value(0), try value(1))
        var result = try builder.arithmetic(kinds[kind] ?? .add, first, second)
        if !first.type.isFloat, !second.type.isFloat, first.encoding == nil {
            // Whole numbers up to 2^24 are exact; those of a few bits wrap around.
            result.type = first.type
            if kind == "Div" || first.type.byteCount < 4 { result.rounding = .toZero }
        }
        return result
    }

    /// `Sum`, `Max` and `Min` of any number of values; with one number a limit.
    private func several(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var result = try value(0)
        let type = result.type
        for index in inputs.indices.dropFirst() {
            let (first, second) = (result, try value(index))
            let number = (first.constant ?? second.constant)?.tensor
            if kind != "Sum", let number, number.elementCount == 1, first.type.isFloat {
                let limit = number.floats[0]
                let value = first.constant == nil ? first : second
                result = try builder.clip(value, low: kind == "Max" ? limit : nil, high: kind == "Min" ? limit : nil)
            } else {
                let kinds: [String: Arithmetic.Kind] = ["Sum": .add, "Max": .maximum, "Min": .minimum]
                result = try builder.arithmetic(kinds[kind] ?? .add, first, second)
            }
        }
        result.type = type
        return result
    }

    private func clip(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        func limit(_ name: String, _ index: Int) throws(Refusal) -> Float? {
            if node.has(name) { return node.float(name, 0) }
            guard has(index) else { return nil }
            guard let number = try constant(index).floats.first, try constant(index).elementCount == 1 else {
                throw .damaged("a limit of several numbers")
            }
            return number
        }
        var result = try builder.clip(value(0), low: limit("min", 1), high: limit("max", 2))
        result.type = try value(0).type
        return result
    }

    func softmax(_ value: Value, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let opset = node.proto.domain == "com.microsoft" ? node.integer("opset", 13) : opset
        let axis = try self.axis(node.integer("axis", opset < 13 ? 1 : -1), rank: value.shape.count)
        guard opset < 13, value.shape[(axis + 1)...].contains(where: { $0 != 1 }) else {
            return try builder.softmax(value, axis: axis)
        }
        // Older versions take all dimensions from the axis on as one.
        let flat = try builder.reshape(
            value,
            [value.shape[..<axis].reduce(1, *), value.shape[axis...].reduce(1, *)]
        )
        return try builder.reshape(builder.softmax(flat, axis: 1), value.shape)
    }

    private func lengthNormalization(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let norms: [Int: Norm] = [1: .l1, 2: .l2]
        guard let norm = norms[node.integer("p", 2)] else { throw .damaged("p \(node.integer("p", 2))") }
        return try builder.normalize(norm, input, axis: axis(node.integer("axis", -1), rank: input.shape.count))
    }

    /// What takes some dimensions together.
    private func reduced(_ kind: String, _ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        let named = try integers("axes", orOperand: 1) ?? []
        if named.isEmpty, node.integer("noop_with_empty_axes", 0) != 0 { return input }
        let axes = named.isEmpty ? Array(input.shape.indices) : try axes(named, rank: input.shape.count)
        let keeps = node.integer("keepdims", 1) != 0
        switch kind {
        case "ReduceMean": return try builder.mean(input, axes: axes, keepsDimensions: keeps)
        case "ReduceSum": return try builder.sum(input, axes: axes, keepsDimensions: keeps)
        case "ReduceMax": return try builder.maximum(input, axes: axes, keepsDimensions: keeps)
        default:
            let opposite = try builder.maximum(builder.negative(input), axes: axes, keepsDimensions: keeps)
            return try builder.negative(opposite)
        }
    }

    private func argMax(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        let input = try value(0)
        return try builder.argMax(
            input,
            axis: axis(node.integer("axis", 0), rank: input.shape.count),
            keepsDimensions: node.integer("keepdims", 1) != 0,
            takesLast: node.integer("select_last_index", 0) != 0
        )
    }

    private func batchNormalization(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        guard node.integer("training_mode", 0) == 0 else { throw .unsupported("training") }
        guard !isRead.dropFirst().contains(true) else { throw .unsupported("its statistics are read") }
        let input = try value(0)
        guard input.shape.count > 1 else { throw .damaged("shape \(input.shape) has no channels") }
        let (factor, addend) = (try constant(1).floats, try constant(2).floats)
        let (mean, variance) = (try constant(3).floats, try constant(4).floats)
        let count = input.shape[1]
        guard [factor, addend, mean, variance].allSatisfy({ $0.count == count }) else {
            throw .damaged("its constants do not have \(count) elements")
        }
        let epsilon = Double(node.float("epsilon", 1e-5))
        let scale = (0..<count).map { Double(factor[$0]) / (Double(variance[$0]) + epsilon).squareRoot() }
        let offset = (0..<count).map { Double(addend[$0]) - Double(mean[$0]) * scale[$0] }
        return [try builder.affine(input, axis: 1, scale: scale.map { Float($0) }, offset: offset.map { Float($0) })]
    }

    private func dropout(_ builder: inout GraphBuilder) throws(Refusal) -> [Value?] {
        let input = try value(0)
        let ratio = has(1) ? try constant(1).floats.first ?? 0 : 0.5
        let isTraining = has(2) ? try integers(2).first != 0 : false
        guard ratio == 0 || !isTraining else { throw .unsupported("training") }
        guard isRead.count > 1, isRead[1] else { return [input] }
        try builder.spend(input.elementCount)
        let ones = [Int](repeating: 1, count: input.elementCount)
        return [input, Value(SourceTensor(shape: input.shape, integers: ones, type: opset < 10 ? .uint8 : .bool))]
    }

    private func cast(_ builder: inout GraphBuilder) throws(Refusal) -> Value {
        var result = try value(0)
        let number = node.integer("to", 0)
        guard let type = SourceTensor.types[number], type != .bool else {
            throw .unsupported("to \(SourceTensor.name(ofType: number))")
        }
        guard result.encoding == nil else { throw .unsupported("of integers that stand for real numbers") }
        let isNarrower =
            !type.isFloat && (result.type.isFloat || type.byteCount < result.type.byteCount || type != result.type)
        result.rounding = isNarrower && !isWider(type, than: result.type) ? .toZero : .nearest
        if node.integer("saturate", 1) == 0 { result.rounding = .nearestUnsaturated }
        result.type = type
        return result
    }

    /// Whether every integer of a type is one of another.
    private func isWider(_ type: ElementType, than other: ElementType) -> Bool {
        guard let range = type.range, let inner = other.range else { return false }
        return range.lowerBound <= inner.lowerBound && range.upperBound >= inner.upperBound
    }
}
