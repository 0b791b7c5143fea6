import FoundationEssentials
import ModelGraph
import SwiftProtobuf

/// Makes a graph of an ONNX file.
struct ONNXImport {
    private let nodes: [ONNXNode]
    private let opsets: [String: Int]
    /// How many nodes read each value, and whether it is an output of the file; by the number of the value.
    private let readers: [Int]
    private let isOutput: [Bool]
    private let wiring: [SourceWiring]

    static func read(_ bytes: [UInt8], options: ModelImporter.Options) throws(ImportError) -> ImportedModel {
        try ONNXWire.check(bytes)
        let model: Onnx_ModelProto
        do { model = try Onnx_ModelProto(serializedBytes: bytes) } catch {
            throw .notAModel(reason: "neither TFLite nor ONNX that can be decoded")
        }
        guard model.hasGraph else { throw .notAModel(reason: "neither TFLite nor ONNX: there is no graph in it") }
        guard (3...64).contains(model.irVersion) else {
            throw .damaged(field: "ir_version", reason: "\(model.irVersion); known are 3 and up")
        }
        var opsets: [String: Int] = [:]
        for entry in model.opsetImport {
            opsets[entry.domain == "ai.onnx" ? "" : entry.domain] = Int(clamping: entry.version)
        }
        let opset = opsets[""] ?? 0
        if opsets[""] != nil {
            guard (7...23).contains(opset) else {
                throw .unsupported([.init(node: "", operation: "opset \(opset)", reason: "known are 7 to 22")])
            }
        }
        return try read(model, opsets: opsets, fileBytes: bytes.count, options: options)
    }

    private static func read(
        _ model: Onnx_ModelProto,
        opsets: [String: Int],
        fileBytes: Int,
        options: ModelImporter.Options
    ) throws(ImportError) -> ImportedModel {
        let graph = model.graph
        guard graph.sparseInitializer.isEmpty else {
            throw .unsupported([.init(node: "", operation: "sparse initializer", reason: "sparse constants")])
        }
        var table = ONNXNames()
        var values: [Value?] = []
        func define(_ number: Int, _ value: Value) {
            while values.count <= number { values.append(nil) }
            values[number] = value
        }
        var texts: [Int: [String]] = [:]
        for tensor in graph.initializer {
            let number = table.number(of: tensor.name)
            if tensor.dataType == ONNXImport.textType {
                // Names of classes: they are there, but nothing computes with them.
                texts[number] = tensor.stringData.map { String(decoding: $0, as: UTF8.self) }
                define(number, Value(SourceTensor(shape: [0], integers: [], type: .bool)))
                continue
            }
            let constant = Constant(
                tensor: try SourceTensor(tensor, field: "initializer '\(tensor.name)'"),
                origin: tensor.name
            )
            define(number, Value(constant))
        }
        var builder = GraphBuilder(name: graph.name.isEmpty ? "model" : graph.name, fileBytes: fileBytes)
        builder.isChannelsFirst = graph.node.contains { ONNXImport.spatial.contains($0.opType) }
        var result = LoweredModel(
            source: SourceDescription(
                kind: .onnx,
                producer: "\(model.producerName) \(model.producerVersion)".trimmed,
                version: opsets[""] ?? opsets.values.max() ?? 0
            )
        )
        for input in graph.input {
            let number = table.number(of: input.name)
            // Older files list constants among the inputs.
            guard !(number < values.count && values[number] != nil) else { continue }
            if let tensor = options.bindings[input.name] {
                define(number, Value(tensor))
                continue
            }
            let (type, shape) = try ONNXImport.typeAndShape(of: input, options)
            let value = builder.input(input.name, shape: shape, type: type, encoding: nil)
            define(number, value)
            result.inputs.append(.init(name: input.name, type: type, shape: shape, value: value))
        }
        let nodes = graph.node.map(ONNXNode.init)
        var wiring = nodes.enumerated().map { index, node in
            SourceWiring(
                name: node.proto.name.isEmpty
                    ? node.proto.output.first { !$0.isEmpty } ?? "node \(index)" : node.proto.name,
                operation: node.kind,
                inputs: node.proto.input.map { table.number(of: $0) },
                outputs: node.proto.output.map { table.number(of: $0) }
            )
        }
        let outputs = graph.output.map { table.number(of: $0.name) }
        while values.count < table.names.count { values.append(nil) }
        let dead = try ONNXImport.prune(&wiring, outputs: outputs, valueCount: values.count)
        var readers = [Int](repeating: 0, count: values.count)
        for node in wiring { for input in node.inputs where input >= 0 { readers[input] += 1 } }
        var isOutput = [Bool](repeating: false, count: values.count)
        for output in outputs where output >= 0 { isOutput[output] = true }
        let importer = ONNXImport(nodes: nodes, opsets: opsets, readers: readers, isOutput: isOutput, wiring: wiring)
        var lowering = Lowering(values: values)
        var folded = 0
        var notes: [String] = []
        var labels: [String] = []
        var dropped: Set<Int> = []
        let supported = ONNXOperands.operators
        try lowering.run(wiring, names: table.names, supported: supported, &builder) {
            index,
            inputs,
            builder throws(Refusal) in
            guard !wiring[index].outputs.isEmpty else { return [] }
            var operands = importer.operands(index, inputs)
            if let place = wiring[index].inputs.firstIndex(where: { texts[$0] != nil }) {
                guard place == 0, wiring[index].operation == "ai.onnx.ml.ArrayFeatureExtractor" else {
                    throw .unsupported("elements of type string")
                }
                operands.texts = texts[wiring[index].inputs[0]]
            }
            let results = try operands.results(&builder)
            if results.allSatisfy({ $0?.constant != nil }), wiring[index].operation != "Constant" { folded += 1 }
            notes += operands.notes
            if !operands.labels.isEmpty { labels = operands.labels }
            for place in operands.dropped where wiring[index].outputs.indices.contains(place) {
                dropped.insert(wiring[index].outputs[place])
            }
            return results
        }
        lowering.problems += ONNXImport.spread(&dropped, over: wiring)
        for (output, info) in zip(outputs, graph.output) {
            guard output >= 0, let value = lowering.values[output] else {
                guard output < 0 || !dropped.contains(output) else { continue }
                guard !lowering.problems.isEmpty else {
                    throw .damaged(field: "output '\(info.name)'", reason: "nothing gives it")
                }
                continue
            }
            result.outputs.append(.init(name: info.name, type: value.type, shape: value.shape, value: value))
        }
        result.notes = LoweredModel.notes(folded: folded, dead: dead) + notes
        result.labels = labels
        result.names = Set(table.names)
        return try result.finished(lowering, builder)
    }

