import ModelGraph

/// Makes a graph of a TFLite file.
struct TFLiteImport {
    /// The operators that are imported.
    static let operators = direct.union(TFLiteOperands.functions.keys)

    private static let direct: Set<String> = [
        "ADD", "ARG_MAX", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND", "CAST", "CONCATENATION", "CONV_2D",
        "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV", "EXPAND_DIMS", "FULLY_CONNECTED", "GATHER", "GELU",
        "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM",
        "MIRROR_PAD", "MUL", "NEG", "PACK", "PAD", "PADV2", "POW", "PRELU", "QUANTIZE", "REDUCE_MAX", "RELU", "RELU6",
        "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SHAPE", "SLICE", "SOFTMAX",
        "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUARED_DIFFERENCE", "SQUEEZE",
        "STRIDED_SLICE", "SUB", "SUM", "TANH", "TILE", "TRANSPOSE", "TRANSPOSE_CONV", "UNPACK",
    ]

    private let model: TFLiteModel

    static func read(_ bytes: ArraySlice<UInt8>) throws(ImportError) -> ImportedModel {
        let model = try TFLiteModel(bytes)
        var builder = GraphBuilder(name: "model", fileBytes: bytes.count)
        let written = Set(model.operators.flatMap(\.outputs))
        var values = [Value?](repeating: nil, count: model.tensors.count)
        var result = LoweredModel(source: SourceDescription(kind: .tflite, producer: model.description, version: 3))
        for number in model.inputs {
            let tensor = model.tensors[number]
            guard let type = tensor.type else {
                throw .unsupported([
                    .init(node: tensor.name, operation: "input", reason: "its type \(tensor.typeNumber)")
                ])
            }
            // A dimension of unknown size is -1 or 0; only the batch may be one.
            let shape = tensor.shape.enumerated().map { $1 <= 0 && $0 == 0 ? 1 : $1 }
            guard let count = SourceTensor.elementCount(shape), (1...Graph.elementsMax).contains(count) else {
                throw .damaged(field: "input '\(tensor.name)'", reason: "shape \(tensor.shape)")
            }
            guard shape.count <= ImportLimits.rankMax, values[number] == nil else {
                throw .damaged(field: "input '\(tensor.name)'", reason: "it is there twice, or has too many dimensions")
            }
            let value = builder.input(tensor.name, shape: shape, type: type, encoding: tensor.encoding)
            values[number] = value
            result.inputs.append(.init(name: tensor.name, type: type, shape: shape, value: value))
        }
        var problems: [ImportError.Problem] = []
        for (number, tensor) in model.tensors.enumerated() where values[number] == nil && !written.contains(number) {
            guard !tensor.data.isEmpty || tensor.shape.contains(0), !tensor.isVariable else { continue }
            if tensor.type == .int4 {
                // Unpacked, and many tensors of a file may share the same bytes.
                do throws(Refusal) { try builder.spend(2 * tensor.data.count) } catch {
                    throw .damaged(field: "tensor '\(tensor.name)'", reason: "too many constants of four bits")
                }
            }
            values[number] = try constant(tensor, &problems)
        }
        let nodes = model.operators.map { node in
            SourceWiring(
                name: node.outputs.first.map { model.tensors.indices.contains($0) ? model.tensors[$0].name : "" } ?? "",
                operation: node.kind,
                inputs: node.inputs,
                outputs: node.outputs
            )
        }
        for node in nodes {
            guard (node.inputs + node.outputs).allSatisfy({ $0 >= -1 && $0 < model.tensors.count }) else {
                throw .damaged(field: "\(node.operation) '\(node.name)'", reason: "it names a tensor that is not there")
            }
        }
        let importer = TFLiteImport(model: model)
        var lowering = Lowering(values: values)
        lowering.problems = problems
        var folded = 0
        try lowering.run(nodes, names: model.tensors.map(\.name), supported: operators, &builder) {
            index,
            inputs,
            builder throws(Refusal) in
            let results = try importer.lower(model.operators[index], inputs, &builder)
            if results.allSatisfy({ $0?.constant != nil }) { folded += 1 }
            return results
        }
        result.notes = LoweredModel.notes(folded: folded, dead: 0)
        for number in model.outputs {
            let tensor = model.tensors[number]
            guard let value = lowering.values[number] else {
                guard !lowering.problems.isEmpty else {
                    throw .damaged(field: "output '\(tensor.name)'", reason: "nothing gives it")
                }
                continue
            }
            result.outputs.append(.init(name: tensor.name, type: value.type, shape: value.shape, value: value))
        }
        result.names = Set(model.tensors.map(\.name))
        return try result.finished(lowering, builder)
    }

