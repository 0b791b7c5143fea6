import Foundation
import ModelImport
import Testing

/// Real models beside the answers of their own runtimes.
@Suite(.timeLimit(.minutes(2)))
struct ReferenceTests {
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
        let inputs = try Files.int8(Files.fixture("kws_inputs.i8.bin"), [300, 49, 10, 1])
        let answers = topClasses(try FileRun(model).run([inputs], rows: 300)[0].floats, width: 12)
        let reference = try Files.int8(Files.fixture("kws_int8.expected.bin"), [300, 12]).floats
        let labels = String(decoding: try Files.fixture("kws_labels.txt"), as: UTF8.self).split(separator: "\n")
            .compactMap { Int($0) }
        let same = agreement(answers, topClasses(reference, width: 12))
        let right = agreement(answers, labels)
        print("kws_int8: top-1 agreement \(same), accuracy \(right) (reference 0.8967)")
        #expect(same >= 0.97)
        #expect(right >= 0.8867)
    }

    @Test("The encodings of a quantized file are kept to the bit")
    func encodings() throws {
        let model = try ModelImporter.read(Files.fixture("kws_int8.tflite"))
        let input = try #require(model.encodings[try #require(model.inputs[0].value)])
        #expect(input.scale == 0.5847029)
        // 83 of a signed byte.
        #expect(input.zeroPoint == 83 + 128)
        for node in model.graph.nodes {
            for name in node.operation.constants {
                let constant = try #require(model.quantizedConstants[name])
                let floats = try #require(model.graph.constants[name]).floats
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
        func check(_ name: String, _ answers: [Float], _ reference: [Float], _ labels: [Int], width: Int) {
            let own = topClasses(answers, width: width)
            let theirs = topClasses(reference, width: width)
            let (same, right, asked) = (agreement(own, theirs), agreement(own, labels), agreement(theirs, labels))
            print("\(name): top-1 agreement \(same), accuracy \(right), of the reference \(asked)")
            #expect(same >= 0.97)
            #expect((right - asked).magnitude <= 0.0101)
        }
        let digits = try SourceTensor(
            type: .uint8,
            shape: [1000, 28, 28],
            bytes: bytes("mnist-cnn-onnx/inputs.u8.bin")[...],
            field: "digits"
        ).floats
        let mnist = try FileRun(ModelImporter.read(bytes("mnist-cnn-onnx/mnist.onnx")))
        check(
            "mnist",
            try mnist.run([SourceTensor(shape: [1000, 28, 28], floats: digits)], rows: 1000)[0].floats,
            try Files.float32(bytes("mnist-cnn-onnx/fp32.expected.bin"), [10000]).floats,
            try labels("mnist-cnn-onnx/labels.txt"),
            width: 10
        )
        let pictures = try SourceTensor(
            type: .uint8,
            shape: [100, 32, 32, 3],
            bytes: bytes("resnet8-cifar10/inputs.u8.bin")[...],
            field: "pictures"
        )
        let float = try FileRun(ModelImporter.read(bytes("resnet8-cifar10/resnet8_fp32.tflite")))
        let names = try labels("resnet8-cifar10/labels.txt")
        check(
            "resnet8_fp32",
            try float.run([SourceTensor(shape: [100, 32, 32, 3], floats: pictures.floats)], rows: 100)[0].floats,
            try Files.float32(bytes("resnet8-cifar10/fp32.expected.bin"), [1000]).floats,
            names,
            width: 10
        )
        let shifted = pictures.integers.map { $0 - 128 }
        let int8 = try FileRun(ModelImporter.read(bytes("resnet8-cifar10/resnet8_int8.tflite")))
        check(
            "resnet8_int8",
            try int8.run([SourceTensor(shape: [100, 32, 32, 3], integers: shifted, type: .int8)], rows: 100)[0].floats,
            try Files.int8(bytes("resnet8-cifar10/int8.expected.bin"), [1000]).floats,
            names,
            width: 10
        )
        let features = try Files.int8(bytes("kws-dscnn/inputs.i8.bin"), [300, 49, 10, 1]).integers
            .map { Float($0 - 83) * 0.5847029 }
        let words = try FileRun(ModelImporter.read(bytes("kws-dscnn/kws_float32.tflite")))
        check(
            "kws_float32",
            try words.run([SourceTensor(shape: [300, 49, 10, 1], floats: features)], rows: 300)[0].floats,
            try Files.float32(bytes("kws-dscnn/float_xnnpack.expected.bin"), [3600]).floats,
            try labels("kws-dscnn/labels.txt"),
            width: 12
        )
    }
}
