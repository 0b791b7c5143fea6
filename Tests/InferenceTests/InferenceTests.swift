import Inference
import Kernels
import ModelContainer
import ModelGraph
import Quantization
import Testing

@Suite("A quantized model answers nearly as the float model")
struct QuantizedModelTests {
    @Test("A regression is close, over features of very different units", arguments: [UInt64(1), 2, 3])
    func regression(_ seed: UInt64) throws {
        let example = try Example.regression(seed: seed)
        let (model, result) = try example.quantized()
        let floats = try FloatInterpreter(example.graph).run(example.inputs, rows: example.rows)
        let answers = try model.predict(example.inputs, rows: example.rows)
        let spread = (floats.max() ?? 0) - (floats.min() ?? 0)
        let errors = zip(floats, answers).map { (Double($0) - Double($1)).magnitude }
        #expect((errors.max() ?? 1) < Double(0.05 * spread))
        #expect(result.report.maxAbsError == errors.max())
        #expect(result.report.signalToNoiseDB > 25)
        #expect(result.report.layers.map(\.name) == ["features", "hidden1", "hidden2", "out"])
        #expect(result.report.layers.allSatisfy { $0.saturatedShare == 0 && $0.signalToNoiseDB > 20 })
        // The accumulator has many more levels than a byte.
        #expect(Set(answers).count > example.rows * 9 / 10)
    }

    @Test("A classification gives probabilities and the same classes")
    func classification() throws {
        let example = try Example.classification(seed: 4)
        let (model, _) = try example.quantized()
        #expect(model.outputCount == 3)
        let floats = try FloatInterpreter(example.graph).run(example.inputs, rows: example.rows)
        let answers = try model.predict(example.inputs, rows: example.rows)
        var agreements = 0
        for row in 0..<example.rows {
            let probabilities = answers[row * 3..<row * 3 + 3]
            #expect((probabilities.reduce(0, +) - 1).magnitude < 1e-5)
            let best = probabilities.max()
            agreements +=
                probabilities.firstIndex { $0 == best }
                    == floats[row * 3..<row * 3 + 3].firstIndex {
                        $0 == floats[row * 3..<row * 3 + 3].max()
                    } ? 1 : 0
        }
        #expect(agreements >= example.rows * 9 / 10)
    }

    @Test("Every engine gives the same bits")
    func engines() throws {
        let example = try Example.regression(seed: 5)
        let (model, _) = try example.quantized()
        let expected = try model.predict(example.inputs, rows: example.rows).map(\.bitPattern)
        let engines = [QuantizedModel.Engine.reference] + KernelVariant.available.map { .variant($0) }
        for engine in engines {
            let answers = try model.predict(example.inputs, rows: example.rows, engine: engine)
            #expect(answers.map(\.bitPattern) == expected, "\(engine)")
            try model.verifyGolden(engine: engine)
        }
    }

    @Test("Rows do not influence each other")
    func rows() throws {
        let example = try Example.regression(seed: 6)
        let (model, _) = try example.quantized()
        let all = try model.predict(example.inputs, rows: example.rows)
        for row in 0..<example.rows {
            let one = try model.predict(Array(example.inputs[row * 4..<row * 4 + 4]), rows: 1)
            #expect(one == [all[row]])
        }
        #expect(try model.predict([], rows: 0) == [])
    }

    @Test("Inputs far outside the calibration saturate and stay finite")
    func outside() throws {
        let (model, _) = try Example.regression(seed: 7).quantized()
        let answers = try model.predict([1e30, -1e30, .greatestFiniteMagnitude, 0], rows: 1)
        #expect(answers.allSatisfy { $0.isFinite })
    }

    @Test("NaN and infinity are refused by name")
    func nonFinite() throws {
        let (model, _) = try Example.regression(seed: 8).quantized()
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(throws: InferenceError.nonFiniteInput(row: 1, feature: "volume", element: 1)) {
                try model.predict([1, 2, 3, 4, 5, 6, 7, value], rows: 2)
            }
        }
        #expect(throws: InferenceError.inputCount(expected: 8, actual: 7)) {
            try model.predict([Float](repeating: 0, count: 7), rows: 2)
        }
        #expect(throws: InferenceError.self) { try model.predict([], rows: -1) }
        #expect(throws: InferenceError.self) { try model.predict([], rows: .max) }
    }
}

