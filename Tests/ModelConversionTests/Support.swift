import Foundation
import ModelImport

/// Files that the tests read.
enum Files {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// Models with data that may not be in the repository.
    static let sharedModels: URL? = {
        let root = tests.deletingLastPathComponent()
        let folder = root.deletingLastPathComponent().appendingPathComponent("shared/data/models")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    /// A file that the tests of the importer have.
    static func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: tests.appendingPathComponent("ModelImportTests/Fixtures/\(name)")))
    }
}

/// The place of the greatest number of each row, the first of equal ones.
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
