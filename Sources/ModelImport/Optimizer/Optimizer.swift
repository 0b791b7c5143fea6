import ModelGraph
import Quantization

/// Makes graphs simpler without changing what they compute.
///
/// A value whose encoding a file gives stays, because its integers are what the file promises.
enum Optimizer {
    /// Runs all passes, and notes what each did.
    static func optimize(_ model: ImportedModel) throws(ImportError) -> ImportedModel {
        do throws(GraphError) {
            var rewrite = try Rewrite(model)
            rewrite.joinReorderings()
            rewrite.findHardSwish()
            rewrite.cropPadding()
            rewrite.findGates()
            rewrite.joinAffines()
            rewrite.foldAffinesAfterSums()
            rewrite.foldAffinesBeforeSums()
            rewrite.fusePads()
            rewrite.fuseActivations()
            rewrite.foldReorderingsIntoWeights()
            rewrite.removeUnread()
            var result = model
            result.graph = rewrite.graph
            result.encodings = rewrite.encodings
            result.quantizedConstants = rewrite.quantizedConstants
            result.origins = rewrite.origins
            result.notes += rewrite.notes
            try result.graph.validate()
            return result
        } catch { throw .graph(error) }
    }
}

/// A graph while it is rewritten: who makes and who reads each value.
struct Rewrite {
    private(set) var nodes: [Node?]
    var constants: [String: Tensor]
    var encodings: [String: Encoding]
    var quantizedConstants: [String: QuantizedConstant]
    var origins: [String: [String]]
    private(set) var notes: [String] = []
    let infos: [String: TensorInfo]
    private let original: Graph
    private let outputs: Set<String>
    private var makers: [String: Int] = [:]
    private var readers: [String: Set<Int>] = [:]

    init(_ model: ImportedModel) throws(GraphError) {
        original = model.graph
        nodes = model.graph.nodes
        constants = model.graph.constants
        encodings = model.encodings
        quantizedConstants = model.quantizedConstants
        origins = model.origins
        infos = try model.graph.values()
        outputs = Set(model.graph.outputs)
        for (index, node) in model.graph.nodes.enumerated() {
            makers[node.output] = index
            for input in node.inputs { readers[input, default: []].insert(index) }
        }
    }

    var graph: Graph {
        var graph = original
        graph.nodes = nodes.compactMap { $0 }
        graph.constants = constants
        return graph
    }

    var indices: Range<Int> { nodes.indices }

    func shape(_ value: String) -> [Int] { infos[value]?.shape ?? [] }

    /// The place of the node that makes a value.
    func maker(of value: String) -> Int? { makers[value] }

    /// The only node that reads a value which is no answer and whose integers no file promises.
    func soleReader(of value: String) -> Int? {
        guard !outputs.contains(value), encodings[value] == nil, let readers = readers[value], readers.count == 1 else {
            return nil
        }
        return readers.first
    }

    func isAnswer(_ value: String) -> Bool { outputs.contains(value) }

    mutating func note(_ pass: String, _ count: Int) {
        if count > 0 { notes.append("\(pass): \(count)") }
    }

    /// Puts another node in the place of one.
    mutating func replace(_ index: Int, with node: Node?) {
        if let old = nodes[index] {
            for input in old.inputs { readers[input]?.remove(index) }
            if makers[old.output] == index { makers[old.output] = nil }
        }
        nodes[index] = node
        guard let node else { return }
        makers[node.output] = index
        for input in node.inputs { readers[input, default: []].insert(index) }
    }

    /// A new name for a constant that is changed for one of its readers.
    mutating func add(_ tensor: Tensor, _ base: String) -> String {
        var name = base
        var number = 1
        while constants[name] != nil || infos[name] != nil {
            number += 1
            name = "\(base).\(number)"
        }
        constants[name] = tensor
        return name
    }

    func floats(_ constant: String) -> [Float]? {
        guard let tensor = constants[constant], tensor.dataType == .float32 else { return nil }
        return try? tensor.floats
    }

    /// Nodes whose results nobody wants, and constants that no node reads.
    mutating func removeUnread() {
        var count = 0
        for index in indices.reversed() {
            guard let node = nodes[index], !outputs.contains(node.output), readers[node.output]?.isEmpty ?? true else {
                continue
            }
            replace(index, with: nil)
            count += 1
        }
        note("nodes that nothing reads, removed", count)
        let used = Set(nodes.compactMap { $0 }.flatMap(\.operation.constants))
        constants = constants.filter { used.contains($0.key) }
        quantizedConstants = quantizedConstants.filter { used.contains($0.key) }
        origins = origins.filter { used.contains($0.key) }
        let values = Set(nodes.compactMap { $0?.output }).union(original.inputs.map(\.name))
        encodings = encodings.filter { values.contains($0.key) }
    }
}
