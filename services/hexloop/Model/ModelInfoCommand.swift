import ArgumentParser
import Inference
import Kernels
import ModelContainer
import ModelConversion
import ModelGraph
import ModelImport
import Quantization

/// What is in a container.
struct ModelInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "What a model (.hxm, .onnx, .tflite) holds, where it comes from, and what it takes to run it."
    )

    @Argument(help: "The file: a container, or one of ONNX or TFLite.")
    var file: String

    func run() async throws {
        let (container, byteCount) = try ModelFile.container(file)
        let terminal = Terminal()
        let manifest = container.manifest
        let source = manifest.kind == .floatModel ? try SourceFile(file) : nil
        if let imported = source?.model.imported {
            let description = imported.source
            terminal.line(
                "\(description.kind.rawValue), version \(description.version), by \(description.producer), \(byteCount) bytes"
            )
            for port in imported.inputs { terminal.line("input     \(port.summary)") }
            for port in imported.outputs { terminal.line("answer    \(port.summary)") }
            for note in imported.notes { terminal.line("done      \(note)") }
        } else {
            terminal.line("\(manifest.kind.rawValue), \(byteCount) bytes, SHA-256 \(container.digest)")
        }
        if let task = manifest.task { terminal.line("task      \(task.rawValue)") }
        for feature in manifest.features {
            var trained = ""
            if let low = feature.trainingMin, let high = feature.trainingMax {
                trained = ", trained on \(Double(low).short)...\(Double(high).short)"
            }
            terminal.line("input     \(feature.name) \(feature.shape) \(feature.unit ?? "")\(trained)")
        }
        if let lineage = manifest.lineage { write(lineage, to: terminal) }
        if let report = manifest.quantizationReport {
            terminal.line(
                "int8      differs from float by \(report.meanAbsError.short) on average, \(report.maxAbsError.short) at "
                    + "most, \(report.signalToNoiseDB.fixed(1)) dB over \(report.rows) rows"
            )
        }
        for layer in manifest.floatLayers { terminal.line("float     '\(layer.node)': \(layer.reason)") }
        for line in manifest.quantizationReport?.measures.flatMap(\.lines) ?? [] { terminal.line("          \(line)") }
        if manifest.kind == .quantizedModel {
            try writeSteps(of: try ModelFile(file), to: terminal)
        }
        if let source { try writeNodes(of: source, to: terminal) }
        terminal.line()
        var tensors = TextTable(["tensor", "type", "shape", ">bytes"], longest: 60)
        for name in container.tensorNames {
            let tensor = try container.tensor(name)
            tensors.add([name, tensor.dataType.rawValue, "\(tensor.shape)", "\(tensor.bytes.count)"])
        }
        tensors.write(to: terminal)
        guard let report = manifest.quantizationReport else { return }
        terminal.line()
        var layers = TextTable(["layer", ">dB", ">min", ">max", ">saturated"], longest: 60)
        for layer in report.layers {
            layers.add([
                layer.name, layer.signalToNoiseDB.fixed(1), Double(layer.min).short, Double(layer.max).short,
                "\((layer.saturatedShare * 100).fixed(1))%",
            ])
        }
        layers.write(to: terminal)
    }

    private func write(_ lineage: Lineage, to terminal: Terminal) {
        terminal.line("pipeline  \(lineage.pipeline) \(lineage.pipelineVersion.shortID), run \(lineage.runid)")
        terminal.line(
            "data      \(lineage.dataset), \(lineage.rows) rows, \(lineage.firstKey)...\(lineage.lastKey), "
                + "seed \(lineage.seed), as \(lineage.role)"
        )
        if let parent = lineage.parent { terminal.line("made from \(parent)") }
        terminal.line("made by   \(lineage.createdBy)")
    }

    /// Each operator with the values between, and the memory of a session.
    private func writeSteps(of file: ModelFile, to terminal: Terminal) throws {
        let (model, plan) = (file.model, file.model.plan)
        let layout = try plan.layout(rows: 1)
        let memory = model.packedBytes + layout.byteCount
        let ratio = Double(memory) / Double(file.byteCount)
        terminal.line(
            "memory    \(layout.byteCount.kilobytes) kB arena, of which \(layout.aliveBytesMax.kilobytes) kB are in use at "
                + "once, and \(model.packedBytes.kilobytes) kB packed weights: \(ratio.fixed(2)) times the file"
        )
        terminal.line(
            "work      \((Double(file.multiplyAdds) / 1e6).short) M multiply-adds for a row, \(model.variantName)"
        )
        terminal.line()
        var steps = TextTable(
            ["step", "operator", "shape", "out", "encoding", "path", ">M MAC", ">kB weights"],
            longest: 48
        )
        for input in plan.inputs {
            let value = plan.values[input.value]
            steps.add([value.name, "input", "", Self.shape(value), Self.encoding(value), "", "", ""])
        }
        for (step, planned) in zip(model.steps, plan.steps) {
            let output = plan.values[planned.output]
            steps.add([
                step.node, step.name, planned.inputs.map { Self.shape(plan.values[$0]) }.joined(separator: " "),
                Self.shape(output), Self.encoding(output), "\(step.variant) \(step.path)",
                step.multiplyAdds > 0 ? (Double(step.multiplyAdds) / 1e6).fixed(3) : "", step.packedBytes.kilobytes,
            ])
        }
        steps.write(to: terminal)
        for output in plan.outputs {
            let value = plan.values[output.value]
            let tail = output.tail.map { part in
                switch part {
                case .function(let function): ", then \(function.kind)"
                case .softmax: ", then softmax"
                }
            }
            terminal.line("answer    \(output.name): \(Self.shape(value)) \(Self.encoding(value))\(tail.joined())")
        }
    }

    /// Each node of a float model, with the encoding that a quantized file gives its value.
    private func writeNodes(of source: SourceFile, to terminal: Terminal) throws {
        let graph = try source.graph
        let infos = try graph.values()
        let work = graph.nodes.map { $0.multiplyAdds(graph, infos) }
        let weights = graph.constants.values.reduce(0) { $0 + $1.elementCount }
        terminal.line(
            "work      \((Double(work.reduce(0, +)) / 1e6).short) M multiply-adds for a row, \(weights) weights and constants"
        )
        terminal.line()
        var table = TextTable(["node", "operation", "out", "encoding", "weights", ">M MAC", ">elements"], longest: 48)
        func shape(_ value: String) -> String {
            infos[value]?.shape.map(String.init).joined(separator: "x") ?? ""
        }
        func encoding(_ value: String) -> String {
            source.model.encodings.values[value].map { "u8 \(Double($0.scale).short) \($0.zeroPoint)" } ?? ""
        }
        for input in graph.inputs {
            table.add([input.name, "input", shape(input.name), encoding(input.name), "", "", ""])
        }
        for (node, work) in zip(graph.nodes, work) {
            let constants = node.operation.constants
            let types = constants.map {
                (source.model.encodings.constants[$0]?.integers ?? graph.constants[$0])?.dataType.rawValue ?? ""
            }
            let elements = constants.reduce(0) { $0 + (graph.constants[$1]?.elementCount ?? 0) }
            table.add([
                node.name, node.operation.kind, shape(node.output), encoding(node.output), types.joined(separator: " "),
                work > 0 ? (Double(work) / 1e6).fixed(3) : "", elements > 0 ? "\(elements)" : "",
            ])
        }
        table.write(to: terminal)
    }

    private static func shape(_ value: Plan.Value) -> String {
        value.shape.map(String.init).joined(separator: "x")
    }

    private static func encoding(_ value: Plan.Value) -> String {
        switch value.storage {
        case .bytes(let encoding): "u8 \(Double(encoding.scale).short) \(encoding.zeroPoint)"
        case .halfwords(let scale): "s16 \(Double(scale).short)"
        case .sums: "s32 sums"
        case .indices: "s32 indices"
        case .reals: "f32"
        }
    }
}

extension Node {
    /// The multiplications of sums of products for one row.
    fileprivate func multiplyAdds(_ graph: Graph, _ infos: [String: TensorInfo]) -> Int {
        let outputs = infos[output]?.shape.reduce(1, *) ?? 0
        switch operation {
        case .fullyConnected(let weights, _, _): return graph.constants[weights]?.elementCount ?? 0
        case .convolution(let convolution):
            return outputs * (graph.constants[convolution.weights]?.shape.dropFirst().reduce(1, *) ?? 0)
        default: return 0
        }
    }
}
