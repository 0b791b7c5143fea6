import ArgumentParser
import FoundationEssentials
import ModelGraph
import ModelImport

struct ModelCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads a model of another program (ONNX, TFLite) without converting it.",
        discussion: """
            Prints what the file holds and what would be made of it, or every node that is not supported. Ends with 0 \
            when the model can be imported, and with 1 otherwise.
            """
    )

    @Argument(help: "The file: ONNX or TFLite.")
    var file: String

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandError("\(file) cannot be read; does it exist?")
        }
        let terminal = Terminal()
        let model: ImportedModel
        do throws(ImportError) { model = try ModelImporter.read(Array(data)) } catch {
            guard case .unsupported(let problems) = error else { throw CommandError("\(file) is \(error)") }
            var table = TextTable(["operator", "node", "what is not supported"])
            for problem in problems { table.add([problem.operation, problem.node, problem.reason]) }
            table.write(to: terminal)
            throw CommandError("\(problems.count) of the nodes of \(file) are not supported")
        }
        let source = model.source
        terminal.line("\(source.kind.rawValue), version \(source.version), by \(source.producer), \(data.count) bytes")
        for port in model.inputs { terminal.line("input     \(port.summary)") }
        for port in model.outputs { terminal.line("output    \(port.summary)") }
        let weights = model.graph.constants.values.reduce(0) { $0 + $1.elementCount }
        terminal.line("graph     \(model.graph.nodes.count) nodes, \(weights) weights")
        if !model.encodings.isEmpty || !model.quantizedConstants.isEmpty {
            terminal.line(
                "encodings \(model.encodings.count) of values and \(model.quantizedConstants.count) of constants are kept"
            )
        }
        for note in model.notes { terminal.line("done      \(note)") }
        terminal.line()
        var counts: [String: Int] = [:]
        for node in model.graph.nodes { counts[node.operation.kind, default: 0] += 1 }
        var table = TextTable(["operation", ">nodes"])
        for (kind, count) in counts.sorted(by: { $0.key < $1.key }) { table.add([kind, "\(count)"]) }
        table.write(to: terminal)
    }
}

extension ImportedPort {
    /// One line: what the file says, and in which order the graph has it.
    var summary: String {
        var text = "\(name) \(type.rawValue)\(shape)"
        if let encoding, let scale = encoding.scales.floats.first {
            text += ", \(scale) * (integer - \(encoding.zeroPoints.first ?? 0))"
        }
        let known = axes.filter { $0 >= 0 }
        if known != known.sorted() { text += ", here in the order \(known) of its dimensions" }
        if value == nil { text += ", always the same" }
        return text
    }
}
