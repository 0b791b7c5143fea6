import ArgumentParser
import BusSimulation
import Inference
import ModelContainer
import ModelGraph
import ZeroMQ

/// A model with the shapes of a real one, for measurements.
struct ModelMakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make",
        abstract: "Makes a quantized model with random weights from a file of shapes.",
        discussion: """
            The file has one layer a line; Benchmarks/models holds those of real models, and \
            services/hexloop/Model/ShapeFile.swift says what may stand in one. The same file and seed give the same bytes.
            """
    )

    @Argument(help: "The file of shapes.")
    var shapes: String

    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp("The container to write (.hxm).", valueName: "file")
    )
    var output: String

    @Option(help: "Where the random weights begin.")
    var seed: UInt64 = 1

    @Option(help: "Random rows that the ranges of all values are taken from.")
    var rows = 2

    func validate() throws {
        guard (1...1000).contains(rows) else { throw ValidationError("--rows must be 1 to 1000") }
    }

    func run() async throws {
        let (shapes, seed, rows) = (shapes, seed, rows)
        let text = String(decoding: try Stream.read(shapes), as: UTF8.self)
        let name = shapes.split(separator: "/").last?.split(separator: ".txt").first.map(String.init) ?? shapes
        let bytes = try await DedicatedThread.run("make") {
            let file: ShapeFile
            do { file = try ShapeFile(name: name, text: text, seed: seed) } catch {
                throw CommandError("\(shapes): \(error)")
            }
            do { return try Self.container(file.graph, seed: seed, rows: rows) } catch {
                throw CommandError("\(shapes): \(error)")
            }
        }
        try Stream.write(bytes, to: output)
        guard output != "-" else { return }
        let file = try ModelFile(output)
        Terminal().line(
            "\(output): \(file.model.steps.count) steps, \((Double(file.multiplyAdds) / 1e6).short) M multiply-adds, "
                + "\(bytes.count) bytes"
        )
    }

    private static func container(_ graph: Graph, seed: UInt64, rows: Int) throws -> [UInt8] {
        var random = SeededGenerator(seed: ~seed)
        let count = graph.inputs[0].shape.reduce(1, *)
        let calibration = (0..<rows * count).map { _ in Float(random.bell()) }
        let isClassifier = graph.nodes.last.map { $0.operation == .softmax } ?? false
        let floats = try ModelContainer.floatModel(
            graph: graph,
            features: [],
            task: isClassifier ? .classification : .regression,
            lineage: nil
        )
        return try Quantizer.quantize(
            model: try ModelContainer(parsing: floats),
            calibration: calibration,
            rows: rows
        ).container
    }
}
