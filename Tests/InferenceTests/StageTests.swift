import Inference
import ModelContainer
import ModelGraph
import Quantization
import Testing

@Suite("What is done besides rounding")
struct StageTests {
    /// Layers whose channels differ by orders of magnitude, as those of trained depthwise networks do.
    private static func uneven(_ activation: Activation) -> SmallModel {
        var model = SmallModel(inputs: [("x", [5, 5, 3])], seed: 11)
        model.addConvolution("first", "x", from: 3, to: 8, size: 3, activation: activation)
        model.addConvolution("depthwise", "first", from: 8, to: 8, size: 3, groups: 8, activation: activation)
        model.add("pool", .averagePool(Window(size: Extent(2), stride: Extent(1)), countsPadding: true), "depthwise")
        model.addConvolution("project", "pool", from: 8, to: 6)
        model.add("shape", .reshape(shape: [96]), "project")
        model.addFullyConnected("out", "shape", from: 96, to: 4)
        for (name, scales) in [
            ("first", [Float](arrayLiteral: 4, 0.02, 1, 0.1, 2, 0.05, 0.5, 0.3)),
            ("depthwise", [1, 3, 0.03, 0.5, 0.1, 1, 0.02, 2]), ("project", [1, 0.05, 0.3, 0.02, 2, 0.1]),
        ] {
            for part in ["w", "b"] {
                guard let tensor = model.graph.constants["\(name).\(part)"], let floats = try? tensor.floats else {
                    continue
                }
                let width = floats.count / scales.count
                model.graph.constants["\(name).\(part)"] = Tensor(
                    shape: tensor.shape,
                    floats: floats.indices.map { floats[$0] * scales[$0 / width] }
                )
            }
        }
        return model
    }

    @Test("Equalization brings back small channels", arguments: [Activation.none, .relu, .relu6])
    func equalization(_ activation: Activation) throws {
        let model = Self.uneven(activation)
        let (_, plain) = try model.quantized()
        let (quantized, equalized) = try model.quantized(QuantizationOptions(equalizes: true))
        let measure = try #require(equalized.report.measures.first)
        #expect(measure.name == "equalization" && measure.isKept && measure.after > measure.before)
        #expect(measure.details.count == 3)
        #expect(equalized.report.signalToNoiseDB > plain.report.signalToNoiseDB)
        #expect(try ModelContainer(parsing: equalized.container).tensorNames.contains("first.equalization"))
        // The report compares with the equalized float model, whose answers are those of the model as it was.
        let floats = try FloatInterpreter(model.graph).run(model.calibration, rows: model.rows)
        let answers = try quantized.predict(model.calibration, rows: model.rows)
        let error = zip(floats, answers).reduce(0.0) { max($0, Double(($1.0 - $1.1).magnitude)) }
        #expect((error - equalized.report.maxAbsError).magnitude < 1e-4)
    }

    @Test("Bias correction takes the mean error out of the answers")
    func bias() throws {
        var model = SmallModel(inputs: [("x", [12])], seed: 21)
        model.addFullyConnected("dense", "x", from: 12, to: 24, activation: .relu)
        model.addFullyConnected("out", "dense", from: 24, to: 6)
        // One large weight makes the steps of the others coarse; what is read is never negative, so that errors have a mean.
        for name in ["dense.w", "out.w"] {
            let tensor = try #require(model.graph.constants[name])
            var floats = try tensor.floats
            for row in stride(from: 0, to: floats.count, by: tensor.shape[1]) { floats[row] *= 12 }
            model.graph.constants[name] = Tensor(shape: tensor.shape, floats: floats)
        }
        func meanErrors(_ options: QuantizationOptions) throws -> (Double, QuantizationReport) {
            let (quantized, result) = try model.quantized(options)
            let floats = try FloatInterpreter(model.graph).run(model.calibration, rows: model.rows)
            let answers = try quantized.predict(model.calibration, rows: model.rows)
            var sums = [Double](repeating: 0, count: 6)
            for index in floats.indices { sums[index % 6] += Double(floats[index] - answers[index]) }
            return (sums.reduce(0) { $0 + $1.magnitude }, result.report)
        }
        let (plain, _) = try meanErrors(QuantizationOptions())
        let (corrected, report) = try meanErrors(QuantizationOptions(correctsBias: true))
        #expect(corrected < 0.7 * plain)
        let measure = try #require(report.measures.first)
        #expect(measure.name == "bias correction" && measure.isKept && measure.details.count == 2)
    }

    @Test("AdaRound lowers the error of every layer that it changes, and the answers gain")
    func adaround() throws {
        let model = Self.uneven(.relu)
        let (_, plain) = try model.quantized()
        let (_, learned) = try model.quantized(QuantizationOptions(roundingIterations: 60))
        let measure = try #require(learned.report.measures.first)
        #expect(measure.name == "adaround")
        #expect(measure.details.count == 4)
        for line in measure.details {
            let share = line.split(separator: ", ").last?.split(separator: "%").first.flatMap { Int($0) }
            #expect(share ?? 100 <= 100, "\(line)")
        }
        if measure.isKept { #expect(learned.report.signalToNoiseDB >= plain.report.signalToNoiseDB) }
    }

    @Test("All together give the same bytes again, and no option leaves a model worse")
    func together() throws {
        let model = Self.uneven(.relu6)
        let (_, plain) = try model.quantized()
        let (_, result) = try model.quantized(
            QuantizationOptions(
                lossBudget: LossBudget(decibels: plain.report.signalToNoiseDB + 2),
                equalizes: true,
                correctsBias: true,
                roundingIterations: 30
            )
        )
        #expect(
            result.report.measures.map(\.name) == ["equalization", "mixed precision", "adaround", "bias correction"]
        )
        #expect(result.report.signalToNoiseDB >= plain.report.signalToNoiseDB + 2)
    }

    @Test("Factors that do not fit are refused when models are compared")
    func factors() throws {
        let model = Self.uneven(.relu)
        let (_, result) = try model.quantized(QuantizationOptions(equalizes: true))
        var forgery = try Forgery(result.container) { _ in }
        forgery.replace("first.equalization", Tensor(shape: [3], floats: [1, 2, 3]))
        let container = try forgery.container()
        #expect(throws: InferenceError.self) {
            try Quantizer.compare(
                float: model.container(),
                quantized: container,
                inputs: model.calibration,
                rows: model.rows
            )
        }
    }
}
