/// Which operators of other programs are imported, and what becomes of them.
public enum OperatorTable {
    /// One operator.
    public struct Entry: Sendable {
        /// As the format names it, with its domain.
        public var name: String
        /// The versions of ONNX's operators in which it exists and is read.
        public var opsets: String
        /// What the graph computes instead.
        public var becomes: String
        /// Whether the engine computes it with bytes.
        public var isInteger: Bool
        /// Whether the engine computes it with activations of 16 bits too.
        public var isWide: Bool
    }

    /// The operators of ONNX.
    public static var onnx: [Entry] {
        ONNXOperands.operators.sorted().map { name in
            let facts = onnxFacts[name]
            return Entry(
                name: name,
                opsets: facts?.opsets ?? (name.contains(".") ? "any" : "7-22"),
                becomes: facts?.becomes ?? "itself",
                isInteger: !floatOnly.contains(name),
                isWide: wide.contains(name)
            )
        }
    }

    /// The operators of TFLite.
    public static var tflite: [Entry] {
        TFLiteImport.operators.sorted().map { name in
            Entry(
                name: name,
                opsets: "",
                becomes: "",
                isInteger: !tfliteFloatOnly.contains(name),
                isWide: tfliteWide.contains(name)
            )
        }
    }

    /// `docs/operators.md`.
    public static func markdown(_ results: NodeTestResults) -> String {
        var lines = [
            "# Operators", "",
            "Which operators of ONNX and TFLite are imported. Made by `hexloop model conformance DIR --markdown "
                + "docs/operators.md`, where DIR is `onnx/backend/test/data/node` of the Python package onnx 1.17.", "",
            "Opsets are those that are read, and in brackets those of the tests. float: the interpreter of the graph, which "
                + "computes with 32 bits whatever the file has: float16, bfloat16 and float64 weights and inputs are read, "
                + "and so are weights of 8 and 4 bits with their scales. int8: the engine, on bytes, unless the text says "
                + "otherwise; what has none stays float. int16: the engine with activations of 16 bits. A quantized file "
                + "keeps its scales and integers.",
            "", "## ONNX", "",
            "| operator | opsets | float | int8 | int16 | becomes | node tests passed |",
            "|---|---|---|---|---|---|---|",
        ]
        var counts: [String: (passed: Int, all: Int)] = [:]
        var tested: [String: Set<Int>] = [:]
        for row in results.rows {
            counts[row.name] = (row.passed, row.passed + row.failed + row.notSupported)
            tested[row.name] = row.opsets
        }
        func text(_ flag: Bool) -> String { flag ? "yes" : "no" }
        for entry in onnx {
            let tests = counts[entry.name].map { "\($0.passed) of \($0.all)" } ?? "none exist"
            let opsets = (tested[entry.name] ?? []).filter { $0 > 0 }.sorted().map(String.init).joined(separator: ", ")
            lines.append(
                "| \(entry.name) | \(entry.opsets)\(opsets.isEmpty ? "" : " (\(opsets))") | yes | "
                    + "\(text(entry.isInteger)) | \(text(entry.isWide)) | \(entry.becomes) | \(tests) |"
            )
        }
        lines += ["", "\(results.summary).", "", "## Tests that do not pass", "", "| test | why |", "|---|---|"]
        lines += results.reasons.map { "| \($0.test) | \($0.text) |" }
        lines += [
            "", "## TFLite", "",
            "Files with float32, int8 with a scale for each channel, int16 activations, uint8 of old, and weights of 8, 4 or "
                + "16 bits in float models; the columns are as above. Activations NONE, RELU, RELU6, RELU_N1_TO_1 and TANH are fused or follow.",
            "",
            "| operator | float | int8 | int16 |", "|---|---|---|---|",
        ]
        lines += tflite.map { "| \($0.name) | yes | \(text($0.isInteger)) | \(text($0.isWide)) |" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Sums, and what adds nothing to them or only moves elements.
    private static let wide: Set<String> = [
        "BatchNormalization", "Cast", "Constant", "ConstantOfShape", "Conv", "ConvInteger", "DequantizeLinear",
        "Dropout",
        "DynamicQuantizeLinear", "Flatten", "Gemm", "Identity", "MatMul", "MatMulInteger", "QLinearConv",
        "QLinearMatMul", "QuantizeLinear", "Relu", "Reshape", "Shape", "Squeeze", "Unsqueeze",
        "ai.onnx.ml.LinearRegressor", "com.microsoft.DequantizeLinear", "com.microsoft.QGemm",
        "com.microsoft.QuantizeLinear",
    ]

    private static let tfliteWide: Set<String> = [
        "BATCH_TO_SPACE_ND", "CAST", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "EXPAND_DIMS", "FULLY_CONNECTED",
        "QUANTIZE", "RELU", "RELU6", "RESHAPE", "SHAPE", "SPACE_TO_BATCH_ND", "SQUEEZE",
    ]

    private static let tfliteFloatOnly: Set<String> = ["ARG_MAX", "DIV", "L2_NORMALIZATION"]

    private static let floatOnly: Set<String> = ["ArgMax", "LpNormalization", "ai.onnx.ml.Normalizer"]

    private static let onnxFacts: [String: (opsets: String, becomes: String)] = [
        "Abs": ("7-22", "absolute"),
        "ArgMax": ("7-22", "arg-max"),
        "AveragePool": ("7-22", "average-pool; with dilation or over three dimensions sums with constant weights"),
        "BatchNormalization": ("7-22", "affine, folded into the weights around it"),
        "Cast": ("7-22", "nothing: the graph has real numbers"),
        "Clip": ("7-22", "relu, relu6 or clip"),
        "Concat": ("7-22", "concatenate"),
        "Constant": ("7-22", "a constant"),
        "ConstantOfShape": ("9-22", "a constant"),
        "Conv": ("7-22", "convolution; over one or two dimensions"),
        "ConvInteger": ("10-22", "convolution"),
        "ConvTranspose": ("7-22", "convolution of the plane with zeros between its places; over two dimensions"),
        "DepthToSpace": ("7-22", "reshape and transpose"),
        "DequantizeLinear": ("10-22", "an encoding"),
        "Div": ("7-22", "multiply by the reciprocal of a constant; of two values divide, in float only"),
        "Dropout": ("7-22", "nothing"),
        "DynamicQuantizeLinear": ("11-22", "nothing: real numbers need no scale; as an answer it is measured"),
        "Expand": ("8-22", "a constant, or add"),
        "Flatten": ("7-22", "reshape"),
        "Gather": ("7-22", "gather from a constant table; with constant indices slice or sums with constant weights"),
        "Gemm": ("7-22", "fully-connected, or convolution with one tap"),
        "GlobalAveragePool": ("7-22", "mean"),
        "GlobalMaxPool": ("7-22", "max-pool"),
        "HardSwish": ("14-22", "hard-swish; found in its parts too"),
        "Identity": ("7-22", "nothing"),
        "LpNormalization": ("7-22", "normalize"),
        "MatMul": ("7-22", "fully-connected, or convolution with one tap; one factor is a constant"),
        "MatMulInteger": ("10-22", "fully-connected"),
        "Max": ("7-22", "clip with a number; of two values maximum"),
        "MaxPool": ("7-22", "max-pool; dilated in float only"),
        "Min": ("7-22", "clip with a number; of two values minimum"),
        "Mul": ("7-22", "multiply"),
        "Pad": ("7-22", "pad, or padding of the convolution; other modes sums with constant weights"),
        "PRelu": ("7-22", "leaky-relu, or sums of two clips"),
        "QLinearConv": ("10-22", "convolution and encodings"),
        "QLinearMatMul": ("10-22", "fully-connected and encodings"),
        "QuantizeLinear": ("10-22", "an encoding"),
        "ReduceMax": ("7-22", "max-pool"),
        "ReduceMean": ("7-22", "mean"),
        "ReduceMin": ("7-22", "max-pool of the opposite"),
        "ReduceSum": ("7-22", "mean and multiply"),
        "Reshape": ("7-22", "reshape"),
        "Resize": ("10-22", "resize; cubic, antialias and crops sums with constant weights"),
        "Shape": ("7-22", "a constant"),
        "Slice": ("7-22", "slice"),
        "Softmax": ("7-22", "softmax"),
        "SpaceToDepth": ("7-22", "reshape and transpose"),
        "Split": ("7-22", "slice"),
        "Squeeze": ("7-22", "nothing"),
        "Sub": ("7-22", "subtract"),
        "Sum": ("7-22", "add"),
        "Tile": ("7-22", "sums with constant weights"),
        "Transpose": ("7-22", "nothing, as long as nobody asks for the order"),
        "Unsqueeze": ("7-22", "nothing"),
        "Upsample": ("7-9", "resize"),
        "Gelu": ("20-22", "gelu or tanh-gelu; found in its parts too"),
        "InstanceNormalization": ("7-22", "means, power, reciprocal-square-root, products"),
        "LayerNormalization": ("17-22", "means, power, reciprocal-square-root, products"),
        "Mish": ("18-22", "softplus, tanh, multiply"),
        "Pow": ("7-22", "power, square-root or reciprocal; of two values raise, in float only"),
        "Selu": ("7-22", "elu and multiply"),
        "Sigmoid": ("7-22", "itself; times its operand swish"),
        "ai.onnx.ml.ArrayFeatureExtractor": ("1-5", "slice or sums with constant weights; a label is left out"),
        "ai.onnx.ml.LinearClassifier": ("1-5", "fully-connected and softmax or sigmoid"),
        "ai.onnx.ml.LinearRegressor": ("1-5", "fully-connected"),
        "ai.onnx.ml.Normalizer": ("1-5", "normalize"),
        "ai.onnx.ml.Scaler": ("1-5", "affine"),
        "ai.onnx.ml.ZipMap": ("1-5", "nothing: scores in the order of the classes"),
    ]
}
