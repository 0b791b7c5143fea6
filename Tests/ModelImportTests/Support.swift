import Foundation
import ModelImport
import Testing

/// Files that the tests read.
enum Files {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// ONNX's own tests, where scripts/test-dependencies.sh has put them.
    static let nodeTests: URL? = {
        let lib = root.appendingPathComponent(".build-venv/lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib.path)) ?? []
        return versions.map { lib.appendingPathComponent($0 + "/site-packages/onnx/backend/test/data/node") }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    /// Models with data that may not be in the repository.
    static let sharedModels: URL? = {
        let folder = root.deletingLastPathComponent().appendingPathComponent("shared/data/models")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static func fixture(_ name: String) throws -> [UInt8] {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func int8(_ bytes: [UInt8], _ shape: [Int]) throws -> SourceTensor {
        try SourceTensor(type: .int8, shape: shape, bytes: bytes[...], field: "test")
    }

    static func float32(_ bytes: [UInt8], _ shape: [Int]) throws -> SourceTensor {
        try SourceTensor(type: .float32, shape: shape, bytes: bytes[...], field: "test")
    }
}

/// The place of the greatest number of each row.
func topClasses(_ answers: [Float], width: Int) -> [Int] {
    stride(from: 0, to: answers.count, by: width).map { start in
        let row = answers[start..<start + width]
        return (row.firstIndex { $0 == row.max() } ?? start) - start
    }
}

/// How many of two lists are the same, in 0...1.
func agreement(_ first: [Int], _ second: [Int]) -> Double {
    Double(zip(first, second).count { $0 == $1 }) / Double(max(first.count, 1))
}
