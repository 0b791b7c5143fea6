import ModelContainer
import ModelGraph
import Quantization
import Testing

@Suite("A container gives back what was put in")
struct ModelContainerRoundTripTests {
    @Test("Manifest, tensors and digest survive")
    func roundTrip() throws {
        let bytes = try ModelContainer.encode(manifest: Examples.manifest(), tensors: Examples.tensors)
        let container = try ModelContainer(parsing: bytes)
        #expect(try container.manifest == Examples.manifest())
        #expect(container.tensorNames == Examples.tensors.map(\.name))
        for (name, tensor) in Examples.tensors {
            #expect(try container.tensor(name) == tensor)
        }
        #expect(container.digest == ModelContainer.digest(of: bytes))
        #expect(container.digest.count == 64)
    }

    @Test("The same contents give the same bytes")
    func deterministic() throws {
        let first = try ModelContainer.encode(manifest: Examples.manifest(), tensors: Examples.tensors)
        let second = try ModelContainer.encode(manifest: Examples.manifest(), tensors: Examples.tensors)
        #expect(first == second)
        let container = try ModelContainer(parsing: first)
        let tensors = try container.tensorNames.map { (name: $0, tensor: try container.tensor($0)) }
        #expect(try ModelContainer.encode(manifest: container.manifest, tensors: tensors) == first)
    }

    @Test("Each tensor begins at a multiple of 128 and the file ends at one")
    func alignment() throws {
        let marker: [UInt8] = (0..<40).map { 200 &+ $0 }
        let bytes = try ModelContainer.dataset(
            tensors: [("a", Tensor(shape: [1], uint8s: [1])), ("b", Tensor(shape: [40], uint8s: marker))],
            metadata: [:]
        )
        #expect(bytes.count % 128 == 0)
        #expect(Array(bytes[(bytes.count - 128)...].prefix(40)) == marker)
    }

    @Test("A float model keeps its graph")
    func floatModel() throws {
        let graph = Examples.graph
        let bytes = try ModelContainer.floatModel(
            graph: graph,
            features: Examples.features,
            task: .regression,
            lineage: Examples.lineage
        )
        let container = try ModelContainer(parsing: bytes)
        #expect(try container.graph == graph)
        #expect(container.manifest.kind == .floatModel)
        #expect(container.manifest.lineage == Examples.lineage)
    }

    @Test("A data set has tensors and no graph")
    func dataset() throws {
        let inputs = Tensor(shape: [2, 3], floats: [1, 2, 3, 4, 5, 6])
        let bytes = try ModelContainer.dataset(tensors: [("inputs", inputs)], metadata: ["source": "test"])
        let container = try ModelContainer(parsing: bytes)
        #expect(try container.tensor("inputs").floats == [1, 2, 3, 4, 5, 6])
        #expect(container.manifest.metadata == ["source": "test"])
        #expect(throws: ContainerError.self) { try container.graph }
        #expect(throws: ContainerError.missingTensor("targets")) { try container.tensor("targets") }
    }

    @Test("Floats in the manifest keep their bits, golden answers also when they are not finite")
    func floatBits() throws {
        var state: UInt32 = 1
        let floats: [Float] = (0..<500).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(bitPattern: state)
        }
        let finite = floats.filter(\.isFinite) + [-0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        var manifest = Manifest(kind: .dataset)
        manifest.features = finite.map { Feature(name: "f", shape: [], min: $0) }
        manifest.golden = GoldenAnswers(inputs: [floats + [.nan, -.infinity, -0.0]], outputs: [[]])
        let parsed = try ModelContainer(parsing: ModelContainer.encode(manifest: manifest, tensors: [])).manifest
        #expect(parsed.features.map(\.min?.bitPattern) == finite.map(\.bitPattern))
        #expect(
            parsed.golden?.inputs[0].map(\.bitPattern) == (floats + [.nan, -.infinity, -0.0]).map(\.bitPattern)
        )
    }

    @Test("What cannot be written is refused")
    func unencodable() {
        let tensor = Tensor(shape: [1], uint8s: [1])
        #expect(throws: ContainerError.self) {
            try ModelContainer.dataset(tensors: [("a", tensor), ("a", tensor)], metadata: [:])
        }
        #expect(throws: ContainerError.self) { try ModelContainer.dataset(tensors: [("", tensor)], metadata: [:]) }
        let manifest = Manifest(kind: .dataset, features: [Feature(name: "f", shape: [], min: .nan)])
        #expect(throws: ContainerError.self) { try ModelContainer.encode(manifest: manifest, tensors: []) }
    }
}

