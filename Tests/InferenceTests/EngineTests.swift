import Foundation
import Inference
import Kernels
import ModelContainer
import ModelGraph
import Quantization
import Testing

@Suite("Every engine gives the same bits for graphs of any operations")
struct EngineTests {
    @Test(
        "Random graphs: reference, variants, batches and threads agree, and int8 is near the float",
        arguments: 0..<120
    )
    func randomGraphs(_ seed: Int) throws {
        let random = RandomModel(seed: UInt64(seed))
        let (model, result) = try random.quantized()
        let expected = try model.predict(random.inputs, rows: random.rows, engine: .reference).map(\.bitPattern)
        for variant in KernelVariant.available {
            let answers = try model.predict(random.inputs, rows: random.rows, engine: .variant(variant))
            #expect(answers.map(\.bitPattern) == expected, "seed \(seed), \(variant)")
        }
        let width = model.inputCount
        var session = try model.makeSession(batch: 5, threads: 3)
        var answers: [Float] = []
        for first in stride(from: 0, to: random.rows, by: 5) {
            let rows = min(5, random.rows - first)
            answers += try session.run(Array(random.inputs[first * width..<(first + rows) * width]), rows: rows)
        }
        #expect(answers.map(\.bitPattern) == expected, "seed \(seed), threads")
        // Bytes are coarse, and a random graph may throw most of them away; but the first layers stay near.
        #expect(result.report.layers[0].signalToNoiseDB > 35, "seed \(seed)")
        #expect(result.report.signalToNoiseDB > 8, "seed \(seed): \(result.report)")
    }

    @Test("Activations of 16 bits are much closer")
    func halfwords() throws {
        let example = try Example.regression(seed: 3)
        let byte = try example.quantized().result.report
        let result = try Quantizer.quantize(
            model: example.container(),
            calibration: example.inputs,
            rows: example.rows,
            options: QuantizationOptions(goldenRows: 5, width: .halfwords)
        )
        let model = try QuantizedModel(ModelContainer(parsing: result.container))
        #expect(model.plan.steps.map(\.work.name) == [String](repeating: "wide-fully-connected", count: 3))
        #expect(result.report.signalToNoiseDB > byte.signalToNoiseDB)
        let expected = try model.predict(example.inputs, rows: example.rows, engine: .reference)
        for variant in KernelVariant.available {
            #expect(try model.predict(example.inputs, rows: example.rows, engine: .variant(variant)) == expected)
        }
    }

    @Test("A container of an earlier version loads and answers as it did")
    func earlierContainer() throws {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/chain", withExtension: "hxm"))
        let container = try ModelContainer(parsing: [UInt8](Data(contentsOf: url)))
        #expect(container.digest == "b0aa9f8beedf39790ef65a84f58f4d18247d65738c56d6197c8697722b947d80")
        let model = try QuantizedModel(container)
        #expect(model.manifest.golden?.inputs.count == 16)
        for engine in [QuantizedModel.Engine.fast, .reference] + KernelVariant.available.map({ .variant($0) }) {
            try model.verifyGolden(engine: engine)
        }
    }

    @Test("An embedding, a table, and indices that name no row")
    func gather() throws {
        var random = Randomness(1)
        let graph = Graph(
            name: "words",
            inputs: [TensorInfo(name: "words", shape: [3], dataType: .int32)],
            outputs: ["y"],
            nodes: [
                Node(name: "embed", operation: .gather(table: "t"), input: "words", output: "e"),
                Node(name: "mean", operation: .mean(axes: [0], keepsDimensions: false), input: "e", output: "m"),
                Node(
                    name: "out",
                    operation: .fullyConnected(weights: "w", bias: "b", activation: .none),
                    input: "m",
                    output: "y"
                ),
            ],
            constants: [
                "t": Tensor(shape: [7, 4], floats: random.floats(28)),
                "w": Tensor(shape: [2, 4], floats: random.floats(8)), "b": Tensor(shape: [2], floats: [0, 1]),
            ]
        )
        let calibration: [Float] = (0..<30).map { Float($0 % 7) }
        let float = try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        )
        let result = try Quantizer.quantize(
            model: float,
            calibration: calibration,
            rows: 10,
            options: QuantizationOptions(goldenRows: 2)
        )
        #expect(result.report.signalToNoiseDB > 25)
        let model = try QuantizedModel(ModelContainer(parsing: result.container))
        try model.verifyGolden(engine: .reference)
        for index in [Float(7), -1, 0.5] {
            #expect(throws: InferenceError.invalidIndex(input: "words", row: 1, index: index)) {
                try model.predict([0, 1, 2, 3, index, 5], rows: 2)
            }
        }
    }

    @Test("Standardization in several steps folds into the input")
    func folding() throws {
        var random = Randomness(2)
        let graph = Graph(
            name: "picture",
            inputs: [TensorInfo(name: "x", shape: [4, 4, 3])],
            outputs: ["y"],
            nodes: [
                Node(
                    name: "scale",
                    operation: .arithmetic(Arithmetic(.multiply, constant: "s")),
                    input: "x",
                    output: "x1"
                ),
                Node(
                    name: "center",
                    operation: .arithmetic(Arithmetic(.subtract, constant: "m")),
                    input: "x1",
                    output: "x2"
                ),
                Node(
                    name: "pad",
                    operation: .pad(before: [1, 1, 0], after: [0, 0, 0], value: 0),
                    input: "x2",
                    output: "x3"
                ),
                Node(
                    name: "conv",
                    operation: .convolution(Convolution(weights: "w", bias: "b", stride: Extent(2))),
                    input: "x3",
                    output: "x4"
                ),
                Node(name: "relu", operation: .function(.relu), input: "x4", output: "x5"),
                Node(name: "mean", operation: .mean(axes: [0, 1], keepsDimensions: false), input: "x5", output: "y"),
            ],
            constants: [
                "s": Tensor(shape: [], floats: [1 / 255]), "m": Tensor(shape: [3], floats: [0.5, 0.4, 0.3]),
                "w": Tensor(shape: [5, 3, 3, 3], floats: random.floats(135)),
                "b": Tensor(shape: [5], floats: random.floats(5)),
            ]
        )
        let pixels = (0..<48 * 8).map { _ in Float(random.number(0...255)) }
        let float = try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        )
        let result = try Quantizer.quantize(
            model: float,
            calibration: pixels,
            rows: 8,
            options: QuantizationOptions(goldenRows: 8)
        )
        let model = try QuantizedModel(ModelContainer(parsing: result.container))
        #expect(model.plan.steps.map(\.node) == ["conv", "mean"])
        #expect(model.plan.inputs[0].encoding?.gain.count == 3)
        #expect(result.report.signalToNoiseDB > 30)
        try model.verifyGolden(engine: .reference)
    }
}

