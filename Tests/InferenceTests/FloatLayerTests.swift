import Inference
import Kernels
import ModelContainer
import ModelGraph
import Quantization
import Testing

/// A graph made node by node, with rows to calibrate it.
struct SmallModel {
    var graph: Graph
    let rows = 24
    private var state: UInt64

    init(inputs: [(String, [Int])], seed: UInt64 = 1) {
        graph = Graph(
            name: "small",
            inputs: inputs.map { TensorInfo(name: $0.0, shape: $0.1) },
            outputs: [],
            nodes: [],
            constants: [:]
        )
        state = seed
    }

    /// Uniform in -1..<1.
    mutating func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
        }
    }

    mutating func constant(_ name: String, _ shape: [Int], times factor: Float = 1) -> String {
        graph.constants[name] = Tensor(shape: shape, floats: floats(shape.reduce(1, *)).map { $0 * factor })
        return name
    }

    /// Adds a node whose output has its name.
    mutating func add(_ name: String, _ operation: ModelGraph.Operation, _ inputs: String...) {
        graph.nodes.append(Node(name: name, operation: operation, inputs: inputs, output: name))
        graph.outputs = [name]
    }

    mutating func addConvolution(
        _ name: String,
        _ input: String,
        from channels: Int,
        to outputs: Int,
        size: Int = 1,
        groups: Int = 1,
        activation: Activation = .none
    ) {
        let inputs = size * size * channels / groups
        let weights = constant(
            "\(name).w",
            [outputs, size, size, channels / groups],
            times: (3 / Float(inputs)).squareRoot()
        )
        let convolution = ModelGraph.Convolution(
            weights: weights,
            bias: constant("\(name).b", [outputs], times: 0.3),
            padding: Margins(size / 2),
            groups: groups,
            activation: activation
        )
        add(name, .convolution(convolution), input)
    }

    mutating func addFullyConnected(
        _ name: String,
        _ input: String,
        from inputs: Int,
        to outputs: Int,
        activation: Activation = .none
    ) {
        let weights = constant("\(name).w", [outputs, inputs], times: (3 / Float(inputs)).squareRoot())
        let bias = constant("\(name).b", [outputs], times: 0.3)
        add(name, .fullyConnected(weights: weights, bias: bias, activation: activation), input)
    }

    /// The rows, always the same.
    var calibration: [Float] {
        var copy = self
        copy.state = 99
        return copy.floats(rows * graph.inputs.reduce(0) { $0 + $1.shape.reduce(1, *) })
    }

    func container() throws -> ModelContainer {
        try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        )
    }

    /// Quantizes twice and checks that the bytes are the same and every engine answers alike.
    func quantized(
        _ options: QuantizationOptions = QuantizationOptions()
    ) throws -> (QuantizedModel, QuantizationResult) {
        var options = options
        options.goldenRows = 3
        let (float, calibration) = (try container(), calibration)
        let result = try Quantizer.quantize(model: float, calibration: calibration, rows: rows, options: options)
        let again = try Quantizer.quantize(model: float, calibration: calibration, rows: rows, options: options)
        #expect(result.container == again.container)
        let container = try ModelContainer(parsing: result.container)
        let model = try QuantizedModel(container)
        let expected = try model.predict(calibration, rows: rows, engine: .reference).map(\.bitPattern)
        for variant in KernelVariant.available {
            let answers = try model.predict(calibration, rows: rows, engine: .variant(variant)).map(\.bitPattern)
            #expect(answers == expected, "\(variant)")
        }
        var session = try model.makeSession(batch: rows, threads: 2)
        #expect(try session.run(calibration, rows: rows).map(\.bitPattern) == expected)
        let comparison = try Quantizer.compare(float: float, quantized: container, inputs: calibration, rows: rows)
        #expect(comparison.signalToNoiseDB == result.report.signalToNoiseDB)
        #expect(comparison.layers == result.report.layers)
        return (model, result)
    }
}

