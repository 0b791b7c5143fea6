/// A named value without its contents.
public struct TensorInfo: Codable, Sendable, Hashable {
    /// The name of the graph, node or value.
    public var name: String
    /// The dimensions without the batch.
    public var shape: [Int]

    /// Makes a value of its parts.
    public init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }
}

/// One step of a graph: reads one value, and the constants of its operation, and produces one value.
public struct Node: Codable, Sendable, Hashable {
    /// The name of the graph, node or value.
    public var name: String
    /// What the node computes.
    public var operation: Operation
    /// The name of the value that the node reads.
    public var input: String
    /// The name of the value that the node produces.
    public var output: String

    /// Makes a value of its parts.
    public init(name: String, operation: Operation, input: String, output: String) {
        self.name = name
        self.operation = operation
        self.input = input
        self.output = output
    }
}

/// The wiring of a graph, without the contents of its constants.
public struct GraphStructure: Codable, Sendable, Hashable {
    /// The name of the graph, node or value.
    public var name: String
    /// The values that come from outside.
    public var inputs: [TensorInfo]
    /// The names of the values that are asked for.
    public var outputs: [String]
    /// The steps in topological order.
    public var nodes: [Node]

    /// Makes a value of its parts.
    public init(name: String, inputs: [TensorInfo], outputs: [String], nodes: [Node]) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.nodes = nodes
    }
}

/// A model that belongs to no framework: nodes in topological order and constants by name.
///
/// The batch is an implicit leading dimension of every value and of no constant.
public struct Graph: Sendable, Hashable {
    /// More nodes, inputs, outputs or constants than this are refused.
    public static let nodesMax = 4096

    /// The name of the graph, node or value.
    public var name: String
    /// The values that come from outside.
    public var inputs: [TensorInfo]
    /// The names of the values that are asked for.
    public var outputs: [String]
    /// The steps in topological order.
    public var nodes: [Node]
    /// The constants by name.
    public var constants: [String: Tensor]

    /// Makes a value of its parts.
    public init(
        name: String,
        inputs: [TensorInfo],
        outputs: [String],
        nodes: [Node],
        constants: [String: Tensor]
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.nodes = nodes
        self.constants = constants
    }

    /// Makes a value of its parts.
    public init(structure: GraphStructure, constants: [String: Tensor]) {
        self.init(
            name: structure.name,
            inputs: structure.inputs,
            outputs: structure.outputs,
            nodes: structure.nodes,
            constants: constants
        )
    }

    /// The wiring alone.
    public var structure: GraphStructure {
        GraphStructure(name: name, inputs: inputs, outputs: outputs, nodes: nodes)
    }

    /// Checks that every name resolves and every shape and type fits.
    ///
    /// Weights may be `f32`, `s8` or `u8`, biases `f32` or `s32`, the constants of `affine` `f32`.
    ///
    /// - Throws: the first ``GraphError`` in node order, naming node and tensor.
    public func validate() throws(GraphError) {
        _ = try shapes()
    }

    /// The shape of an input or of a node's output, without the batch.
    ///
    /// - Throws: ``GraphError/unknownValue(node:value:)``, or what ``validate()`` throws.
    public func shape(of value: String) throws(GraphError) -> [Int] {
        guard let shape = try shapes()[value] else { throw .unknownValue(node: nil, value: value) }
        return shape
    }

    private func shapes() throws(GraphError) -> [String: [Int]] {
        guard (1...Graph.nodesMax).contains(inputs.count) else { throw .count(what: "inputs", actual: inputs.count) }
        guard (1...Graph.nodesMax).contains(outputs.count) else { throw .count(what: "outputs", actual: outputs.count) }
        guard nodes.count <= Graph.nodesMax else { throw .count(what: "nodes", actual: nodes.count) }
        guard constants.count <= Graph.nodesMax else { throw .count(what: "constants", actual: constants.count) }
        var shapes: [String: [Int]] = [:]
        for input in inputs {
            guard let count = Tensor.elementCount(of: input.shape), count > 0 else { throw .invalidShape(input.shape) }
            try define(input.name, shape: input.shape, in: &shapes)
        }
        var nodeNames: Set<String> = []
        for node in nodes {
            guard !node.name.isEmpty, nodeNames.insert(node.name).inserted else { throw .invalidName(node.name) }
            guard let input = shapes[node.input] else { throw .unknownValue(node: node.name, value: node.input) }
            try define(node.output, shape: outputShape(of: node, input: input), in: &shapes)
        }
        for output in outputs where shapes[output] == nil {
            throw .unknownValue(node: nil, value: output)
        }
        return shapes
    }

    private func define(_ name: String, shape: [Int], in shapes: inout [String: [Int]]) throws(GraphError) {
        guard !name.isEmpty, shapes[name] == nil, constants[name] == nil else { throw .invalidName(name) }
        shapes[name] = shape
    }

    private func outputShape(of node: Node, input: [Int]) throws(GraphError) -> [Int] {
        switch node.operation {
        case .affine(let scale, let offset):
            let channels = [input.last ?? 1]
            for name in [scale, offset] {
                try check(constant(name, of: node), name, of: node, shape: channels, types: [.float32])
            }
            return input
        case .fullyConnected(let weights, let bias, _):
            let tensor = try constant(weights, of: node)
            let inputs = input.reduce(1, *)
            guard tensor.shape.count == 2, tensor.shape[0] > 0 else {
                throw .shapeMismatch(
                    node: node.name,
                    tensor: weights,
                    expected: [tensor.shape.first ?? 1, inputs],
                    actual: tensor.shape
                )
            }
            let outputs = tensor.shape[0]
            try check(tensor, weights, of: node, shape: [outputs, inputs], types: [.float32, .int8, .uint8])
            try check(constant(bias, of: node), bias, of: node, shape: [outputs], types: [.float32, .int32])
            return [outputs]
        case .softmax:
            return input
        }
    }

    private func constant(_ name: String, of node: Node) throws(GraphError) -> Tensor {
        guard let tensor = constants[name] else { throw .unknownConstant(node: node.name, constant: name) }
        return tensor
    }

    private func check(
        _ tensor: Tensor,
        _ name: String,
        of node: Node,
        shape: [Int],
        types: [DataType]
    ) throws(GraphError) {
        guard tensor.shape == shape else {
            throw .shapeMismatch(node: node.name, tensor: name, expected: shape, actual: tensor.shape)
        }
        guard types.contains(tensor.dataType) else {
            throw .constantType(node: node.name, constant: name, actual: tensor.dataType)
        }
    }
}