@Suite("A container of any operations that lies is refused, or runs without a trap")
struct HostileGraphTests {
    @Test("Tensors that are missing, of another shape, or full of extremes", arguments: 0..<5)
    func tensors(_ seed: Int) throws {
        let random = RandomModel(seed: UInt64(seed))
        let bytes = try random.quantized().result.container
        let row = Array(random.inputs[..<random.graph.inputs[0].shape.reduce(1, *)])
        let container = try ModelContainer(parsing: bytes)
        for name in container.tensorNames {
            var forgery = try Forgery(bytes) { $0.golden = nil }
            let tensor = try forgery.tensor(name)
            let isOptional = name.hasSuffix(".range") || name.hasSuffix(".table") || name.hasSuffix(".exponentials")
            forgery.replace(name, nil)
            if !isOptional { #expect(throws: InferenceError.self, "\(name)") { try forgery.model() } }
            let extremes: [Tensor?] = [
                Tensor(shape: tensor.shape + [0], uint8s: []), Tensor(shape: [], int32s: [.min]),
                try? Tensor(
                    shape: tensor.shape,
                    dataType: tensor.dataType,
                    bytes: [UInt8](repeating: 0xff, count: tensor.bytes.count)
                ),
                try? Tensor(
                    shape: tensor.shape,
                    dataType: tensor.dataType,
                    bytes: [UInt8](repeating: 0x7f, count: tensor.bytes.count)
                ),
                try? Tensor(
                    shape: tensor.shape,
                    dataType: tensor.dataType,
                    bytes: [UInt8](repeating: 0x80, count: tensor.bytes.count)
                ),
            ]
            for extreme in extremes {
                var forgery = try Forgery(bytes) { $0.golden = nil }
                forgery.replace(name, extreme)
                guard let model = try? forgery.model() else { continue }
                let answers = try model.predict(row, rows: 1)
                #expect(try model.predict(row, rows: 1, engine: .variant(.scalar)).count == answers.count)
            }
        }
    }

    @Test("Encodings, layers and wires that are wrong", arguments: 0..<5)
    func manifests(_ seed: Int) throws {
        let random = RandomModel(seed: UInt64(seed))
        let bytes = try random.quantized().result.container
        let manifest = try ModelContainer(parsing: bytes).manifest
        for value in manifest.encodings.keys {
            #expect(throws: InferenceError.self, "\(value)") {
                try Forgery(bytes) { $0.encodings[value] = nil }.model()
            }
            _ = try? Forgery(bytes) {
                $0.golden = nil
                $0.encodings[value] = try? Encoding(scale: 3e38, zeroPoint: 255)
            }.model()
            _ = try? Forgery(bytes) {
                $0.encodings[value] = nil
                $0.wideEncodings[value] = -1
            }.model()
        }
        for index in manifest.layers.indices {
            #expect(throws: InferenceError.self) { try Forgery(bytes) { $0.layers.remove(at: index) }.model() }
            _ = try? Forgery(bytes) { $0.layers[index].output = .accumulator }.model()
            _ = try? Forgery(bytes) { $0.layers[index].output = .requantized }.model()
        }
        for index in manifest.graph?.nodes.indices ?? 0..<0 {
            #expect(throws: InferenceError.self) {
                try Forgery(bytes) { $0.graph?.nodes[index].inputs = ["nowhere"] }.model()
            }
            _ = try? Forgery(bytes) { $0.graph?.nodes[index].inputs = ["x", "x"] }.model()
            _ = try? Forgery(bytes) { $0.graph?.nodes[index].operation = .reshape(shape: [.max, 2]) }.model()
            _ = try? Forgery(bytes) { $0.graph?.nodes[index].operation = .softmax }.model()
            _ = try? Forgery(bytes) { $0.graph?.nodes.remove(at: index) }.model()
        }
        for shape in [[1 << 20, 1 << 6, 1], [1, 1, 1], [], [-1, 2, 3], [.max, .max, .max]] {
            _ = try? Forgery(bytes) { $0.graph?.inputs[0].shape = shape }.model()
        }
    }
}
