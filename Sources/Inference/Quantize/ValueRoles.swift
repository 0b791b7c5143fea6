import ModelContainer
import ModelGraph

/// How each value of a graph will stand: as integers with an encoding, as the sums of a layer, as real numbers between
/// layers that stay float, or as real numbers made at the end.
struct ValueRoles {
    /// A standardization at the input, which folds into its encoding.
    struct Fold {
        /// One factor for all, for each channel or each element.
        var scale: [Float]
        /// As many addends.
        var offset: [Float]
        /// The value that the bytes of the input stand for.
        var value: String
    }

    /// Nodes that stay float.
    let floatNodes: Set<String>
    /// By the name of the input.
    private(set) var folds: [String: Fold] = [:]
    /// Nodes that are folded away.
    private(set) var foldedNodes: Set<String> = []
    /// Values that stand as sums.
    private(set) var sums: Set<String> = []
    /// Values that are real numbers made at the end, and are nowhere in memory.
    private(set) var reals: Set<String> = []
    /// Values that stand as real numbers: what nothing but float layers and the outside reads.
    private(set) var floats: Set<String> = []

    private var readers: [String: [Node]] = [:]
    private let outputs: Set<String>
    /// Values that stand as bytes because their encoding was given.
    private let fixed: Set<String>

    /// - Parameters:
    ///   - graph: A rewritten float graph.
    ///   - floatNodes: The nodes that stay float.
    ///   - fixed: Values that stand as bytes because their encoding was given.
    init(
        _ graph: Graph,
        _ infos: [String: TensorInfo],
        floatNodes: Set<String>,
        fixed: Set<String> = []
    ) throws(InferenceError) {
        self.floatNodes = floatNodes
        self.fixed = fixed
        outputs = Set(graph.outputs)
        for node in graph.nodes { for input in node.inputs { readers[input, default: []].append(node) } }
        for input in graph.inputs where input.dataType == .float32 { try fold(input, graph) }
        findTail(graph, infos)
        findFloats(graph)
    }

    /// Whether a value stands as integers and needs an encoding.
    func isEncoded(_ value: TensorInfo) -> Bool {
        value.dataType == .float32 && !sums.contains(value.name) && !reals.contains(value.name)
            && !floats.contains(value.name)
    }

    /// Whether a node has an integer operator: it is neither folded away, nor float, nor part of what happens at the end.
    func isInteger(_ node: Node) -> Bool {
        !foldedNodes.contains(node.name) && !floatNodes.contains(node.name) && !reals.contains(node.output)
    }

    /// Follows a chain of standardizations from an input on.
    private mutating func fold(_ input: TensorInfo, _ graph: Graph) throws(InferenceError) {
        var fold = Fold(scale: [1], offset: [0], value: input.name)
        while !outputs.contains(fold.value), !fixed.contains(fold.value), let node = readers[fold.value]?.first,
            readers[fold.value]?.count == 1, !floatNodes.contains(node.name)
        {
            var factors: [Float] = [1]
            var addends: [Float] = [0]
            switch node.operation {
            case .affine(let scale, let offset):
                factors = try graph.floats(scale)
                addends = try graph.floats(offset)
            case .arithmetic(let arithmetic):
                guard let constant = arithmetic.constant, arithmetic.activation == .none else { break }
                let number = try graph.floats(constant)
                switch arithmetic.kind {
                case .add: addends = number
                case .subtract: addends = number.map { -$0 }
                case .multiply: factors = number
                case .divide: factors = number.map { 1 / $0 }
                case .maximum, .minimum, .raise: break
                }
            default: break
            }
            guard graph.isStandardization(node) else { break }
            let count = max(fold.scale.count, factors.count, addends.count)
            func at(_ values: [Float], _ index: Int) -> Float { values[values.count == 1 ? 0 : index] }
            fold.scale = (0..<count).map { at(fold.scale, $0) }
            fold.offset = (0..<count).map { at(fold.offset, $0) * at(factors, $0) + at(addends, $0) }
            fold.scale = (0..<count).map { fold.scale[$0] * at(factors, $0) }
            fold.value = node.output
            foldedNodes.insert(node.name)
        }
        folds[input.name] = fold
    }

