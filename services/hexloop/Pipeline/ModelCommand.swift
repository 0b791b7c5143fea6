import ArgumentParser
import FoundationEssentials
import ModelContainer
import ModelGraph

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Looks into model containers.",
        subcommands: [Info.self]
    )

    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a container (.hxm) holds and where it comes from."
        )

        @Argument(help: "The file.")
        var file: String

        func run() async throws {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CommandError("\(file) cannot be read; does it exist?")
            }
            let container: ModelContainer
            do { container = try ModelContainer(parsing: Array(data)) } catch {
                throw CommandError("\(file) is no container that can be trusted: \(error)")
            }
            let terminal = Terminal()
            let manifest = container.manifest
            terminal.line("\(manifest.kind.rawValue), \(data.count) bytes, SHA-256 \(container.digest)")
            if let task = manifest.task { terminal.line("task      \(task.rawValue)") }
            for feature in manifest.features {
                var trained = ""
                if let low = feature.trainingMin, let high = feature.trainingMax {
                    trained = ", trained on \(Double(low).short)...\(Double(high).short)"
                }
                terminal.line("input     \(feature.name) \(feature.shape) \(feature.unit ?? "")\(trained)")
            }
            if let lineage = manifest.lineage {
                terminal.line("pipeline  \(lineage.pipeline) \(lineage.pipelineVersion.shortID), run \(lineage.runid)")
                terminal.line(
                    "data      \(lineage.dataset), \(lineage.rows) rows, \(lineage.firstKey)...\(lineage.lastKey), "
                        + "seed \(lineage.seed), as \(lineage.role)"
                )
                if let parent = lineage.parent { terminal.line("made from \(parent)") }
                terminal.line("made by   \(lineage.createdBy)")
            }
            if let report = manifest.quantizationReport {
                terminal.line(
                    "int8      differs from float by \(report.meanAbsError.short) on average, \(report.maxAbsError.short) at "
                        + "most, \(report.signalToNoiseDB.fixed(1)) dB over \(report.rows) rows"
                )
            }
            terminal.line()
            var tensors = TextTable(["tensor", "type", "shape", ">bytes"])
            for name in container.tensorNames {
                let tensor = try container.tensor(name)
                tensors.add([name, tensor.dataType.rawValue, "\(tensor.shape)", "\(tensor.bytes.count)"])
            }
            tensors.write(to: terminal)
            guard let report = manifest.quantizationReport else { return }
            terminal.line()
            var layers = TextTable(["layer", ">dB", ">min", ">max", ">saturated"])
            for layer in report.layers {
                layers.add([
                    layer.name, layer.signalToNoiseDB.fixed(1), Double(layer.min).short, Double(layer.max).short,
                    "\((layer.saturatedShare * 100).fixed(1))%",
                ])
            }
            layers.write(to: terminal)
        }
    }
}
