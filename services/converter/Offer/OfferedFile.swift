import Events
import ModelContainer
import ModelGraph
import ModelImport

/// A file that was offered, read: a float graph, and what the file calls its inputs and in which order it has them.
struct OfferedFile: Sendable {
    /// An input as the file has it.
    struct Port: Sendable, Hashable {
        var name: String
        /// Without the batch, in the order of the file.
        var shape: [Int]
        /// For each dimension of the graph's input, -1 for one more of a single element, the dimension of ``shape``.
        var axes: [Int]

        /// The file has its dimensions in another order than the graph.
        var isReordered: Bool {
            let known = axes.filter { $0 >= 0 }
            return known != known.sorted()
        }
    }

    /// Unsupported nodes that a refusal lists; the rest is counted.
    static let problemsMax = 40
    /// Characters of a refusal.
    static let messageCharactersMax = 8_000

    let format: ModelFormat
    var graph: Graph
    /// In the order of `graph.inputs`.
    var inputs: [Port]

    /// Reads a file by what its bytes say that it is.
    /// - Throws: `EventError` `unsupported` with every node that is not, `tooLarge`, `badContainer`, `wrongType` when it
    ///   is not of the format that was said. The same bytes fail again.
    init(_ bytes: [UInt8], named file: String, as said: ModelFormat? = nil) throws(EventError) {
        if bytes.starts(with: [0x89] + Array("HXM".utf8)) {
            format = .container
            do throws(ContainerError) {
                let container = try ModelContainer(parsing: bytes)
                guard container.manifest.kind == .floatModel else {
                    throw ContainerError.invalid(
                        field: "kind",
                        reason: "\(container.manifest.kind.rawValue); offer the float-model that it was made from"
                    )
                }
                graph = try container.graph
            } catch { throw EventError(.badContainer, "\(file): \(error)") }
            inputs = graph.inputs.map { Port(name: $0.name, shape: $0.shape, axes: Array($0.shape.indices)) }
        } else {
            let model: ImportedModel
            do throws(ImportError) { model = try ModelImporter.read(bytes) } catch {
                throw Self.refusal(error, file)
            }
            format =
                switch model.source.kind {
                case .onnx: .onnx
                case .tflite: .tflite
                }
            graph = model.graph
            inputs = model.inputs.map { port in
                let known = port.axes.filter { $0 >= 0 }.sorted()
                return Port(
                    name: port.name,
                    shape: known.map { port.shape[$0] },
                    axes: port.axes.map { axis in known.firstIndex(of: axis) ?? -1 }
                )
            }
        }
        if let said, said != format {
            throw EventError(
                .wrongType,
                "\(file) was offered as \(said.rawValue) and its bytes are \(format.rawValue)"
            )
        }
    }

    private static func refusal(_ error: ImportError, _ file: String) -> EventError {
        switch error {
        case .unsupported(let problems):
            var lines = problems.prefix(problemsMax).map { "\n  \($0.line)" }
            if problems.count > problemsMax { lines.append("\n  and \(problems.count - problemsMax) more") }
            let text = "\(file): \(problems.count) of its nodes are not supported:" + lines.joined()
            return EventError(.unsupported, String(text.prefix(messageCharactersMax)))
        case .tooLarge: return EventError(.tooLarge, "\(file): \(error)")
        default: return EventError(.badContainer, String("\(file): \(error)".prefix(messageCharactersMax)))
        }
    }
}