@Suite("Layers without integers stay float")
struct FloatLayerTests {
    /// Two branches, their quotient, and a layer behind it.
    private static var quotient: SmallModel {
        var model = SmallModel(inputs: [("x", [4, 4, 3])])
        model.addConvolution("a", "x", from: 3, to: 4, size: 3, activation: .relu)
        model.addConvolution("b", "x", from: 3, to: 4, activation: .relu)
        model.graph.constants["one"] = Tensor(shape: [], floats: [1])
        model.add("c", .arithmetic(Arithmetic(.add, constant: "one")), "b")
        model.add("quotient", .arithmetic(Arithmetic(.divide)), "a", "c")
        model.addFullyConnected("out", "quotient", from: 64, to: 5)
        return model
    }

    @Test("A quotient in the middle is computed in float, is named with its reason, and all engines agree")
    func middle() throws {
        let (model, result) = try Self.quotient.quantized()
        #expect(result.floatLayers.map(\.node) == ["quotient"])
        #expect(result.floatLayers[0].reason.contains("divide"))
        #expect(model.manifest.floatLayers == result.floatLayers)
        #expect(model.steps.map(\.name).contains("float-divide"))
        #expect(result.report.signalToNoiseDB > 25)
    }

    @Test("Powers of two values and with several exponents are computed in float")
    func powers() throws {
        var model = SmallModel(inputs: [("x", [4, 4, 3])])
        model.addConvolution("a", "x", from: 3, to: 4, activation: .relu)
        model.addConvolution("b", "x", from: 3, to: 4, activation: .relu6)
        model.graph.constants["one"] = Tensor(shape: [], floats: [1])
        model.add("c", .arithmetic(Arithmetic(.add, constant: "one")), "a")
        model.graph.constants["exponents"] = Tensor(shape: [4], floats: [0.5, 1, 1.5, 2])
        model.add("d", .arithmetic(Arithmetic(.raise, constant: "exponents")), "b")
        model.add("power", .arithmetic(Arithmetic(.raise)), "c", "d")
        model.addFullyConnected("out", "power", from: 64, to: 5)
        let (_, result) = try model.quantized()
        #expect(result.floatLayers.map(\.node) == ["d", "power"])
    }

