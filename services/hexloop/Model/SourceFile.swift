import FoundationEssentials
import Inference
import ModelContainer
import ModelConversion
import ModelGraph
import ModelImport

/// A model to convert in a file: a container with a float model, or a file of ONNX or TFLite.
struct SourceFile: Sendable {
    let path: String
    let byteCount: Int
    let model: SourceModel

    /// - Throws: ``CommandError`` naming the file, and all nodes that are not supported.
    init(_ path: String, task: ModelTask? = nil) throws(CommandError) {
        let bytes = try ModelFile.contents(path)
        do throws(SourceModelError) { model = try SourceModel(bytes, task: task) } catch {
            switch error {
            case .file(.unsupported(let problems)):
                throw CommandError(
                    "\(path) has \(problems.count) nodes that are not supported:"
                        + problems.map { "\n  \($0.line)" }.joined()
                )
            case .notFloat(let kind):
                throw CommandError("\(path) holds a \(kind.rawValue) and a float-model is needed")
            case .container: throw CommandError("\(path) is \(error)")
            case .file: throw CommandError("\(path) is no model that can be read: \(error)")
            }
        }
        self.path = path
        byteCount = bytes.count
    }

    var container: ModelContainer { model.container }

    /// The float model's graph.
    var graph: Graph {
        get throws(CommandError) {
            do throws(ContainerError) { return try container.graph } catch {
                throw CommandError("\(path) cannot be read as a model: \(error)")
            }
        }
    }

    /// The inputs, in the order of the file and with its order of dimensions, each without the batch.
    var inputs: [TensorInfo] {
        guard let imported = model.imported else { return container.manifest.graph?.inputs ?? [] }
        return imported.inputs.map { port in
            let hasBatch = port.shape.count > 1 && port.shape[0] == 1
            return TensorInfo(name: port.name, shape: hasBatch ? Array(port.shape.dropFirst()) : port.shape)
        }
    }

    /// `3x32x32`, or one for each input.
    var inputShapes: String { inputs.map { $0.shape.map(String.init).joined(separator: "x") }.joined(separator: ", ") }

    /// Whether the file is that of another program.
    var isImported: Bool { model.imported != nil }

    /// What the importer changed, a line each.
    var notes: [String] { model.imported?.notes ?? [] }

    /// The number of values in a row.
    var rowCount: Int { inputs.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    /// Rows in the order of the graph for rows in the order of the file.
    func graphOrder(_ rows: [Float]) -> [Float] { model.imported?.graphOrder(rows) ?? rows }
}
