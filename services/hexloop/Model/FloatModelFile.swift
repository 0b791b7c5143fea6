import ModelContainer
import ModelGraph
import ModelImport

/// A model in a file that runs in 32-bit floats: a container, or a file of another program in its own order of dimensions.
struct FloatModelFile: Sendable {
    private enum Body {
        case container(FloatInterpreter)
        case file(ImportedModel, FileRun)
    }

    /// The elements of one row of the input, all inputs one after the other.
    let inputCount: Int
    /// The dimensions of one answer.
    let outputShape: [Int]
    private let body: Body

    init(_ path: String) throws(CommandError) {
        let bytes = try Stream.read(path)
        do {
            guard ModelContainer.isContainer(bytes) else {
                let model = try ModelImporter.read(bytes)
                body = .file(model, try FileRun(model))
                inputCount = model.inputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
                outputShape = model.outputs.count == 1 ? model.outputs[0].rowShape : [model.outputCount]
                return
            }
            let container = try ModelContainer(parsing: bytes)
            guard container.manifest.kind == .floatModel else {
                throw CommandError("it holds a \(container.manifest.kind.rawValue); --float runs a float-model")
            }
            let graph = try container.graph
            let interpreter = try FloatInterpreter(graph)
            body = .container(interpreter)
            inputCount = interpreter.inputCount
            let shape = graph.outputs.count == 1 ? try graph.values()[graph.outputs[0]]?.shape : nil
            outputShape = shape ?? [interpreter.outputCount]
        } catch { throw CommandError("\(path) cannot be run: \(error)") }
    }

    /// The answers for some rows, as real numbers whatever the file has.
    func answers(_ elements: [Float], rows: Int) throws -> [Float] {
        switch body {
        case .container(let interpreter): return try interpreter.run(elements, rows: rows)
        case .file(let model, let run):
            var inputs: [SourceTensor] = []
            var first = 0
            for port in model.inputs {
                let count = port.shape.reduce(1, *)
                let part = (0..<rows).flatMap { row in
                    let start = row * inputCount + first
                    return elements[start..<start + count]
                }
                inputs.append(SourceTensor(shape: [rows] + port.shape, floats: part))
                first += count
            }
            let outputs = zip(model.outputs, try run.run(inputs, rows: rows)).map { port, tensor in
                let all = port.value == nil ? (0..<rows).flatMap { _ in tensor.floats } : port.real(tensor)
                return (width: all.count / max(rows, 1), elements: all)
            }
            guard outputs.count > 1 else { return outputs.first?.elements ?? [] }
            return (0..<rows).flatMap { row in
                outputs.flatMap { $0.elements[row * $0.width..<(row + 1) * $0.width] }
            }
        }
    }
}

extension ImportedPort {
    /// Without the batch.
    fileprivate var rowShape: [Int] { shape.count > 1 && shape[0] == 1 ? Array(shape.dropFirst()) : shape }
}

extension ImportedModel {
    fileprivate var outputCount: Int { outputs.reduce(0) { $0 + $1.shape.reduce(1, *) } }
}