    private static func constant(
        _ tensor: TFLiteModel.Tensor,
        _ problems: inout [ImportError.Problem]
    ) throws(ImportError) -> Value? {
        guard let type = tensor.type, !tensor.isSparse else {
            let reason = tensor.isSparse ? "sparse constants" : "constants of type \(tensor.typeNumber)"
            problems.append(.init(node: tensor.name, operation: "tensor", reason: reason))
            return nil
        }
        var bytes = tensor.data
        if type == .int4 {
            // Two in a byte, the lower one first.
            let count = SourceTensor.elementCount(tensor.shape) ?? 0
            bytes = bytes.flatMap {
                [UInt8(bitPattern: Int8(bitPattern: $0 << 4) >> 4), UInt8(bitPattern: Int8(bitPattern: $0) >> 4)]
            }
            .prefix(count)
        }
        var value = Value(
            Constant(
                tensor: try SourceTensor(
                    type: type,
                    shape: tensor.shape,
                    bytes: bytes,
                    field: "tensor '\(tensor.name)'"
                ),
                origin: tensor.name
            )
        )
        value.encoding = tensor.encoding
        return value
    }

    // MARK: Operators

    private func lower(
        _ node: TFLiteModel.Operator,
        _ inputs: [Value?],
        _ builder: inout GraphBuilder
    ) throws(Refusal) -> [Value?] {
        let isFolded = node.kind == "REDUCE_PROD" && inputs.allSatisfy { $0?.constant != nil }
        guard TFLiteImport.operators.contains(node.kind) || isFolded else { throw .unsupported("this operator") }
        // Between the two there is nothing but the convolution, and an addend and an activation behind it.
        let passing: Set<String> = [
            "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_TO_SPACE_ND", "ADD", "RELU", "RELU6", "DEQUANTIZE", "QUANTIZE",
        ]
        let spacing = inputs.compactMap { $0?.spacing }.first
        let isAddend = inputs.contains { value in
            value?.constant.map { $0.tensor.shape.dropLast().allSatisfy { $0 == 1 } } ?? false
        }
        guard spacing == nil || passing.contains(node.kind),
            node.kind != "ADD" || spacing == nil || (isAddend && spacing?.isRead ?? false)
        else { throw .unsupported("it reads a batch that is no convolution with dilation") }
        let operands = TFLiteOperands(inputs: inputs, options: TFLiteOptions(buffer: model.buffer, table: node.options))
        let results = try operands.results(
            node.kind,
            &builder,
            outputShapes: node.outputs.map { $0 < 0 ? [] : model.tensors[$0].shape }
        )
        var encoded: [Value?] = []
        for (output, result) in zip(node.outputs, results) {
            guard output >= 0, var result else {
                encoded.append(nil)
                continue
            }
            if let spacing, node.kind == "ADD" || node.kind.hasPrefix("RELU") { result.spacing = spacing }
            if let encoding = model.tensors[output].encoding {
                result = try builder.encode(result, encoding)
            } else {
                result.encoding = nil
                result.type = model.tensors[output].type ?? result.type
            }
            encoded.append(result)
        }
        return encoded
    }
}
