import Crypto
import ModelContainer
import ModelGraph
import Quantization

/// Containers that the tests share, and the means to forge some.
enum Examples {
    static let features = [
        Feature(name: "price", shape: [2], unit: "USD", min: -100, max: 500, trainingMin: 1.5, trainingMax: 99.25)
    ]

    static let lineage = Lineage(
        pipeline: "oil-price",
        pipelineVersion: "ab12",
        runid: "r1",
        role: "champion",
        dataset: "wti",
        datasetDigest: "cd34",
        firstKey: "2020-01-02",
        lastKey: "2024-12-31",
        rows: 1250,
        seed: .max,
        parent: nil,
        createdBy: "trainer"
    )

    static let graph = Graph(
        name: "tiny",
        inputs: [TensorInfo(name: "features", shape: [2])],
        outputs: ["y"],
        nodes: [
            Node(
                name: "standardize",
                operation: .affine(scale: "scale", offset: "offset"),
                input: "features",
                output: "standardized"
            ),
            Node(
                name: "out",
                operation: .fullyConnected(weights: "weights", bias: "bias", activation: .none),
                input: "standardized",
                output: "y"
            ),
        ],
        constants: [
            "scale": Tensor(shape: [2], floats: [0.5, 2]), "offset": Tensor(shape: [2], floats: [0, -1]),
            "weights": Tensor(shape: [1, 2], floats: [1, -1]), "bias": Tensor(shape: [1], floats: [0.25]),
        ]
    )

    static let tensors: [(name: String, tensor: Tensor)] = [
        ("bytes", Tensor(shape: [3], uint8s: [1, 2, 3])),
        ("signed", Tensor(shape: [2, 2], int8s: [-128, 127, 0, 1])),
        ("words", Tensor(shape: [1], int32s: [.min])),
        ("empty", Tensor(shape: [0, 4], floats: [])),
        ("reals", Tensor(shape: [33], floats: (0..<33).map { Float($0) / 3 })),
    ]

    static func manifest() throws -> Manifest {
        Manifest(
            kind: .quantizedModel,
            task: .classification,
            graph: graph.structure,
            features: features,
            encodings: ["features": try Encoding(min: -0.1, max: 3.3)],
            layers: [QuantizedLayer(node: "out", output: .accumulator)],
            lineage: lineage,
            golden: GoldenAnswers(inputs: [[1, 2]], outputs: [[0.1]]),
            quantizationReport: QuantizationReport(
                rows: 3,
                maxAbsError: 0.1,
                meanAbsError: 0.05,
                signalToNoiseDB: 40,
                layers: [.init(name: "out", signalToNoiseDB: 41.5, min: -1, max: 2, saturatedShare: 0)]
            ),
            metadata: ["ключ": "значение \"/\\\n"]
        )
    }

    /// A container of two tensors in which every byte can be tried.
    static func smallest() throws -> [UInt8] {
        try ModelContainer.dataset(
            tensors: [("a", Tensor(shape: [1], uint8s: [7])), ("b", Tensor(shape: [2], floats: [1, 2]))],
            metadata: [:]
        )
    }

    /// The tensors of ``smallest()``.
    static let smallestData: [UInt8] =
        [7] + [UInt8](repeating: 0, count: 127) + [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40] + [UInt8](repeating: 0, count: 120)

    static func json(_ file: [UInt8]) -> String {
        let count = file[24..<32].reversed().reduce(0) { $0 << 8 | Int($1) }
        return String(decoding: file[64..<64 + count], as: UTF8.self)
    }

    /// A file with a right header around any JSON.
    static func file(json: String, data: [UInt8]) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var contents = [UInt8](json.utf8)
        contents += [UInt8](repeating: 0, count: (128 - (64 + contents.count) % 128) % 128) + data
        let magic: [UInt8] = [0x89, 0x48, 0x58, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a]
        let header = magic + number(1) + number(64 + contents.count) + number(json.utf8.count)
        return header + SHA256.hash(data: contents) + contents
    }

    /// The file with the checksum that its contents now have.
    static func resealed(_ file: [UInt8]) -> [UInt8] {
        [UInt8](file[..<32]) + SHA256.hash(data: file[64...]) + file[64...]
    }
}