    @Test("Where no layer may stay float, all that would are named")
    func refused() throws {
        var model = Self.quotient
        model.add("long", .normalize(.l2), "out")
        let options = QuantizationOptions(allowsFloat: false)
        #expect {
            try Quantizer.quantize(
                model: model.container(),
                calibration: model.calibration,
                rows: model.rows,
                options: options
            )
        } throws: { error in
            guard case InferenceError.needsFloat(let layers) = error else { return false }
            return layers.map(\.node) == ["quotient", "long"] && "\(error)".contains("'quotient'")
        }
    }

    @Test("A layer before one that stays float gives its sums, and floats stay floats between float layers")
    func chain() throws {
        var model = SmallModel(inputs: [("x", [6])])
        model.addFullyConnected("dense", "x", from: 6, to: 8)
        model.add("shape", .reshape(shape: [1, 8]), "dense")
        model.add("long", .normalize(.l2), "shape")
        model.add("best", .argMax(axis: 1, takesLast: false), "long")
        let (quantized, result) = try model.quantized()
        #expect(result.floatLayers.map(\.node) == ["long", "best"])
        let storages = quantized.plan.steps.map { quantized.plan.values[$0.output].storage }
        guard case .sums = storages[0] else { return #expect(Bool(false), "\(storages)") }
        #expect(storages.dropFirst().allSatisfy { $0 == .reals })
    }

    @Test("An input that only float layers read is not rounded, and a tail works on floats")
    func input() throws {
        var model = SmallModel(inputs: [("x", [2, 6])])
        model.add("long", .normalize(.l1), "x")
        model.addFullyConnected("dense", "long", from: 12, to: 4, activation: .relu)
        model.add("again", .normalize(.max), "dense")
        model.add("softmax", .softmax, "again")
        let (quantized, result) = try model.quantized()
        #expect(quantized.plan.values[quantized.plan.inputs[0].value].storage == .reals)
        #expect(result.report.signalToNoiseDB > 35)
    }

    @Test("Any layer can be asked to stay float, and then answers as the float model does where no other rounds")
    func asked() throws {
        var model = SmallModel(inputs: [("x", [5, 5, 2])])
        model.addConvolution("first", "x", from: 2, to: 4, size: 3)
        model.add("relu", .function(.relu), "first")
        model.add("pool", .maxPool(Window(size: Extent(2), stride: Extent(2))), "relu")
        model.addFullyConnected("out", "pool", from: 16, to: 3)
        let (_, some) = try model.quantized(QuantizationOptions(floatLayers: ["relu", "pool"]))
        // The relu is part of the convolution.
        #expect(some.floatLayers.map(\.node) == ["first", "pool"])
        let (_, all) = try model.quantized(QuantizationOptions(floatLayers: ["first", "pool", "out"]))
        #expect(all.report.signalToNoiseDB == QuantizationReport.decibelsMax)
        #expect(throws: InferenceError.self) { try model.quantized(QuantizationOptions(floatLayers: ["nobody"])) }
    }

    @Test("The greater and the smaller of two values have integers")
    func extremum() throws {
        for kind in [Arithmetic.Kind.maximum, .minimum] {
            var model = SmallModel(inputs: [("x", [3, 3, 2])])
            model.addConvolution("a", "x", from: 2, to: 4, size: 3)
            model.addConvolution("b", "x", from: 2, to: 4)
            model.add("both", .arithmetic(Arithmetic(kind)), "a", "b")
            model.addFullyConnected("out", "both", from: 36, to: 3)
            let (_, result) = try model.quantized(QuantizationOptions(allowsFloat: false))
            #expect(result.report.signalToNoiseDB > 30, "\(kind)")
        }
    }

    @Test("Containers whose float layers lie are refused, or run without a trap")
    func hostile() throws {
        var model = Self.quotient
        model.add("long", .normalize(.l2), "out")
        let (_, result) = try model.quantized(QuantizationOptions(floatLayers: ["b"]))
        let (bytes, row) = (result.container, Array(model.calibration[..<48]))
        let names = try ModelContainer(parsing: bytes).manifest.floatLayers.map(\.node)
        #expect(names == ["b", "quotient", "long"])
        func layers(_ names: [String]) -> [FloatLayer] { names.map { FloatLayer(node: $0, reason: "") } }
        for wrong in [["long", "b", "quotient"], ["b", "b", "quotient", "long"], ["b", "quotient", "long", "x"], []] {
            #expect(throws: InferenceError.self, "\(wrong)") {
                try Forgery(bytes) { $0.floatLayers = layers(wrong) }.model()
            }
        }
        // Integer layers that are said to be float have the wrong constants, and float ones no integers.
        #expect(throws: InferenceError.self) {
            try Forgery(bytes) { $0.floatLayers = layers(["a", "b", "quotient", "long"]) }.model()
        }
        for name in ["b.weights", "b.bias"] {
            for shape in [[1], [4], [4, 1, 1, 3], [1 << 30, 1 << 30]] {
                var forgery = try Forgery(bytes) { $0.golden = nil }
                let count = Tensor.elementCount(of: shape) ?? 0
                guard count < 100 else { continue }
                for element in [Float.nan, .infinity, .greatestFiniteMagnitude] {
                    forgery.replace(name, Tensor(shape: shape, floats: [Float](repeating: element, count: count)))
                    guard let model = try? forgery.model() else { continue }
                    #expect(element.isFinite)
                    _ = try model.predict(row, rows: 1)
                }
            }
        }
        for value in ["b", "quotient", "long", "x", "out"] {
            _ = try? Forgery(bytes) { $0.encodings[value] = nil }.model().predict(row, rows: 1)
            _ = try? Forgery(bytes) { $0.wideEncodings[value] = 1 }.model().predict(row, rows: 1)
            _ = try? Forgery(bytes) {
                $0.golden = nil
                $0.encodings[value] = nil
                $0.wideEncodings[value] = 0.001
            }.model().predict(row, rows: 1)
        }
        for operation: ModelGraph.Operation in [
            .softmax, .gather(table: "b.weights"), .argMax(axis: 0, takesLast: true), .normalize(.max),
            .transpose(permutation: [0, 1, 2]), .reshape(shape: [48]),
        ] {
            for index in 0..<6 {
                _ = try? Forgery(bytes) {
                    $0.golden = nil
                    $0.graph?.nodes[index].operation = operation
                }.model().predict(row, rows: 1)
            }
        }
        // More elements than a model of float layers may have.
        #expect(throws: InferenceError.self) {
            try Forgery(bytes) { $0.graph?.inputs[0].shape = [1 << 12, 1 << 12, 3] }.model()
        }
    }
}
