import Inference
import ModelContainer
import ModelGraph
import Quantization
import Testing

@Suite("Values of 16 bits among values of 8")
struct PrecisionTests {
    /// Convolutions with a pool, an addition and a tail.
    private static var network: SmallModel {
        var model = SmallModel(inputs: [("x", [6, 6, 3])], seed: 5)
        model.addConvolution("first", "x", from: 3, to: 8, size: 3, activation: .relu)
        model.add("pool", .maxPool(Window(size: Extent(2), stride: Extent(2))), "first")
        model.addConvolution("depthwise", "pool", from: 8, to: 8, size: 3, groups: 8, activation: .relu6)
        model.addConvolution("project", "depthwise", from: 8, to: 8)
        model.add("sum", .arithmetic(Arithmetic(.add)), "pool", "project")
        model.addFullyConnected("out", "sum", from: 72, to: 4)
        return model
    }

    @Test("All values in 16 bits: what has no such operator stays float, and the answers are better")
    func all() throws {
        let (_, bytes) = try Self.network.quantized()
        let (model, wide) = try Self.network.quantized(QuantizationOptions(width: .halfwords))
        #expect(wide.floatLayers.map(\.node) == ["pool", "sum"])
        #expect(model.manifest.encodings.isEmpty)
        #expect(wide.report.signalToNoiseDB > bytes.report.signalToNoiseDB + 5)
        #expect(throws: InferenceError.self) {
            try Self.network.quantized(QuantizationOptions(width: .halfwords, allowsFloat: false))
        }
    }

    @Test("A loss budget raises as few layers as suffice, says which and why, and keeps its promise")
    func budget() throws {
        let (_, plain) = try Self.network.quantized()
        let start = plain.report.signalToNoiseDB
        var raised: [Int] = []
        for more in [1.0, 4, 8] {
            let budget = try #require(LossBudget(decibels: start + more))
            let (model, result) = try Self.network.quantized(QuantizationOptions(lossBudget: budget))
            #expect(result.report.signalToNoiseDB >= start + more)
            let measure = try #require(result.report.measures.first)
            #expect(measure.name == "mixed precision" && measure.before == start)
            #expect(measure.after == result.report.signalToNoiseDB)
            #expect(measure.details.allSatisfy { $0.contains("of the noise") })
            raised.append(measure.details.count)
            #expect(!model.manifest.wideEncodings.isEmpty || !result.floatLayers.isEmpty)
        }
        #expect(raised[0] >= 1 && raised == raised.sorted())
        let (_, easy) = try Self.network.quantized(QuantizationOptions(lossBudget: LossBudget(decibels: 1)))
        #expect(easy.report.signalToNoiseDB == start)
    }

    @Test("Without float layers, only values with operators of 16 bits are raised, or the budget is refused")
    func withoutFloat() throws {
        let budget = try #require(LossBudget("0.0001%"))
        #expect((budget.decibels - 120).magnitude < 1e-6)
        #expect {
            try Self.network.quantized(QuantizationOptions(allowsFloat: false, lossBudget: budget))
        } throws: { error in
            guard case InferenceError.budget(wanted: budget.decibels, let reached) = error else { return false }
            return reached < 120
        }
        var model = SmallModel(inputs: [("x", [8])], seed: 3)
        for layer in 0..<3 {
            model.addFullyConnected(
                "dense\(layer)",
                layer == 0 ? "x" : "dense\(layer - 1)",
                from: 8,
                to: 8,
                activation: .relu
            )
        }
        model.addFullyConnected("out", "dense2", from: 8, to: 2)
        let (_, plain) = try model.quantized()
        let wanted = LossBudget(decibels: plain.report.signalToNoiseDB + 1)
        let (_, result) = try model.quantized(QuantizationOptions(allowsFloat: false, lossBudget: wanted))
        #expect(result.floatLayers.isEmpty)
        #expect(result.report.signalToNoiseDB >= plain.report.signalToNoiseDB + 1)
    }

    @Test("Budgets are read as decibels or as a share of errors")
    func texts() throws {
        #expect(LossBudget("40dB")?.decibels == 40)
        #expect(LossBudget("40.5 dB")?.description == "40.50 dB" || LossBudget("40.5 dB")?.description == "40.5 dB")
        let one = try #require(LossBudget("1%"))
        #expect((one.decibels - 40).magnitude < 1e-6)
        for text in ["", "40", "dB", "%", "-1%", "0%", "101%", "130dB", "-1dB", "nandB", "nan%", "1e400%"] {
            #expect(LossBudget(text) == nil, "\(text)")
        }
    }

    @Test("Random models in 16 bits answer alike on every engine", arguments: 0..<6)
    func random(_ seed: Int) throws {
        let random = RandomModel(seed: UInt64(seed))
        let (model, result) = try random.quantized(width: .halfwords)
        let fast = try model.predict(random.inputs, rows: random.rows).map(\.bitPattern)
        #expect(try model.predict(random.inputs, rows: random.rows, engine: .reference).map(\.bitPattern) == fast)
        #expect(result.report.signalToNoiseDB > 10)
    }
}
