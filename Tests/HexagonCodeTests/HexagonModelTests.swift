import ChildProcesses
import Foundation
import HexagonCode
import HexagonTools
import Inference
import ModelContainer
import ModelGraph
import Testing

/// A small residual network in floats, and rows to calibrate it.
private struct ResidualNetwork {
    private var random = Randomness(state: 30)
    private var constants: [String: Tensor] = [:]
    private var nodes: [Node] = []
    private let shape = [12, 10, 3]

    private mutating func floats(_ count: Int, scale: Float) -> [Float] {
        (0..<count).map { _ in Float.random(in: -scale...scale, using: &random) }
    }

    private mutating func add(_ name: String, _ operation: ModelGraph.Operation, _ inputs: [String]) {
        nodes.append(Node(name: name, operation: operation, inputs: inputs, output: "\(name).out"))
    }

    private mutating func addConvolution(
        _ name: String,
        _ input: String,
        _ weights: [Int],
        stride: Int = 1,
        groups: Int = 1,
        activation: Activation = .relu6
    ) {
        let taps = Float(weights[1...].reduce(1, *))
        constants["\(name).w"] = Tensor(
            shape: weights,
            floats: floats(weights.reduce(1, *), scale: (6 / taps).squareRoot())
        )
        constants["\(name).b"] = Tensor(shape: [weights[0]], floats: floats(weights[0], scale: 0.3))
        let convolution = Convolution(
            weights: "\(name).w",
            bias: "\(name).b",
            stride: Extent(stride),
            padding: weights[1] == 3 ? Margins(1) : Margins(),
            groups: groups,
            activation: activation
        )
        add(name, .convolution(convolution), [input])
    }

    /// The quantized container.
    mutating func container(_ last: ModelGraph.Operation? = nil) throws -> [UInt8] {
        addConvolution("stem", "x", [18, 3, 3, 3], stride: 2)
        addConvolution("spread", "stem.out", [36, 1, 1, 18])
        addConvolution("depth", "spread.out", [36, 3, 3, 1], groups: 36)
        addConvolution("project", "depth.out", [18, 1, 1, 36], activation: .none)
        add("sum", .arithmetic(Arithmetic(.add)), ["stem.out", "project.out"])
        add("pool", .maxPool(Window(size: Extent(2), stride: Extent(2))), ["sum.out"])
        add("mean", .mean(axes: [0, 1], keepsDimensions: false), [last == nil ? "pool.out" : "last.out"])
        if let last { nodes.insert(Node(name: "last", operation: last, input: "pool.out", output: "last.out"), at: 6) }
        constants["top.w"] = Tensor(shape: [5, 18], floats: floats(90, scale: 0.5))
        constants["top.b"] = Tensor(shape: [5], floats: floats(5, scale: 0.2))
        add("top", .fullyConnected(weights: "top.w", bias: "top.b", activation: .none), ["mean.out"])
        let graph = Graph(
            name: "residual",
            inputs: [TensorInfo(name: "x", shape: shape)],
            outputs: ["top.out"],
            nodes: nodes,
            constants: constants
        )
        let model = try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        )
        let rows = 16
        return try Quantizer.quantize(
            model: model,
            calibration: floats(rows * shape.reduce(1, *), scale: 1),
            rows: rows,
            options: QuantizationOptions(goldenRows: 2)
        ).container
    }
}

@Suite("hexloop model emit-hexagon", .timeLimit(.minutes(2)))
struct HexagonModelTests {
    /// Runs the built program on a container; gives its exit code, what it wrote, and the translated source.
    private func emit(_ container: [UInt8]) async throws -> (code: Int32, log: String, source: String?) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, output) = (folder.appending(path: "model.hxm").path, folder.appending(path: "model.c").path)
        try Data(container).write(to: URL(filePath: file))
        let log = folder.appending(path: "log").path
        let child = try ChildProcess(
            "hexloop",
            arguments: ["model", "emit-hexagon", file, "-o", output],
            output: log
        )
        let code = await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: child.wait()) }.start()
        }
        return (
            code, try String(contentsOfFile: log, encoding: .utf8), try? String(contentsOfFile: output, encoding: .utf8)
        )
    }

    /// Runs the built program.
    private func hexloop(_ arguments: [String]) async throws -> Int32 {
        let child = try ChildProcess("hexloop", arguments: arguments, output: "/dev/null")
        return await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: child.wait()) }.start()
        }
    }

    @Test(
        "The models of the benchmarks, with random weights",
        .enabled(if: HexagonTools.arePresent, "\(HexagonTools.comment)"),
        arguments: ["autoencoder", "ds-cnn", "mobilenet-v1-0.25-96", "resnet8"]
    )
    func realShapes(_ name: String) async throws {
        let shapes = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Benchmarks/models/\(name).txt")
        let file = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString).hxm")
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try await hexloop(["model", "make", shapes.path, "-o", file.path]) == 0)
        let model = try QuantizedModel(ModelContainer(parsing: [UInt8](Data(contentsOf: file))))
        var random = Randomness(state: 32)
        let input: [UInt8] = random.elements(2 * model.plan.inputBytes)
        var expected = [UInt8](repeating: 0, count: 2 * model.plan.outputBytes)
        var session = try model.makeSession(batch: 2)
        try session.run(bytes: input, rows: 2, into: &expected)
        #expect(try await HexagonTools.run(HexagonProgram(model.plan).source(), input: input) == expected)
    }

    @Test(
        "Every byte of a model's output in the emulator is that of the engine",
        .enabled(if: HexagonTools.arePresent, "\(HexagonTools.comment)")
    )
    func sameBytes() async throws {
        var network = ResidualNetwork()
        let container = try network.container()
        let model = try QuantizedModel(ModelContainer(parsing: container))
        let (code, log, source) = try await emit(container)
        #expect(code == 0, "\(log)")
        let program = try #require(source)
        let rows = 5
        var random = Randomness(state: 31)
        let input: [UInt8] = random.elements(rows * model.plan.inputBytes)
        var expected = [UInt8](repeating: 0, count: rows * model.plan.outputBytes)
        var session = try model.makeSession(batch: rows)
        try session.run(bytes: input, rows: rows, into: &expected)
        #expect(try await HexagonTools.run(program, input: input) == expected)
        #expect(Set(expected).count > 20)
        #expect(program.contains("// in x [12, 10, 3]: u8, real ="))
        #expect(program.contains("// depth: depthwise"))
    }

    @Test("A model with another operator is refused, and the operator is named")
    func refused() async throws {
        var network = ResidualNetwork()
        let container = try network.container(.transpose(permutation: [1, 0, 2]))
        let (code, log, source) = try await emit(container)
        #expect(code == 1)
        #expect(log.contains("last: transposition: not translated"), "\(log)")
        #expect(source == nil)
    }

    @Test("A file that is no quantized model is refused")
    func noModel() async throws {
        let (code, log, source) = try await emit([1, 2, 3])
        #expect(code == 1)
        #expect(log.contains("model.hxm is no model that can be read"), "\(log)")
        #expect(source == nil)
    }
}
