import Foundation
import Inference
import ModelContainer
import ModelConversion
import ModelGraph
import ModelImport
import Testing

/// Files that are quantized already keep their integers.
@Suite(.timeLimit(.minutes(2)))
struct KeptEncodingsTests {
    /// A model made of a file without any calibration, and what it answers, in the integers of the file.
    private struct Kept {
        let source: SourceModel
        let result: QuantizationResult
        let model: QuantizedModel

        init(_ bytes: [UInt8]) throws {
            source = try SourceModel(bytes)
            result = try Quantizer.quantize(
                model: source.container,
                calibration: [],
                rows: 0,
                options: QuantizationOptions(goldenRows: 4, fixed: source.encodings)
            )
            model = try QuantizedModel(ModelContainer(parsing: result.container))
        }

        /// The answers in the steps of the file's output, for rows of the file's integers.
        func answers(_ rows: [Int8]) throws -> [Int] {
            let imported = try #require(source.imported)
            let (input, output) = (imported.inputs[0], imported.outputs[0])
            let tensor = SourceTensor(shape: [rows.count], integers: rows.map { Int($0) }, type: .int8)
            let reals = imported.graphOrder(input.real(tensor))
            let answers = try model.predict(reals, rows: reals.count / model.inputCount)
            let encoding = try #require(output.encoding)
            let scale = try #require(encoding.scales.floats.first)
            let zero = encoding.zeroPoints.first ?? 0
            return answers.map { min(max(Int(($0 / scale).rounded(.toNearestOrEven)) + zero, -128), 127) }
        }
    }

    private func int8s(_ bytes: some Collection<UInt8>) -> [Int8] { bytes.map { Int8(bitPattern: $0) } }

    @Test("The sine of tflite-micro keeps everything and gives the bytes of its reference kernels")
    func sine() throws {
        let kept = try Kept(Files.fixture("hello_world_int8.tflite"))
        #expect(kept.result.kept.departures.isEmpty, "\(kept.result.kept.departures)")
        #expect(kept.result.kept.values == 4 && kept.result.kept.constants == 6)
        let own = try kept.answers(int8s(Files.fixture("hello_inputs.i8.bin")))
        let reference = int8s(try Files.fixture("hello_int8.expected.bin"))
        #expect(own == reference.map { Int($0) })
    }

    @Test("The words of DS-CNN keep all weights, and give the bytes of the reference kernels")
    func words() throws {
        let kept = try Kept(Files.fixture("kws_int8.tflite"))
        #expect(kept.result.kept.constants == 20, "\(kept.result.kept.departures)")
        // The softmax of the answer works on real numbers.
        #expect(kept.result.kept.departures.map(\.name) == ["Identity"], "\(kept.result.kept.departures)")
        let own = try kept.answers(int8s(Files.fixture("kws_inputs.i8.bin")))
        let reference = int8s(try Files.fixture("kws_int8.expected.bin")).map { Int($0) }
        report("kws_int8", own, reference, width: 12)
        #expect(own == reference)
    }

    @Test("ResNet8 keeps all weights, and its classes")
    func things() throws {
        let kept = try Kept(Files.fixture("resnet8_int8.tflite"))
        #expect(kept.result.kept.constants == 20, "\(kept.result.kept.departures)")
        #expect(kept.result.kept.departures.count == 1, "\(kept.result.kept.departures)")
        guard let folder = Files.sharedModels?.appendingPathComponent("resnet8-cifar10") else {
            print("skipped: there is no ../shared/data/models beside this repository")
            return
        }
        let pixels = try Data(contentsOf: folder.appendingPathComponent("inputs.u8.bin"))
        let own = try kept.answers(pixels.map { Int8(bitPattern: $0 ^ 0x80) })
        let expected = try Data(contentsOf: folder.appendingPathComponent("int8.expected.bin"))
        report("resnet8_int8", own, int8s(expected).map { Int($0) }, width: 10)
    }

    private func report(_ name: String, _ own: [Int], _ reference: [Int], width: Int) {
        #expect(own.count == reference.count)
        let steps = zip(own, reference).map { abs($0 - $1) }
        let mean = Double(steps.reduce(0, +)) / Double(steps.count)
        let same = agreement(
            topClasses(own.map { Float($0) }, width: width),
            topClasses(reference.map { Float($0) }, width: width)
        )
        print("\(name): top-1 agreement \(same), \(mean) steps in the mean, \(steps.max() ?? 0) at most")
        #expect(same >= 0.97)
        // Near ties of the classes move by many steps behind a softmax: two runtimes of others differ by 64.
        #expect(mean < 2)
    }
}
