import FoundationEssentials
import Glibc
import ModelConversion
import ModelGraph
import ModelImport

/// Rows for a model: a file, or all files of a folder in the order of their names.
struct CalibrationFiles: Sendable {
    /// The elements of all rows, in the order of the graph.
    let floats: [Float]
    let rows: Int

    /// More rows than this are refused: they would not fit in memory, and a few hundred are enough.
    static let rowsMax = 1 << 20

    /// Reads NumPy's `.npy` (float32, uint8, int8), bare float32, and pictures; hidden files of a folder are none.
    ///
    /// Rows of a model of another program are in the order of its file. Integers of the type of its input stand for what
    /// the file says; other integers are numbers as they are.
    ///
    /// - Throws: ``CommandError`` naming the file.
    init(_ path: String, of source: SourceFile, images: ImageOptions = ImageOptions()) throws(CommandError) {
        var status = stat()
        var files = [path]
        if path != "-", stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw CommandError("\(path) cannot be read: \(error)")
            }
            files = names.filter { !$0.hasPrefix(".") }.sorted().map { "\(path)/\($0)" }
            guard !files.isEmpty else {
                throw CommandError("\(path) holds no files; put .npy, raw float32 or pictures there")
            }
        }
        let width = source.rowCount
        var floats: [Float] = []
        for file in files {
            let contents = try Stream.read(file)
            do throws(CommandError) {
                floats +=
                    try Picture.isPicture(contents)
                    ? images.row(Picture(contents), for: source) : CalibrationFiles.floats(contents, of: source)
            } catch { throw CommandError("\(file): \(error)") }
            guard floats.count <= CalibrationFiles.rowsMax * width else {
                throw CommandError("\(path) has more than \(CalibrationFiles.rowsMax) rows; a few hundred are enough")
            }
        }
        self.floats = source.graphOrder(floats)
        rows = floats.count / width
    }

    init(floats: [Float], rows: Int) {
        self.floats = floats
        self.rows = rows
    }

    /// The rows of one file.
    ///
    /// - Throws: ``CommandError`` without the name of the file.
    init(_ contents: [UInt8], of source: SourceFile) throws(CommandError) {
        floats = source.graphOrder(try CalibrationFiles.floats(contents, of: source))
        rows = floats.count / source.rowCount
    }

    private static func floats(_ contents: [UInt8], of source: SourceFile) throws(CommandError) -> [Float] {
        let array = try ArrayFile(contents)
        let width = source.rowCount
        let count = array.bytes.count / array.element.byteCount
        guard count > 0, width > 0, count % width == 0 else {
            throw CommandError(
                "it has \(count) elements and a row of the model's input has \(width) (\(source.inputShapes))"
            )
        }
        if source.inputs.count == 1, !fits(array.shape, source.inputs[0].shape) {
            throw CommandError(
                "its shape is \(array.shape.map(String.init).joined(separator: "x")) and a row of the model's input is "
                    + "\(source.inputShapes); transpose it"
            )
        }
        let ports = source.model.imported?.inputs ?? []
        guard ports.count == 1, let port = ports.first, port.encoding != nil, port.type == array.element.type else {
            return array.floats
        }
        // A SourceTensor of so many bytes of one byte each: it cannot be refused.
        guard let tensor = try? SourceTensor(type: port.type, shape: [count], bytes: array.bytes[...], field: "rows")
        else {
            return array.floats
        }
        return port.real(tensor)
    }

    /// Whether rows of a shape can be meant for an input: its dimensions, but for those of one element, or one row each.
    static func fits(_ shape: [Int], _ input: [Int]) -> Bool {
        guard shape.count > 2 else { return true }
        let wanted = input.filter { $0 != 1 }
        return [shape, Array(shape.dropFirst())].contains { $0.filter { $0 != 1 } == wanted }
    }
}

extension ArrayFile {
    /// Whatever a file holds: `.npy`, or bare elements.
    ///
    /// - Throws: ``CommandError`` without the name of the file.
    init(_ contents: [UInt8], element: Element = .float32) throws(CommandError) {
        do throws(ArrayFileError) {
            self = try Self.isNpy(contents) ? ArrayFile(npy: contents) : ArrayFile(raw: contents, element: element)
        } catch { throw CommandError(error.description) }
    }
}

extension ArrayFile.Element {
    /// The type as a file of another program names it.
    fileprivate var type: ElementType {
        switch self {
        case .float32: .float32
        case .uint8: .uint8
        case .int8: .int8
        }
    }
}