    /// What only passes on a label that is left out is left out too; what else reads one cannot be imported.
    private static func spread(_ dropped: inout Set<Int>, over nodes: [SourceWiring]) -> [ImportError.Problem] {
        let passing: Set<String> = ["Cast", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]
        guard !dropped.isEmpty else { return [] }
        var readers: [Int: [Int]] = [:]
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { readers[input, default: []].append(index) }
        }
        var problems: [Int: ImportError.Problem] = [:]
        var open = Array(dropped)
        while let value = open.popLast() {
            for index in readers[value] ?? [] {
                let node = nodes[index]
                guard passing.contains(node.operation) else {
                    problems[index] = .init(node: node.name, operation: node.operation, reason: "it reads a label")
                    continue
                }
                open += node.outputs.filter { dropped.insert($0).inserted }
            }
        }
        return problems.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The number of the type of texts.
    private static let textType = 8

    /// Operators over planes, in whose company an input with four dimensions has its channels second.
    private static let spatial: Set<String> = [
        "Conv", "ConvInteger", "ConvTranspose", "QLinearConv", "MaxPool", "AveragePool", "GlobalAveragePool",
        "GlobalMaxPool",
        "QLinearAveragePool", "QLinearGlobalAveragePool", "Resize", "Upsample", "BatchNormalization",
    ]

