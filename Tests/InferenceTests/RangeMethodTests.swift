import Inference
import ModelContainer
import Quantization
import Testing

@Suite("Ranges of values follow from the method that is asked for")
struct RangeMethodTests {
    private func quantize(
        _ example: Example,
        _ method: RangeMethod,
        width: Quantizer.ActivationWidth = .bytes
    ) throws -> (ModelContainer, QuantizationReport, calls: [Quantizer.Phase: Int]) {
        var calls: [Quantizer.Phase: Int] = [:]
        let result = try Quantizer.quantize(
            model: example.container(),
            calibration: example.inputs,
            rows: example.rows,
            options: QuantizationOptions(goldenRows: 3, width: width, ranges: method)
        ) { phase, done, total in
            #expect(total == example.rows)
            #expect(done > calls[phase] ?? 0)
            calls[phase] = done
        }
        return (try ModelContainer(parsing: result.container), result.report, calls)
    }

    @Test("The same options give the same digest, and others another")
    func digests() throws {
        let example = try Example.classification(seed: 31)
        var digests: Set<String> = []
        var encodings: Set<[String: Encoding]> = []
        let methods: [RangeMethod] = [.minMax, .percentile(99), .percentile(95), .meanSquaredError, .entropy]
        for method in methods {
            let (container, report, calls) = try quantize(example, method)
            #expect(try quantize(example, method).0.digest == container.digest)
            digests.insert(container.digest)
            encodings.insert(container.manifest.encodings)
            #expect(container.manifest.metadata[Quantizer.rangeMethodKey] == (method == .minMax ? nil : "\(method)"))
            #expect(report.signalToNoiseDB > 5, "\(method)")
            #expect(calls == [.calibration: example.rows, .comparison: example.rows])
            try QuantizedModel(container).verifyGolden(engine: .reference)
        }
        #expect(digests.count == methods.count)
        #expect(encodings.count >= 4)
    }

    @Test("What a percentile cuts off saturates")
    func saturation() throws {
        let example = try Example.regression(seed: 32)
        let (_, all, _) = try quantize(example, .minMax)
        let (_, cut, _) = try quantize(example, .percentile(80))
        #expect(all.layers.allSatisfy { $0.saturatedShare == 0 })
        #expect(cut.layers.contains { $0.saturatedShare > 0.05 })
    }

    @Test("16 bits have room for everything")
    func halfwords() throws {
        let example = try Example.regression(seed: 33)
        let (all, _, _) = try quantize(example, .minMax, width: .halfwords)
        #expect(try quantize(example, .percentile(80), width: .halfwords).0.digest == all.digest)
    }

    @Test("A share that is none is refused")
    func refusal() throws {
        let example = try Example.regression(seed: 34)
        #expect(throws: InferenceError.self) { try quantize(example, .percentile(10)) }
    }
}
