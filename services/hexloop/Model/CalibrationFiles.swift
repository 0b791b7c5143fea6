import FoundationEssentials
import Glibc
import ModelGraph
import ModelImport

/// Rows to calibrate on: a file, or all files of a folder in the order of their names.
struct CalibrationFiles: Sendable {
    /// The elements of all rows.
    private(set) var floats: [Float] = []
    let rows: Int

    /// Reads NumPy's `.npy` (float32 or uint8) and bare float32; hidden files of a folder are none.
    ///
    init(_ path: String, of inputs: [TensorInfo]) throws(CommandError) {
        let width = inputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let shapes = inputs.map { $0.shape.map(String.init).joined(separator: "x") }.joined(separator: ", ")
        var files = [path]
        var status = stat()
        if path != "-", stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw CommandError("\(path) cannot be read: \(error)")
            }
            files = names.filter { !$0.hasPrefix(".") }.sorted().map { "\(path)/\($0)" }
            guard !files.isEmpty else { throw CommandError("\(path) holds no files to calibrate on") }
        }
        for file in files {
            let contents = try Stream.read(file)
            let array: ArrayFile
            do {
                array =
                    ArrayFile.isNpy(contents)
                    ? try ArrayFile(npy: contents) : try ArrayFile(raw: contents, element: .float32)
            } catch {
                throw CommandError("\(file): \(error)")
            }
            let part = array.floats
            guard !part.isEmpty, width > 0, part.count % width == 0 else {
                throw CommandError(
                    "\(file): it has \(part.count) elements and a row of the model's input has \(width) (\(shapes))"
                )
            }
            floats += part
        }
        rows = floats.count / width
    }
}