@Suite("Golden answers travel with the model")
struct GoldenAnswerTests {
    @Test("They hold as converted")
    func hold() throws {
        let example = try Example.regression(seed: 9)
        let (model, _) = try example.quantized()
        #expect(model.manifest.golden?.inputs.count == 5)
        try model.verifyGolden()
    }

    @Test("One bit off is found, with its row")
    func oneBit() throws {
        let example = try Example.regression(seed: 10)
        let (_, result) = try example.quantized()
        let forged = try Forgery(result.container) { manifest in
            if let bits = manifest.golden?.outputs[3][0].bitPattern {
                manifest.golden?.outputs[3][0] = Float(bitPattern: bits ^ 1)
            }
        }.model()
        #expect {
            try forged.verifyGolden()
        } throws: { error in
            guard case InferenceError.goldenMismatch(row: 3, output: 0, _, _) = error else { return false }
            return true
        }
    }

    @Test("A changed weight is found")
    func changedWeight() throws {
        let (_, result) = try Example.regression(seed: 11).quantized()
        var forgery = try Forgery(result.container) { _ in }
        let weights = try forgery.tensor("out.weights")
        forgery.replace("out.weights", Tensor(shape: weights.shape, int8s: try weights.int8s.map { -$0 }))
        let model = try forgery.model()
        #expect(throws: InferenceError.self) { try model.verifyGolden() }
    }
}

@Suite("Quantization is deterministic and names what it cannot do")
struct QuantizerTests {
    @Test("The same model and rows give the same digest")
    func deterministic() throws {
        let first = try Example.regression(seed: 12).quantized()
        let second = try Example.regression(seed: 12).quantized()
        #expect(first.result.container == second.result.container)
        #expect(first.model.digest == second.model.digest)
    }

    @Test("The standardization folds into the input")
    func folding() throws {
        let example = try Example.regression(seed: 13)
        let (model, _) = try example.quantized()
        #expect(model.manifest.graph?.nodes.map(\.name) == ["hidden1", "hidden2", "out"])
        #expect(model.manifest.layers.map(\.output) == [.requantized, .requantized, .accumulator])
        #expect(model.features == example.features)
        #expect(try model.manifest.lineage?.parent == example.container().digest)
    }

    @Test(
        "Layers that are dead, or all but dead, on the calibration rows convert",
        arguments: [Float(0), 1e-30, 1e-12]
    )
    func deadLayers(_ factor: Float) throws {
        var example = try Example.regression(seed: 14)
        let weights = try #require(example.graph.constants["hidden2.w"])
        example.graph.constants["hidden2.w"] = Tensor(
            shape: weights.shape,
            floats: try weights.floats.map { $0 * factor }
        )
        example.graph.constants["hidden2.b"] = Tensor(shape: [8], floats: [Float](repeating: 0, count: 8))
        let (model, result) = try example.quantized()
        #expect(result.report.maxAbsError < 1e-3)
        try model.verifyGolden(engine: .reference)
    }

    @Test("A large bias beside small weights converts")
    func largeBias() throws {
        var example = try Example.regression(seed: 15)
        example.graph.constants["out.b"] = Tensor(shape: [1], floats: [50_000])
        let (_, result) = try example.quantized()
        #expect(result.report.maxAbsError < 1)
    }

    @Test("relu6 caps hidden values")
    func relu6() throws {
        var example = try Example.regression(seed: 16)
        example.graph.nodes[1].operation = .fullyConnected(
            weights: "hidden1.w",
            bias: "hidden1.b",
            activation: .relu6
        )
        example.graph.constants["hidden1.b"] = Tensor(shape: [16], floats: [Float](repeating: 5.5, count: 16))
        let (model, result) = try example.quantized()
        #expect(result.report.layers[1].max == 6)
        #expect(result.report.signalToNoiseDB > 20)
        try model.verifyGolden(engine: .reference)
    }