    private static func typeAndShape(
        of input: Onnx_ValueInfoProto,
        _ options: ModelImporter.Options
    ) throws(ImportError) -> (ElementType, [Int]) {
        let field = "input '\(input.name)'"
        guard case .tensorType(let tensor)? = input.type.value else {
            throw .unsupported([.init(node: input.name, operation: "input", reason: "it is no tensor")])
        }
        guard let type = SourceTensor.types[Int(tensor.elemType)] else {
            let name = SourceTensor.name(ofType: Int(tensor.elemType))
            throw .unsupported([.init(node: input.name, operation: "input", reason: "elements of type \(name)")])
        }
        if let shape = options.shapes[input.name] { return (type, shape) }
        guard tensor.hasShape else {
            throw .unsupported([.init(node: input.name, operation: "input", reason: "the file gives it no shape")])
        }
        var shape: [Int] = []
        for (axis, dimension) in tensor.shape.dim.enumerated() {
            switch dimension.value {
            case .dimValue(let number) where number > 0: shape.append(Int(clamping: number))
            case .dimValue, .dimParam, nil:
                guard axis == 0 else {
                    throw .unsupported([
                        .init(
                            node: input.name,
                            operation: "input",
                            reason: "dimension \(axis) has no fixed size; export the model with one"
                        )
                    ])
                }
                shape.append(1)
            }
        }
        guard shape.count <= ImportLimits.rankMax, let count = SourceTensor.elementCount(shape),
            count <= Graph.elementsMax
        else { throw .damaged(field: field, reason: "shape \(shape.prefix(16))") }
        return (type, shape)
    }

    /// Takes the reads and writes from nodes that no output depends on, and counts these.
    private static func prune(
        _ wiring: inout [SourceWiring],
        outputs: [Int],
        valueCount: Int
    ) throws(ImportError) -> Int {
        var writer = [Int](repeating: -1, count: valueCount)
        for (index, node) in wiring.enumerated() {
            for output in node.outputs where output >= 0 { writer[output] = index }
        }
        var isNeeded = [Bool](repeating: false, count: wiring.count)
        var open = outputs.filter { $0 >= 0 }
        while let value = open.popLast() {
            let index = writer[value]
            guard index >= 0, !isNeeded[index] else { continue }
            isNeeded[index] = true
            open += wiring[index].inputs.filter { $0 >= 0 }
        }
        for index in wiring.indices where !isNeeded[index] {
            wiring[index].inputs = []
            wiring[index].outputs = []
        }
        return isNeeded.count { !$0 }
    }

    private func operands(_ index: Int, _ inputs: [Value?]) -> ONNXOperands {
        let outputs = wiring[index].outputs
        return ONNXOperands(
            node: nodes[index],
            inputs: inputs,
            opset: opsets[""] ?? 22,
            isOnlyReader: wiring[index].inputs.map { $0 >= 0 && readers[$0] == 1 && !isOutput[$0] },
            isRead: outputs.map { $0 >= 0 && (readers[$0] > 0 || isOutput[$0]) },
            isInner: outputs.map { $0 >= 0 && readers[$0] > 0 },
            isAnswer: outputs.map { $0 >= 0 && isOutput[$0] }
        )
    }
}

/// Numbers for the names of values.
private struct ONNXNames {
    private(set) var names: [String] = []
    private var numbers: [String: Int] = [:]

    /// -1 for the empty name, which stands for what is left out.
    mutating func number(of name: String) -> Int {
        guard !name.isEmpty else { return -1 }
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }
}

extension String {
    /// Without blanks at both ends.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }
}

/// A node with its attributes by name.
struct ONNXNode {
    let proto: Onnx_NodeProto
    private let attributes: [String: Onnx_AttributeProto]

    init(_ proto: Onnx_NodeProto) {
        self.proto = proto
        attributes = Dictionary(proto.attribute.map { ($0.name, $0) }) { first, _ in first }
    }

    /// The operator, with its domain unless that is ONNX itself.
    var kind: String {
        proto.domain.isEmpty || proto.domain == "ai.onnx" ? proto.opType : "\(proto.domain).\(proto.opType)"
    }

    func has(_ name: String) -> Bool { attributes[name] != nil }

    func integer(_ name: String, _ missing: Int) -> Int { attributes[name].map { Int($0.i) } ?? missing }

    func integers(_ name: String) -> [Int]? { attributes[name].map { $0.ints.map { Int($0) } } }

    func float(_ name: String, _ missing: Float) -> Float { attributes[name].map(\.f) ?? missing }

    func floats(_ name: String) -> [Float]? { attributes[name].map(\.floats) }

    func text(_ name: String, _ missing: String) -> String {
        attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? missing
    }

    func texts(_ name: String) -> [String] {
        attributes[name].map { $0.strings.map { String(decoding: $0, as: UTF8.self) } } ?? []
    }

    func tensor(_ name: String) -> Onnx_TensorProto? {
        guard let attribute = attributes[name], attribute.hasT else { return nil }
        return attribute.t
    }

    /// An attribute that refers to another of the function around the node, which is not imported.
    var refersToFunction: Bool { attributes.values.contains { !$0.refAttrName.isEmpty } }
}
