import Foundation
import ModelGraph
import ModelImport
import Quantization
import Testing

/// Real models beside the answers of their own runtimes.
@Suite(.timeLimit(.minutes(2)))
struct ReferenceTests {
    /// At least 97 % of the same classes, and as many right ones to 1 %; of few rows one may differ.
    ///
    /// - Parameter differing: Another share of classes that may differ.
    private func check(_ name: String, _ own: [Int], _ theirs: [Int], _ labels: [Int], differing: Double = 0.03) {
        let labels = Array(labels.prefix(own.count))
        let (same, right, asked) = (agreement(own, theirs), agreement(own, labels), agreement(theirs, labels))
        print("\(name), \(own.count) rows: top-1 agreement \(same), accuracy \(right), of the reference \(asked)")
        let one = 1 / Double(max(own.count, 1)) + 1e-9
        #expect(1 - same <= max(differing, one) + 1e-9)
        #expect((right - asked).magnitude <= max(0.01, one))
    }

    @Test("The sine of tflite-micro is the one of its reference kernels, float and int8")
    func sine() throws {
        let float = try FileRun(ModelImporter.read(Files.fixture("hello_world_float.tflite")))
        let points = try Files.float32(Files.fixture("hello_inputs.f32.bin"), [200, 1])
        let expected = try Files.float32(Files.fixture("hello_float.expected.bin"), [200]).floats
        let answers = try float.run([points], rows: 200)[0].floats
        for (a, b) in zip(answers, expected) { #expect((a - b).magnitude < 1e-5) }

        let int8 = try FileRun(ModelImporter.read(Files.fixture("hello_world_int8.tflite")))
        let bytes = try Files.int8(Files.fixture("hello_inputs.i8.bin"), [200, 1])
        let steps = try Files.int8(Files.fixture("hello_int8.expected.bin"), [200]).integers
        let own = try int8.run([bytes], rows: 200)[0]
        #expect(own.type == .int8)
        // The float graph does not round between the layers.
        for (a, b) in zip(own.integers, steps) { #expect(abs(a - b) <= 6) }
    }

    @Test("The words of DS-CNN are those of its reference kernels")
    func words() throws {
        let model = try ModelImporter.read(Files.fixture("kws_int8.tflite"))
        #expect(model.encodings.count >= 12)
        #expect(model.quantizedConstants.count == 20)
        let rows = 300
        let bytes = try Files.fixture("kws_inputs.i8.bin")
        let inputs = try Files.int8(Array(bytes[..<(rows * 490)]), [rows, 49, 10, 1])
        let expected = try Files.fixture("kws_int8.expected.bin")
        let reference = try Files.int8(Array(expected[..<(rows * 12)]), [rows, 12]).floats
        let labels = String(decoding: try Files.fixture("kws_labels.txt"), as: UTF8.self).split(separator: "\n")
            .compactMap { Int($0) }
        let answers = try FileRun(model).run([inputs], rows: rows)[0].floats
        check("kws_int8", topClasses(answers, width: 12), topClasses(reference, width: 12), labels)
    }

    @Test("The encodings of a quantized file are kept to the bit")
    func encodings() throws {
        let model = try ModelImporter.read(Files.fixture("kws_int8.tflite"))
        let name = try #require(model.inputs[0].value)
        let input = try #require(model.encodings[name])
        #expect(input.scale == 0.5847029)
        // 83 of a signed byte.
        #expect(input.zeroPoint == 83 + 128)
        for node in model.graph.nodes {
            for name in node.operation.constants {
                let constant = try #require(model.quantizedConstants[name])
                let tensor = try #require(model.graph.constants[name])
                let floats = try tensor.floats
                let integers =
                    constant.integers.dataType == .int8
                    ? try constant.integers.int8s.map { Int32($0) } : try constant.integers.int32s
                let width = integers.count / constant.scales.count
                for (index, integer) in integers.enumerated() {
                    let row = constant.axis == nil ? 0 : index / width
                    #expect(floats[index] == constant.scales[row] * Float(integer - constant.zeroPoints[row]))
                }
            }
        }
    }

    @Test("Every shared model reads, and agrees with the answers of its runtime")
    func shared() throws {
        guard let folder = Files.sharedModels else {
            print("skipped: there is no ../shared/data/models beside this repository")
            return
        }
        func bytes(_ path: String) throws -> [UInt8] {
            Array(try Data(contentsOf: folder.appendingPathComponent(path)))
        }
        func labels(_ path: String) throws -> [Int] {
            String(decoding: try bytes(path), as: UTF8.self).split(separator: "\n").compactMap { Int($0) }
        }
        func top(_ path: String, _ count: Int, width: Int, isFloat: Bool) throws -> [Int] {
            let part = try Array(bytes(path)[..<(count * width * (isFloat ? 4 : 1))])
            let tensor = try isFloat ? Files.float32(part, [count, width]) : Files.int8(part, [count, width])
            return topClasses(tensor.floats, width: width)
        }
        func run(_ path: String, _ input: SourceTensor, _ rows: Int, width: Int) throws -> [Int] {
            let model = try FileRun(ModelImporter.read(bytes(path)))
            return topClasses(try model.run([input], rows: rows)[0].floats, width: width)
        }
        let digits = 1000
        let strokes = try bytes("mnist-cnn-onnx/inputs.u8.bin")[..<(digits * 784)].map { Float($0) }
        let digitTensor = SourceTensor(shape: [digits, 784], floats: strokes)
        check(
            "mnist",
            try run("mnist-cnn-onnx/mnist.onnx", digitTensor, digits, width: 10),
            try top("mnist-cnn-onnx/fp32.expected.bin", digits, width: 10, isFloat: true),
            try labels("mnist-cnn-onnx/labels.txt")
        )
        let count = 100
        let pixels = try bytes("resnet8-cifar10/inputs.u8.bin")[..<(count * 3072)].map { Int($0) }
        let things = try labels("resnet8-cifar10/labels.txt")
        let floatTensor = SourceTensor(shape: [count, 3072], floats: pixels.map { Float($0) })
        check(
            "resnet8_fp32",
            try run("resnet8-cifar10/resnet8_fp32.tflite", floatTensor, count, width: 10),
            try top("resnet8-cifar10/fp32.expected.bin", count, width: 10, isFloat: true),
            things
        )
        let byteTensor = SourceTensor(shape: [count, 3072], integers: pixels.map { $0 - 128 }, type: .int8)
        check(
            "resnet8_int8",
            try run("resnet8-cifar10/resnet8_int8.tflite", byteTensor, count, width: 10),
            try top("resnet8-cifar10/int8.expected.bin", count, width: 10, isFloat: false),
            things,
            // The float graph does not round between the layers as the file does, and ties of this model go either way:
            // two runtimes with the same integers differ in 3 of 100. Whoever computes with integers is held to 3.
            differing: 0.1
        )
        let words = 300
        let features = try Files.int8(Array(bytes("kws-dscnn/inputs.i8.bin")[..<(words * 490)]), [words, 490]).integers
        let wordTensor = SourceTensor(shape: [words, 490], floats: features.map { Float($0 - 83) * 0.5847029 })
        check(
            "kws_float32",
            try run("kws-dscnn/kws_float32.tflite", wordTensor, words, width: 12),
            try top("kws-dscnn/float_xnnpack.expected.bin", words, width: 12, isFloat: true),
            try labels("kws-dscnn/labels.txt")
        )
    }
}