    @Test("Calibration must have rows of finite numbers")
    func calibration() throws {
        let example = try Example.regression(seed: 17)
        #expect(throws: InferenceError.noCalibrationRows) {
            try Quantizer.quantize(
                model: example.container(),
                calibration: [],
                rows: 0,
                options: QuantizationOptions(goldenRows: 1)
            )
        }
        #expect(throws: InferenceError.nonFiniteInput(row: 1, feature: "features", element: 2)) {
            try Quantizer.quantize(
                model: example.container(),
                calibration: [1, 2, 3, 4, 5, 6, .nan, 8],
                rows: 2,
                options: QuantizationOptions(goldenRows: 1)
            )
        }
        #expect(throws: InferenceError.self) {
            try Quantizer.quantize(
                model: example.container(),
                calibration: [1],
                rows: 1,
                options: QuantizationOptions(goldenRows: 1)
            )
        }
    }

    @Test("Graphs and kinds that do not run are refused by name")
    func unsupported() throws {
        var example = try Example.regression(seed: 18)
        let (_, result) = try example.quantized()
        #expect(throws: InferenceError.wrongKind(expected: .floatModel, actual: .quantizedModel)) {
            try Quantizer.quantize(
                model: ModelContainer(parsing: result.container),
                calibration: example.inputs,
                rows: example.rows,
                options: QuantizationOptions(goldenRows: 1)
            )
        }
        let float = try example.container()
        #expect(throws: InferenceError.wrongKind(expected: .quantizedModel, actual: .floatModel)) {
            try QuantizedModel(float)
        }
        example.graph.nodes.append(Node(name: "again", operation: .normalize(.l2), input: "y", output: "z"))
        example.graph.outputs = ["z"]
        let options = QuantizationOptions(goldenRows: 1, width: .halfwords, allowsFloat: false)
        #expect {
            try Quantizer.quantize(
                model: example.container(),
                calibration: example.inputs,
                rows: example.rows,
                options: options
            )
        } throws: { error in
            guard case InferenceError.needsFloat(let layers) = error else { return false }
            return layers.map(\.node) == ["again"]
        }
    }
}

@Suite("A container that lies is refused before it runs")
struct HostileModelTests {
    @Test("Manifest fields are checked")
    func manifest() throws {
        let (_, result) = try Example.regression(seed: 19).quantized()
        let lies: [(inout Manifest) -> Void] = [
            { $0.task = nil },
            { $0.graph = nil },
            { $0.layers = [] },
            { $0.layers.reverse() },
            { $0.layers[2].output = .requantized },
            { $0.layers[0].output = .accumulator },
            { $0.encodings = [:] },
            { $0.encodings["hidden1"] = nil },
            { $0.features[0].shape = [1] },
            { $0.features[0].shape = [-3] },
            { $0.features[0].shape = [.max, .max] },
            { $0.features.append(Feature(name: "more", shape: [.max])) },
            { $0.golden?.inputs[0] = [] },
            { $0.golden?.outputs.removeLast() },
            { $0.graph?.nodes.removeLast() },
            { $0.graph?.outputs = ["hidden2"] },
            { $0.graph?.nodes[0].operation = .softmax },
            { $0.graph?.inputs[0].shape = [.max, 3] },
            { $0.graph?.inputs[0].shape = [] },
        ]
        for (index, lie) in lies.enumerated() {
            #expect(throws: InferenceError.self, "lie \(index)") { try Forgery(result.container, lie).model() }
        }
    }

    @Test("Tensors are checked")
    func tensors() throws {
        let (_, result) = try Example.regression(seed: 20).quantized()
        let words = [Int32](repeating: 0, count: 16)
        let lies: [(String, Tensor?)] = [
            ("input.gain", nil),
            ("input.gain", Tensor(shape: [1], floats: [1])),
            ("input.offset", Tensor(shape: [4], floats: [1, 2, .nan, 4])),
            ("out.scale", Tensor(shape: [1], floats: [0])),
            ("out.scale", Tensor(shape: [1], floats: [.infinity])),
            ("out.scale", Tensor(shape: [1], int32s: [1])),
            ("out.bias", Tensor(shape: [1], floats: [1])),
            ("hidden1.weights", nil),
            ("hidden1.weights", Tensor(shape: [16, 4], uint8s: [UInt8](repeating: 1, count: 64))),
            ("hidden1.multiplier", Tensor(shape: [15], int32s: [Int32](words.dropLast()))),
            ("hidden1.left-shift", Tensor(shape: [16], int32s: words.map { $0 - 1 })),
            ("hidden1.right-shift", Tensor(shape: [16], int32s: words.map { $0 + 32 })),
            // Sums that could overflow, and left shifts that could lose bits.
            ("hidden1.bias", Tensor(shape: [16], int32s: words.map { _ in .max })),
            ("hidden1.left-shift", Tensor(shape: [16], int32s: words.map { $0 + 31 })),
        ]
        for (name, tensor) in lies {
            var forgery = try Forgery(result.container) { _ in }
            forgery.replace(name, tensor)
            #expect(throws: InferenceError.self, "\(name) \(String(describing: tensor?.shape))") {
                try forgery.model()
            }
        }
    }
}
