/// The parts of a TFLite file that an import reads.
struct TFLiteModel {
    struct Tensor {
        var name: String
        var shape: [Int]
        var type: ElementType?
        var typeNumber: Int
        /// The bytes of a constant, empty for a value.
        var data: ArraySlice<UInt8>
        var encoding: TensorEncoding?
        var isVariable: Bool
        var isSparse: Bool
    }

    struct Operator {
        var kind: String
        /// Numbers of tensors; -1 for an operand that is left out.
        var inputs: [Int]
        var outputs: [Int]
        var options: FlatBuffer.Table?
    }

    var tensors: [Tensor] = []
    var operators: [Operator] = []
    var inputs: [Int] = []
    var outputs: [Int] = []
    var description = ""
    let buffer: FlatBuffer

    init(_ bytes: ArraySlice<UInt8>) throws(ImportError) {
        var buffer = FlatBuffer(bytes)
        let root = try buffer.root()
        let version = try buffer.number(root, 0, default: UInt32(0))
        guard version == 3 else {
            throw .damaged(field: "version", reason: "\(version); only version 3 of the TFLite schema is known")
        }
        description = try buffer.text(root, 3)
        let graphs = try buffer.tables(root, 2, "subgraphs")
        guard let graph = graphs.first else { throw .damaged(field: "subgraphs", reason: "there is none") }
        var blobs: [ArraySlice<UInt8>] = []
        for table in try buffer.tables(root, 4, "buffers") {
            guard try buffer.number(table, 1, default: UInt64(0)) <= 1 else {
                throw .unsupported([
                    .init(
                        node: "",
                        operation: "buffer",
                        reason: "its bytes lie outside of the tables, as in files over 2 GB"
                    )
                ])
            }
            blobs.append(try buffer.blob(table, 0))
        }
        for table in try buffer.tables(graph, 0, "tensors") {
            tensors.append(try TFLiteModel.tensor(table, &buffer, blobs, number: tensors.count))
        }
        inputs = try buffer.numbers(graph, 1, Int32.self)
        outputs = try buffer.numbers(graph, 2, Int32.self)
        var kinds: [String] = []
        for code in try buffer.tables(root, 1, "operator codes") {
            // Files of old say it in a byte, newer ones in a word, and both when it fits.
            let old = Int(try buffer.number(code, 0, default: Int8(0)))
            let kind = max(old, Int(try buffer.number(code, 3, default: Int32(0))))
            let custom = try buffer.text(code, 1)
            kinds.append(kind == TFLiteKinds.custom ? "CUSTOM \(custom)" : TFLiteKinds.name(kind))
        }
        for table in try buffer.tables(graph, 3, "operators") {
            let index = Int(try buffer.number(table, 0, default: UInt32(0)))
            guard kinds.indices.contains(index) else {
                throw .damaged(field: "operator \(operators.count)", reason: "its code \(index) is not in the file")
            }
            operators.append(
                Operator(
                    kind: kinds[index],
                    inputs: try buffer.numbers(table, 1, Int32.self),
                    outputs: try buffer.numbers(table, 2, Int32.self),
                    options: try buffer.table(table, 4)
                )
            )
        }
        for (list, numbers) in [("inputs", inputs), ("outputs", outputs)] {
            for number in numbers where !tensors.indices.contains(number) {
                throw .damaged(field: list, reason: "there is no tensor \(number)")
            }
        }
        self.buffer = buffer
    }

    private static func tensor(
        _ table: FlatBuffer.Table,
        _ buffer: inout FlatBuffer,
        _ blobs: [ArraySlice<UInt8>],
        number: Int
    ) throws(ImportError) -> Tensor {
        let typeNumber = Int(try buffer.number(table, 1, default: Int8(0)))
        let place = Int(try buffer.number(table, 2, default: UInt32(0)))
        guard blobs.indices.contains(place) || place == 0 else {
            throw .damaged(field: "tensor \(number)", reason: "there is no buffer \(place)")
        }
        let name = try buffer.text(table, 3)
        var tensor = Tensor(
            name: name.isEmpty ? "tensor \(number)" : name,
            shape: try buffer.numbers(table, 0, Int32.self),
            type: types[typeNumber],
            typeNumber: typeNumber,
            data: blobs.indices.contains(place) ? blobs[place] : [],
            isVariable: try buffer.flag(table, 5),
            isSparse: try buffer.table(table, 6) != nil
        )
        guard let quantization = try buffer.table(table, 4), let type = tensor.type, !type.isFloat else {
            return tensor
        }
        let scales = try buffer.floats(quantization, 2)
        guard !scales.isEmpty else { return tensor }
        guard scales.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw .damaged(field: "tensor '\(tensor.name)'", reason: "a scale is not positive")
        }
        let zeroPoints = try buffer.numbers(quantization, 3, Int64.self)
        let axis = Int(try buffer.number(quantization, 6, default: Int32(0)))
        guard zeroPoints.isEmpty || zeroPoints.count == scales.count,
            scales.count == 1 || (tensor.shape.indices.contains(axis) && tensor.shape[axis] == scales.count)
        else {
            throw .damaged(
                field: "tensor '\(tensor.name)'",
                reason: "\(scales.count) scales and \(zeroPoints.count) zero points do not fit shape \(tensor.shape)"
            )
        }
        tensor.encoding = TensorEncoding(
            type: type,
            scales: SourceTensor(shape: [scales.count], floats: scales),
            zeroPoints: zeroPoints,
            axis: scales.count == 1 ? nil : axis
        )
        return tensor
    }

    private static let types: [Int: ElementType] = [
        0: .float32, 1: .float16, 2: .int32, 3: .uint8, 4: .int64, 6: .bool, 7: .int16, 9: .int8, 10: .float64,
        12: .uint64, 15: .uint32, 16: .uint16, 17: .int4,
    ]
}

/// The operators of TFLite by their numbers.
enum TFLiteKinds {
    static let custom = 32

    static func name(_ number: Int) -> String {
        if number == 150 { return "GELU" }
        return names.indices.contains(number) ? String(names[number]) : "OPERATOR \(number)"
    }

    private static let names = """
        ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR \
        FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC \
        LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX \
        SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD \
        UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE \
        UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE \
        BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL \
        LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT \
        RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT \
        UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR \
        LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK \
        ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 \
        NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
        """.split(separator: " ")
}
