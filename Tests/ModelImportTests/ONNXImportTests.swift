import Foundation
import ModelGraph
import Quantization
import SwiftProtobuf
import Testing

@testable import ModelImport

/// ONNX files as exporters write them, made here.
struct ONNXImportTests {
    private func kinds(_ model: ImportedModel) -> [String] { model.graph.nodes.map(\.operation.kind) }

    @Test("A network of channels first needs no permutation: its planes are channels last, its weights are reordered")
    func channelsFirst() throws {
        var model = ONNXFile([-1, 3, 4, 4])
        model.constant("w", [2, 3, 1, 1], [1, 2, 3, 4, 5, 6])
        model.constant("b", [2], [10, 20])
        model.constant("scale", [2], [1, 2])
        model.constant("offset", [2], [0, 1])
        model.constant("mean", [2], [0, 0])
        model.constant("variance", [2], [1, 1])
        let weights = (0..<3 * 32).map { Float($0 % 7) - 3 }
        model.constant("fc", [32, 3], weights)
        model.node("Conv", ["x", "w", "b"], "c")
        model.node("BatchNormalization", ["c", "scale", "offset", "mean", "variance"], "n", floats: ["epsilon": [0]])
        model.node("Relu", ["n"], "r")
        model.node("Flatten", ["r"], "f")
        model.node("Gemm", ["f", "fc"], "y")
        let imported = try model.read()
        #expect(kinds(imported) == ["convolution", "fully-connected"])
        #expect(imported.graph.inputs[0].shape == [4, 4, 3])
        #expect(imported.inputs[0].axes == [2, 3, 1])
        #expect(imported.notes.contains("activations fused: 1"))
        let input = (0..<48).map { Float($0) / 10 - 2 }
        let answer = try FileRun(imported).run([SourceTensor(shape: [1, 3, 4, 4], floats: input)])[0]
        var expected = [Float](repeating: 0, count: 3)
        for place in 0..<16 {
            for channel in 0..<2 {
                var sum: Float = channel == 0 ? 10 : 20
                for k in 0..<3 { sum += input[k * 16 + place] * Float(channel * 3 + k + 1) }
                sum = max(0, channel == 0 ? sum : sum * 2 + 1)
                for n in 0..<3 { expected[n] += sum * weights[(channel * 16 + place) * 3 + n] }
            }
        }
        #expect(answer.shape == [1, 3])
        for (a, b) in zip(answer.floats, expected) { #expect((a - b).magnitude < 1e-3 * max(1, b.magnitude)) }
    }

    @Test("Scales of a model with quantize and dequantize nodes are kept, and a rectification that they imply is there")
    func quantizeDequantize() throws {
        var model = ONNXFile([1, 4])
        model.constant("sx", [], [0.5])
        model.constant("zx", [], integers: [128], type: 2)
        model.constant("sw", [2], [0.25, 0.125])
        model.constant("zw", [2], integers: [0, 0], type: 3)
        model.constant("w", [2, 4], integers: [1, -2, 3, -4, 5, 6, 7, -128], type: 3)
        model.constant("sy", [], [0.1])
        model.constant("zy", [], integers: [0], type: 2)
        model.node("QuantizeLinear", ["x", "sx", "zx"], "xq")
        model.node("DequantizeLinear", ["xq", "sx", "zx"], "xd")
        model.node("DequantizeLinear", ["w", "sw", "zw"], "wd", ["axis": [0]])
        model.node("Gemm", ["xd", "wd"], "g", ["transB": [1]])
        model.node("QuantizeLinear", ["g", "sy", "zy"], "gq")
        model.node("DequantizeLinear", ["gq", "sy", "zy"], "y")
        let imported = try model.read()
        #expect(kinds(imported) == ["fully-connected"])
        guard case .fullyConnected(let weights, _, let activation) = imported.graph.nodes[0].operation else { return }
        #expect(activation == .relu)
        let kept = try #require(imported.quantizedConstants[weights])
        #expect(try kept.integers.int8s == [1, -2, 3, -4, 5, 6, 7, -128])
        #expect(kept.scales == [0.25, 0.125])
        #expect(kept.axis == 0)
        #expect(imported.encodings["x"]?.zeroPoint == 128)
        #expect(imported.encodings[imported.graph.outputs[0]]?.scale == 0.1)
    }

    @Test("A dynamically quantized product is the product, and its scale goes to the integers")
    func dynamicQuantization() throws {
        var model = ONNXFile([-1, 2])
        model.constant("w", [2, 2], integers: [10, 20, 30, 40], type: 3)
        model.constant("zero", [], integers: [0], type: 3)
        model.constant("s", [], [0.01])
        model.constant("b", [2], [1, 2])
        var dynamic = Onnx_NodeProto()
        (dynamic.opType, dynamic.input, dynamic.output) = ("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"])
        model.proto.graph.node.append(dynamic)
        model.node("MatMulInteger", ["q", "w", "qz", "zero"], "i")
        model.node("Cast", ["i"], "f", ["to": [1]])
        model.node("Mul", ["qs", "s"], "factor")
        model.node("Mul", ["f", "factor"], "m")
        model.node("Add", ["m", "b"], "y")
        let imported = try model.read()
        #expect(kinds(imported) == ["fully-connected"])
        let answer = try FileRun(imported).run([SourceTensor(shape: [1, 2], floats: [1, 2])])[0].floats
        for (a, b) in zip(answer, [1 + 0.7, 2 + 1.0] as [Float]) { #expect((a - b).magnitude < 1e-5) }
        #expect(imported.quantizedConstants.values.first?.scales == [0.01, 0.01])
    }

    @Test("A shape that is computed from the input's is a constant")
    func computedShape() throws {
        var model = ONNXFile([-1, 2, 3])
        model.constant("zero", [], integers: [0])
        model.constant("rest", [1], integers: [-1])
        model.node("Shape", ["x"], "s")
        model.node("Gather", ["s", "zero"], "n", ["axis": [0]])
        model.constant("axes", [1], integers: [0])
        model.node("Unsqueeze", ["n", "axes"], "u")
        model.node("Concat", ["u", "rest"], "shape", ["axis": [0]])
        model.node("Reshape", ["x", "shape"], "flat")
        model.node("Relu", ["flat"], "y")
        let imported = try model.read()
        #expect(kinds(imported) == ["reshape", "relu"])
        #expect(imported.outputs[0].shape == [1, 6])
    }

    @Test(
        "A swish and a GELU in their parts are found, wherever the half stands, and not where a part is read elsewhere"
    )
    func gates() throws {
        func model(_ build: (inout ONNXFile) -> Void) throws -> ImportedModel {
            var model = ONNXFile([1, 4])
            for (name, number) in [("root", Float(2).squareRoot()), ("one", 1), ("half", 0.5)] {
                model.constant(name, [], [number])
            }
            build(&model)
            return try model.read()
        }
        let swish = try model {
            $0.node("Sigmoid", ["x"], "s")
            $0.node("Mul", ["s", "x"], "y")
        }
        #expect(kinds(swish) == ["swish"])
        func erf(_ model: inout ONNXFile) {
            model.node("Div", ["x", "root"], "d")
            model.node("Erf", ["d"], "e")
            model.node("Add", ["e", "one"], "a")
        }
        let halfLast = try model {
            erf(&$0)
            $0.node("Mul", ["x", "a"], "m")
            $0.node("Mul", ["m", "half"], "y")
        }
        #expect(kinds(halfLast) == ["gelu"])
        let halfFirst = try model {
            $0.node("Mul", ["half", "x"], "h")
            erf(&$0)
            $0.node("Mul", ["h", "a"], "y")
        }
        #expect(kinds(halfFirst) == ["gelu"])
        let readTwice = try model {
            $0.node("Sigmoid", ["x"], "s")
            $0.node("Mul", ["s", "x"], "m")
            $0.node("Add", ["m", "s"], "y")
        }
        #expect(kinds(readTwice) == ["sigmoid", "multiply", "add"])
    }

    @Test("Tiles, parametric rectification and layer normalization are made of what the graph has")
    func composed() throws {
        var tile = ONNXFile([1, 2, 1])
        tile.constant("n", [3], integers: [1, 2, 2])
        tile.node("Tile", ["x", "n"], "y")
        let tiled = try FileRun(tile.read()).run([SourceTensor(shape: [1, 2, 1], floats: [1, 2])])[0]
        #expect(tiled.shape == [1, 4, 2])
        #expect(tiled.floats == [1, 1, 2, 2, 1, 1, 2, 2])
        var relu = ONNXFile([1, 2, 1, 2])
        relu.constant("slope", [2, 1, 1], [0.5, 0.25])
        relu.node("PRelu", ["x", "slope"], "y")
        let answer = try FileRun(relu.read()).run([SourceTensor(shape: [1, 2, 1, 2], floats: [-2, 3, -4, 5])])[0]
        #expect(answer.floats == [-1, 3, -1, 5])

        var layer = ONNXFile([1, 4])
        layer.constant("scale", [4], [1, 1, 1, 2])
        layer.constant("offset", [4], [0, 0, 0, 1])
        layer.node("LayerNormalization", ["x", "scale", "offset"], "y", floats: ["epsilon": [0]])
        let normal = try FileRun(layer.read()).run([SourceTensor(shape: [1, 4], floats: [1, 1, 3, 3])])[0]
        #expect(normal.floats == [-1, -1, 1, 3])
    }

    @Test("Powers have several exponents, computed ones and constant bases")
    func powers() throws {
        func run(_ inputs: [String], _ constant: [Float], _ x: [Float]) throws -> [Float] {
            var model = ONNXFile([1, 2])
            model.constant("c", [Int64(constant.count)], constant)
            model.node("Pow", inputs, "y")
            return try FileRun(model.read()).run([SourceTensor(shape: [1, 2], floats: x)])[0].floats
        }
        #expect(try run(["x", "c"], [3, -1], [-2, 4]) == [-8, 0.25])
        #expect(try run(["x", "c"], [2.5], [4, 0]) == [32, 0])
        #expect(try run(["x", "c"], [0.25, 1], [-2, 4])[0].isNaN)
        #expect(try run(["x", "x"], [0], [-2, 3]) == [0.25, 27])
        #expect(try run(["c", "x"], [1, 1], [-2, 3]) == [1, 1])
        #expect(throws: ImportError.self) { try run(["c", "x"], [1, -1], [-2, 3]) }
    }

    @Test("A hard swish in its parts is found")
    func hardSwish() throws {
        var model = ONNXFile([1, 8])
        model.constant("three", [], [3])
        model.constant("zero", [], [0])
        model.constant("six", [], [6])
        model.node("Add", ["x", "three"], "a")
        model.node("Clip", ["a", "zero", "six"], "c")
        model.node("Mul", ["x", "c"], "m")
        model.node("Div", ["m", "six"], "y")
        #expect(kinds(try model.read()) == ["hard-swish"])
    }

    @Test("A linear classifier of scikit-learn gives its scores")
    func classical() throws {
        var model = ONNXFile([-1, 2])
        model.node("Scaler", ["x"], "s", domain: "ai.onnx.ml", floats: ["offset": [1, 2], "scale": [2, 4]])
        var classifier = Onnx_NodeProto()
        (classifier.opType, classifier.domain) = ("LinearClassifier", "ai.onnx.ml")
        (classifier.input, classifier.output) = (["s"], ["label", "y"])
        for (name, floats) in [("coefficients", [1, 0, 0, 1, 1, 1]), ("intercepts", [0, 0, 1])] as [(String, [Float])] {
            var attribute = Onnx_AttributeProto()
            (attribute.name, attribute.floats) = (name, floats)
            classifier.attribute.append(attribute)
        }
        var labels = Onnx_AttributeProto()
        (labels.name, labels.ints) = ("classlabels_ints", [3, 5, 8])
        classifier.attribute.append(labels)
        model.proto.graph.node.append(classifier)
        model.proto.graph.output.insert(ONNXFile.info("label", [], 7), at: 0)
        let imported = try model.read()
        #expect(imported.labels == ["3", "5", "8"])
        #expect(imported.outputs.map(\.name) == ["y"])
        let answer = try FileRun(imported).run([SourceTensor(shape: [1, 2], floats: [2, 3])])[0].floats
        #expect(answer == [2, 4, 7])
    }

    @Test("All nodes that are not supported are listed at once, with their names")
    func everythingUnsupported() throws {
        var model = ONNXFile([1, 8])
        model.node("LSTM", ["x"], "a")
        model.node("If", ["a"], "b")
        model.node("Shrink", ["x"], "c", domain: "com.example")
        model.node("Add", ["b", "c"], "y")
        let error = try #require(throws: ImportError.self) { try model.read() }
        guard case .unsupported(let problems) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(problems.map(\.operation) == ["LSTM", "If", "com.example.Shrink"])
        #expect(problems.map(\.node) == ["a", "b", "c"])
    }

    @Test("Cycles, shape bombs and weights in other files are refused with one clear error")
    func hostile() throws {
        func error(_ model: ONNXFile) throws -> String {
            try #require(throws: ImportError.self) { try model.read() }.description
        }
        var cycle = ONNXFile([1, 8])
        cycle.node("Add", ["x", "b"], "a")
        cycle.node("Relu", ["a"], "b")
        cycle.node("Relu", ["b"], "y")
        #expect(try error(cycle).contains("depends on itself"))

        var bomb = ONNXFile([1, 8])
        bomb.constant("s", [2], integers: [1 << 30, 1 << 30])
        bomb.node("ConstantOfShape", ["s"], "c")
        bomb.node("Add", ["x", "c"], "y")
        #expect(try error(bomb).contains("elements of constants"))

        var wide = ONNXFile([1, 1 << 40])
        wide.node("Relu", ["x"], "y")
        #expect(try error(wide).contains("shape"))

        var grown = ONNXFile([1, 1, 4096, 4096])
        grown.constant("scales", [4], [1, 1, 16, 16])
        grown.constant("roi", [0], [])
        grown.node("Resize", ["x", "roi", "scales"], "y")
        #expect(try error(grown).contains("more than"))

        var outside = ONNXFile([1, 2])
        outside.constant("w", [2, 2], [])
        outside.proto.graph.initializer[0].dataLocation = .external
        outside.node("Gemm", ["x", "w"], "y")
        #expect(try error(outside).contains("another file"))

        var unknown = ONNXFile([1, 2], opset: 99)
        unknown.node("Relu", ["x"], "y")
        #expect(try error(unknown).contains("opset 99"))
    }
}