    private mutating func findTail(_ graph: Graph, _ infos: [String: TensorInfo]) {
        // Nodes whose results nobody reads but the outside and other such nodes.
        var tail: Set<String> = []
        func endsOutside(_ value: String) -> Bool {
            (readers[value] ?? []).allSatisfy { tail.contains($0.name) }
                && (outputs.contains(value) || readers[value] != nil)
        }
        for node in graph.nodes.reversed() where endsOutside(node.output) && !floatNodes.contains(node.name) {
            switch node.operation {
            case .softmax, .function: tail.insert(node.name)
            case .reshape where infos[node.output]?.shape.last == infos[node.inputs[0]]?.shape.last:
                tail.insert(node.name)
            default: break
            }
        }
        // The same before layers that stay float, through what only gives another shape.
        var passing = tail
        func givesReals(_ value: String) -> Bool {
            (readers[value] ?? []).allSatisfy { passing.contains($0.name) || floatNodes.contains($0.name) }
                && (outputs.contains(value) || readers[value] != nil)
        }
        for node in graph.nodes.reversed() where !floatNodes.contains(node.name) {
            guard case .reshape = node.operation, givesReals(node.output) else { continue }
            if infos[node.output]?.shape.last == infos[node.inputs[0]]?.shape.last { passing.insert(node.name) }
        }
        for node in graph.nodes where !foldedNodes.contains(node.name) && !floatNodes.contains(node.name) {
            switch node.operation {
            case .fullyConnected, .convolution:
                if givesReals(node.output), !fixed.contains(node.output) { sums.insert(node.output) }
            case .softmax, .function:
                if tail.contains(node.name) { reals.insert(node.output) }
            case .reshape where passing.contains(node.name):
                if sums.contains(node.inputs[0]) { sums.insert(node.output) }
                if reals.contains(node.inputs[0]) { reals.insert(node.output) }
            default: break
            }
        }
    }

    /// What float layers give to each other, and inputs that only they read; a reshape passes it on.
    private mutating func findFloats(_ graph: Graph) {
        func isReadByIntegers(_ value: String) -> Bool {
            (readers[value] ?? []).contains { reader in
                guard !floatNodes.contains(reader.name), !reals.contains(reader.output) else { return false }
                if case .reshape = reader.operation { return isReadByIntegers(reader.output) }
                return true
            }
        }
        for input in graph.inputs where input.dataType == .float32 {
            let isFolded = folds[input.name].map { $0.value != input.name } ?? false
            let hasFloatReader = (readers[input.name] ?? []).contains { floatNodes.contains($0.name) }
            if !isFolded, hasFloatReader, !isReadByIntegers(input.name) { floats.insert(input.name) }
        }
        for node in graph.nodes {
            if floatNodes.contains(node.name), !isReadByIntegers(node.output) { floats.insert(node.output) }
            if case .reshape = node.operation, floats.contains(node.inputs[0]), !floatNodes.contains(node.name) {
                floats.insert(node.output)
            }
        }
    }
}

extension Graph {
    /// Whether a node can fold into the encoding of an input.
    fileprivate func isStandardization(_ node: Node) -> Bool {
        switch node.operation {
        case .affine: true
        case .arithmetic(let arithmetic):
            arithmetic.constant.map { constants[$0]?.elementCount == 1 } ?? false && arithmetic.activation == .none
                && ![.maximum, .minimum, .raise].contains(arithmetic.kind)
        default: false
        }
    }

    /// The elements of a float constant.
    func floats(_ name: String) throws(InferenceError) -> [Float] {
        guard let tensor = constants[name] else { throw .container(.missingTensor(name)) }
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
    }
}
