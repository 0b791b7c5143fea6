import Foundation
import ModelContainer
import ModelGraph
import ModelImport
import Testing

/// Files that are cut, flipped, or something else: one clear error each, never a trap.
@Suite(.timeLimit(.minutes(2)))
struct HostileFileTests {
    /// The error of a file that must not be read.
    private func refusal(_ bytes: [UInt8]) throws -> String {
        let error = try #require(throws: ImportError.self) { try ModelImporter.read(bytes) }
        return error.description
    }

    @Test("What is no model is named")
    func otherKinds() throws {
        #expect(try refusal([]) == "not a model: the file is empty")
        #expect(
            try refusal(Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".utf8)).contains("Git LFS")
        )
        #expect(try refusal([0x89] + Array("HDF\r\n\u{1a}\n".utf8)).contains("HDF5"))
        #expect(try refusal(Array("PK\u{3}\u{4}".utf8)).contains("ZIP"))
        #expect(try refusal(Array("<!DOCTYPE html>".utf8)).contains("web page"))
        #expect(try refusal([0xff, 0x00, 0x01]).contains("neither ONNX nor TFLite"))
        #expect(try refusal([0x08, 0x07]).contains("no graph"))
        #expect(try refusal([0, 0, 0, 0] + Array("TFL3".utf8)).hasPrefix("damaged"))
    }

    @Test(
        "A file that is cut anywhere is refused",
        arguments: ["mnist.onnx", "kws_int8.tflite", "hello_world_float.tflite"]
    )
    func cut(_ name: String) throws {
        let bytes = try Files.fixture(name)
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
            // A cut may leave what is needed, as the description at the end; everything else is an error.
            _ = try? ModelImporter.read(Array(bytes[..<length]))
        }
        #expect(throws: ImportError.self) { try ModelImporter.read(Array(bytes[..<(bytes.count / 2)])) }
    }

    @Test("Damaged files never trap", arguments: ["mnist.onnx", "kws_int8.tflite", "hello_world_int8.tflite"])
    func mutated(_ name: String) throws {
        let bytes = try Files.fixture(name)
        var mutator = Mutator(seed: 20_261_124)
        var read = 0
        for _ in 0..<Mutator.rounds(600) {
            guard let model = try? ModelImporter.read(mutator.mutate(bytes)) else { continue }
            read += 1
            #expect(throws: Never.self) { try model.graph.validate() }
        }
        print("\(name): \(read) damaged files were still models (seed 20261124)")
    }

    @Test("Damaged containers never trap")
    func containers() throws {
        let model = try ModelImporter.read(Files.fixture("hello_world_float.tflite"))
        let tensors = ModelContainer.constants(of: model.graph)
        let bytes = try ModelContainer.encode(
            manifest: Manifest(kind: .floatModel, graph: model.graph.structure),
            tensors: tensors
        )
        var mutator = Mutator(seed: 7)
        for _ in 0..<Mutator.rounds(2000) {
            guard let container = try? ModelContainer(parsing: mutator.mutate(bytes)) else { continue }
            _ = try? container.graph
        }
        #expect(try ModelContainer(parsing: bytes).graph == model.graph)
    }
}

/// Damages files in the ways of a fuzzer; the same seed gives the same.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// How often a test tries; `HEXLOOP_FUZZ_ROUNDS` makes it more.
    static func rounds(_ usual: Int) -> Int {
        ProcessInfo.processInfo.environment["HEXLOOP_FUZZ_ROUNDS"].flatMap { Int($0) } ?? usual
    }

    private mutating func number(below limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(limit, 1)
    }

    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        // Most of a file are weights, whose values hardly matter; half of the damage goes where the structure is.
        for _ in 0...number(below: 4) {
            guard !bytes.isEmpty else { return bytes }
            let region = number(below: 2) == 0 ? bytes.count : min(bytes.count, 3000)
            let place = number(below: 4) == 0 ? bytes.count - 1 - number(below: region) : number(below: region)
            switch number(below: 7) {
            case 0: bytes[place] ^= 1 << UInt8(number(below: 8))
            case 1: bytes[place] = UInt8(number(below: 256))
            case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][number(below: 5)]
            case 3:
                for offset in 0..<4 where place + offset < bytes.count { bytes[place + offset] = 0xff }
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + number(below: 16)))
            case 5:
                let part = bytes[place..<min(bytes.count, place + 1 + number(below: 64))]
                bytes.insert(contentsOf: part, at: number(below: bytes.count))
            default:
                let word = UInt32(truncatingIfNeeded: number(below: 1 << 30)) >> UInt32(number(below: 30))
                for offset in 0..<4 where place + offset < bytes.count {
                    bytes[place + offset] = UInt8(truncatingIfNeeded: word >> UInt32(8 * offset))
                }
            }
        }
        return bytes
    }
}