@Suite("No hostile byte gets through")
struct HostileContainerTests {
    @Test("A flipped bit anywhere is noticed")
    func flips() throws {
        let bytes = try Examples.smallest()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            #expect(throws: ContainerError.self, "byte \(index)") { try ModelContainer(parsing: damaged) }
        }
    }

    @Test("A file cut anywhere, or with bytes behind its end, is refused")
    func truncation() throws {
        let bytes = try Examples.smallest()
        for count in bytes.indices {
            #expect(throws: ContainerError.self, "\(count) bytes") {
                try ModelContainer(parsing: Array(bytes[..<count]))
            }
        }
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: bytes + [0]) }
    }

    @Test("A forger who knows the checksum still gets an error or a container, never a trap")
    func forgedFlips() throws {
        let bytes = try Examples.smallest()
        for index in bytes.indices.dropFirst(64) {
            for mask: UInt8 in [1, 0x10, 0x80] {
                var forged = bytes
                forged[index] ^= mask
                guard let container = try? ModelContainer(parsing: Examples.resealed(forged)) else { continue }
                for name in container.tensorNames {
                    _ = try container.tensor(name)
                }
                _ = try? container.graph
            }
        }
    }

    @Test(
        "Offsets, counts, shapes and names that lie are refused",
        arguments: [
            (#""offset":0"#, #""offset":9223372036854775807"#), (#""offset":0"#, #""offset":-128"#),
            (#""offset":128"#, #""offset":0"#), (#""offset":128"#, #""offset":256"#),
            (#""byteCount":1"#, #""byteCount":2"#), (#""byteCount":1"#, #""byteCount":-1"#),
            (#""byteCount":8"#, #""byteCount":9223372036854775807"#),
            (#""shape":[2]"#, #""shape":[-2]"#), (#""shape":[2]"#, #""shape":[4611686018427387904,4]"#),
            (#""shape":[2]"#, #""shape":[9223372036854775807]"#), (#""shape":[2]"#, #""shape":[1e99]"#),
            (#""name":"b""#, #""name":"a""#), (#""name":"b""#, #""name":"""#),
            (#""type":"f32""#, #""type":"f64""#), (#""kind":"dataset""#, #""kind":"other""#),
            (#""tensors":["#, #""tensors":[[],"#), ("{", "["), ("}", ""), (#""manifest""#, "\"manif\u{00}est\""),
        ]
    )
    func lies(_ truth: String, _ lie: String) throws {
        let json = try Examples.json(Examples.smallest())
        try #require(json.contains(truth))
        let parts = json.split(separator: truth, maxSplits: 1, omittingEmptySubsequences: false)
        let forged = Examples.file(json: parts.joined(separator: lie), data: Examples.smallestData)
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: forged) }
    }

    @Test("Header fields are named")
    func header() throws {
        let bytes = try Examples.smallest()
        func with(_ index: Int, _ value: UInt8) -> [UInt8] {
            var changed = bytes
            changed[index] = value
            return changed
        }
        #expect(throws: ContainerError.unsupportedVersion(2)) { try ModelContainer(parsing: with(8, 2)) }
        #expect(throws: ContainerError.invalid(field: "flags", reason: "not 0")) {
            try ModelContainer(parsing: with(12, 1))
        }
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: with(23, 255)) }
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: with(31, 255)) }
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: with(24, 255)) }
        #expect(throws: ContainerError.damaged) { try ModelContainer(parsing: with(32, bytes[32] ^ 1)) }
    }

    @Test("JSON nested without end is refused")
    func nesting() {
        let json = String(repeating: "[", count: 100_000)
        #expect(throws: ContainerError.self) { try ModelContainer(parsing: Examples.file(json: json, data: [])) }
    }

    @Test("A graph that does not fit its tensors is refused")
    func graph() throws {
        var graph = Examples.graph
        let bytes = try ModelContainer.encode(
            manifest: Manifest(kind: .floatModel, task: .regression, graph: graph.structure),
            tensors: []
        )
        #expect(throws: ContainerError.missingTensor("scale")) { try ModelContainer(parsing: bytes).graph }
        graph.constants["weights"] = Tensor(shape: [1, 5], floats: [1, 2, 3, 4, 5])
        #expect(throws: ContainerError.self) {
            try ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
        }
        let misfit = try ModelContainer.encode(
            manifest: Manifest(kind: .floatModel, task: .regression, graph: graph.structure),
            tensors: ModelContainer.constants(of: graph)
        )
        #expect(
            throws: ContainerError.graph(
                .shapeMismatch(node: "out", tensor: "weights", expected: [1, 2], actual: [1, 5])
            )
        ) {
            try ModelContainer(parsing: misfit).graph
        }
    }
}
