import ModelContainer
import ModelGraph

/// How each value of a graph will stand: as integers with an encoding, as the sums of a last layer, or as real numbers
/// made of them at the end.
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

    /// By the name of the input.
    private(set) var folds: [String: Fold] = [:]
    /// Nodes that are folded away.
    private(set) var foldedNodes: Set<String> = []
    /// Values that stand as sums.
    private(set) var sums: Set<String> = []
    /// Values that are real numbers.
    private(set) var reals: Set<String> = []

    /// - Parameters:
    ///   - graph: A rewritten float graph.
    ///   - fixed: Values that stand as bytes because their encoding was given.
    init(_ graph: Graph, _ infos: [String: TensorInfo], fixed: Set<String> = []) throws(InferenceError) {
        var readers: [String: [Node]] = [:]
        for node in graph.nodes { for input in node.inputs { readers[input, default: []].append(node) } }
        let outputs = Set(graph.outputs)
        for input in graph.inputs where input.dataType == .float32 {
            try fold(input, graph, readers, outputs.union(fixed))
        }
        findTail(graph, infos, readers, outputs, fixed)
    }

    /// Follows a chain of standardizations from an input on.
    private mutating func fold(
        _ input: TensorInfo,
        _ graph: Graph,
        _ readers: [String: [Node]],
        _ kept: Set<String>
    ) throws(InferenceError) {
        var fold = Fold(scale: [1], offset: [0], value: input.name)
        while !kept.contains(fold.value), let node = readers[fold.value]?.first, readers[fold.value]?.count == 1 {
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
                case .maximum, .minimum: break
                }
            default: break
            }
            guard node.operation.isStandardization else { break }
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

    private mutating func findTail(
        _ graph: Graph,
        _ infos: [String: TensorInfo],
        _ readers: [String: [Node]],
        _ outputs: Set<String>,
        _ fixed: Set<String>
    ) {
        // Nodes whose results nobody reads but the outside and other such nodes.
        var tail: Set<String> = []
        func endsOutside(_ value: String) -> Bool {
            (readers[value] ?? []).allSatisfy { tail.contains($0.name) }
                && (outputs.contains(value) || readers[value] != nil)
        }
        for node in graph.nodes.reversed() where endsOutside(node.output) {
            switch node.operation {
            case .softmax, .function: tail.insert(node.name)
            case .reshape where infos[node.output]?.shape.last == infos[node.inputs[0]]?.shape.last:
                tail.insert(node.name)
            default: break
            }
        }
        for node in graph.nodes where !foldedNodes.contains(node.name) {
            switch node.operation {
            case .fullyConnected, .convolution:
                if endsOutside(node.output), !fixed.contains(node.output) { sums.insert(node.output) }
            case .softmax, .function:
                if tail.contains(node.name) { reals.insert(node.output) }
            case .reshape where tail.contains(node.name):
                if sums.contains(node.inputs[0]) { sums.insert(node.output) }
                if reals.contains(node.inputs[0]) { reals.insert(node.output) }
            default: break
            }
        }
    }

    /// Whether a value stands as integers and needs an encoding.
    func isEncoded(_ value: TensorInfo) -> Bool {
        value.dataType == .float32 && !sums.contains(value.name) && !reals.contains(value.name)
    }
}

extension Operation {
    /// Whether it can fold into the encoding of an input.
    fileprivate var isStandardization: Bool {
        switch self {
        case .affine: true
        case .arithmetic(let arithmetic):
            arithmetic.constant != nil && arithmetic.activation == .none && arithmetic.kind != .maximum
                && arithmetic.kind != .minimum
        default: false
        }
    }
}

extension Graph {
    /// The elements of a float constant.
    func floats(_ name: String) throws(InferenceError) -> [Float] {
        guard let tensor = constants[name] else { throw .container(.missingTensor(name)) }
        return try InferenceError.wrapGraph { () throws(GraphError) in try tensor.floats }
    }
}
