import Foundation
import ModelGraph
import ModelImport
import Testing

/// Models of real exporters beside the answers of their own runtimes; Fixtures/exported/make.py makes both.
@Suite(.timeLimit(.minutes(1)))
struct ExportedModelTests {
    private static let quantized = ["qdq", "qoperator", "dynamic", "dynamic_constant_nodes", "int8", "uint8", "int16"]

    private static let names: [String] = {
        let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent("exported")
        let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        return files.filter { $0.hasSuffix(".onnx") || $0.hasSuffix(".tflite") }.sorted()
    }()

    private func floats(_ name: String) throws -> [Float] {
        let bytes = try Files.fixture("exported/\(name)")
        return try Files.float32(bytes, [bytes.count / 4]).floats
    }

    @Test("There are models of every exporter")
    func all() { #expect(Self.names.count == 21) }

    @Test("A model of another program gives the answers of its runtime", arguments: names)
    func answers(_ name: String) throws {
        let stem = String(name.prefix { $0 != "." })
        let model = try ModelImporter.read(Files.fixture("exported/\(name)"))
        let input = try floats("\(stem).x.f32")
        let rows = 3
        let tensor = SourceTensor(shape: [rows] + model.inputs[0].shape.dropFirst(), floats: input)
        let answer = try FileRun(model).run([tensor], rows: rows)
        let own = model.outputs[0].real(answer[0])
        let theirs = try floats("\(stem).y.f32")
        #expect(own.count == theirs.count)
        // The float graph does not round between the layers of a quantized file.
        let isQuantized = Self.quantized.contains { stem == $0 || stem.hasSuffix("_\($0)") }
        let tolerance: Float = isQuantized ? 0.02 : stem.contains("float16") ? 1e-3 : 1e-5
        for (a, b) in zip(own, theirs) { #expect((a - b).magnitude <= tolerance, "\(a), not \(b)") }
    }

    @Test(
        "Networks of either order of dimensions need no permutation",
        arguments: names.filter { !$0.hasPrefix("moves") }
    )
    func permutations(_ name: String) throws {
        let model = try ModelImporter.read(Files.fixture("exported/\(name)"))
        #expect(!model.graph.nodes.contains { $0.operation.kind == "transpose" })
    }

    @Test("The label of a classifier is left out, however it is passed on, and its names are kept")
    func labels() throws {
        for name in ["sklearn_logistic.onnx", "sklearn_mlp.onnx"] {
            let model = try ModelImporter.read(Files.fixture("exported/\(name)"))
            #expect(model.labels == ["ape", "bee", "cat"])
            #expect(model.outputs.count == 1)
        }
    }

    @Test("Integers of quantized files are kept", arguments: ["qdq.onnx", "qoperator.onnx", "keras_int8.tflite"])
    func integers(_ name: String) throws {
        let model = try ModelImporter.read(Files.fixture("exported/\(name)"))
        #expect(model.encodings.count >= 8)
        #expect(model.quantizedConstants.count >= 7)
    }
}
