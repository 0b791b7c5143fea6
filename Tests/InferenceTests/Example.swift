import Inference
import ModelContainer
import ModelGraph

/// A float model with rows to calibrate it.
struct Example {
    var graph: Graph
    let features: [Feature]
    let task: ModelTask
    let inputs: [Float]
    let rows: Int

    /// Four features, one in thousandths and one in millions, two hidden layers, one output.
    static func regression(seed: UInt64) throws -> Example {
        try Example(outputs: 1, task: .regression, seed: seed)
    }

    /// The same with three classes and a softmax.
    static func classification(seed: UInt64) throws -> Example {
        try Example(outputs: 3, task: .classification, seed: seed)
    }

    private init(outputs: Int, task: ModelTask, seed: UInt64) throws {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 12345
        /// Uniform in -1..<1.
        func random() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
        }
        func layer(_ name: String, _ inputs: Int, _ outputs: Int) -> [String: Tensor] {
            [
                "\(name).w": Tensor(
                    shape: [outputs, inputs],
                    floats: (0..<outputs * inputs).map { _ in random() }
                ),
                "\(name).b": Tensor(shape: [outputs], floats: (0..<outputs).map { _ in random() }),
            ]
        }
        func node(_ name: String, _ input: String, _ output: String, _ activation: Activation) -> Node {
            Node(
                name: name,
                operation: .fullyConnected(weights: "\(name).w", bias: "\(name).b", activation: activation),
                input: input,
                output: output
            )
        }
        let means: [Float] = [0.005, 0.004, 3_000_000, 50]
        let deviations: [Float] = [0.001, 0.002, 1_000_000, 20]
        var constants = [
            "scale": Tensor(shape: [4], floats: deviations.map { 1 / $0 }),
            "offset": Tensor(shape: [4], floats: zip(means, deviations).map { -$0 / $1 }),
        ]
        for layer in [layer("hidden1", 4, 16), layer("hidden2", 16, 8), layer("out", 8, outputs)] {
            constants.merge(layer) { first, _ in first }
        }
        var nodes = [
            Node(
                name: "standardize",
                operation: .affine(scale: "scale", offset: "offset"),
                input: "features",
                output: "standardized"
            ),
            node("hidden1", "standardized", "hidden1", .relu), node("hidden2", "hidden1", "hidden2", .relu),
            node("out", "hidden2", "y", .none),
        ]
        if task == .classification {
            nodes.append(Node(name: "softmax", operation: .softmax, input: "y", output: "p"))
        }
        graph = Graph(
            name: "example",
            inputs: [TensorInfo(name: "features", shape: [4])],
            outputs: [task == .classification ? "p" : "y"],
            nodes: nodes,
            constants: constants
        )
        features = [Feature(name: "price", shape: [2], unit: "USD"), Feature(name: "volume", shape: [2])]
        self.task = task
        let rows = 64
        inputs = (0..<rows * 4).map { means[$0 % 4] + 2 * deviations[$0 % 4] * random() }
        self.rows = rows
    }

    func container() throws -> ModelContainer {
        let lineage = Lineage(
            pipeline: "example",
            pipelineVersion: "1",
            runid: "r",
            role: "champion",
            dataset: "d",
            datasetDigest: "e",
            firstKey: "a",
            lastKey: "b",
            rows: rows,
            seed: 1,
            createdBy: "test"
        )
        return try ModelContainer(
            parsing: ModelContainer.floatModel(graph: graph, features: features, task: task, lineage: lineage)
        )
    }

    func quantized() throws -> (model: QuantizedModel, result: QuantizationResult) {
        let result = try Quantizer.quantize(
            model: container(),
            calibration: inputs,
            rows: rows,
            options: QuantizationOptions(goldenRows: 5)
        )
        return (try QuantizedModel(ModelContainer(parsing: result.container)), result)
    }
}

/// A container whose manifest or tensors were changed by someone who can compute checksums.
struct Forgery {
    private var manifest: Manifest
    private var tensors: [(name: String, tensor: Tensor)]

    init(_ bytes: [UInt8], _ change: (inout Manifest) -> Void) throws {
        let container = try ModelContainer(parsing: bytes)
        var manifest = container.manifest
        change(&manifest)
        self.manifest = manifest
        tensors = try container.tensorNames.map { (name: $0, tensor: try container.tensor($0)) }
    }

    func tensor(_ name: String) throws -> Tensor {
        guard let found = tensors.first(where: { $0.name == name }) else { throw ContainerError.missingTensor(name) }
        return found.tensor
    }

    /// Replaces a tensor, or with nil leaves it out.
    mutating func replace(_ name: String, _ tensor: Tensor?) {
        tensors = tensors.compactMap { entry in
            entry.name == name ? tensor.map { (name: name, tensor: $0) } : entry
        }
    }

    func container() throws -> ModelContainer {
        try ModelContainer(parsing: ModelContainer.encode(manifest: manifest, tensors: tensors))
    }

    func model() throws -> QuantizedModel { try QuantizedModel(container()) }
}
