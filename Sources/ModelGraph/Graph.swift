/// The wiring of a graph, without the contents of its constants.
public struct GraphStructure: Codable, Sendable, Hashable {
    /// The name of the graph.
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
    /// A value with more elements in a row than this is refused.
    public static let elementsMax = 1 << 26
    /// A value with more dimensions than this, without the batch, is refused.
    public static let rankMax = 8
    /// A size, stride, dilation, margin or number of groups greater than this is refused.
    public static let attributeMax = 1 << 20

    /// The name of the graph.
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
    /// Weights may be `f32`, `s8` or `u8`, biases `f32` or `s32`, the table of `gather` and the constant of an
    /// arithmetic operation `f32`, `s8` or `u8`, the scale of `affine` `f32` or `s8`, its offset `f32` or `s32`.
    ///
    /// - Throws: the first ``GraphError`` in node order, naming node and tensor.
    public func validate() throws(GraphError) {
        _ = try values()
    }

    /// The shape of an input or of a node's output, without the batch.
    ///
    /// - Throws: ``GraphError/unknownValue(node:value:)``, or what ``validate()`` throws.
    public func shape(of value: String) throws(GraphError) -> [Int] {
        guard let info = try values()[value] else { throw .unknownValue(node: nil, value: value) }
        return info.shape
    }

    /// Every input and every node's output by name, with its shape and type.
    ///
    /// - Throws: what ``validate()`` throws.
    public func values() throws(GraphError) -> [String: TensorInfo] {
        guard (1...Graph.nodesMax).contains(inputs.count) else { throw .count(what: "inputs", actual: inputs.count) }
        guard (1...Graph.nodesMax).contains(outputs.count) else { throw .count(what: "outputs", actual: outputs.count) }
        guard nodes.count <= Graph.nodesMax else { throw .count(what: "nodes", actual: nodes.count) }
        guard constants.count <= Graph.nodesMax else { throw .count(what: "constants", actual: constants.count) }
        var values: [String: TensorInfo] = [:]
        for input in inputs {
            guard let count = Tensor.elementCount(of: input.shape), (1...Graph.elementsMax).contains(count),
                input.shape.count <= Graph.rankMax
            else { throw .invalidShape(input.shape) }
            guard input.dataType == .float32 || input.dataType == .int32 else {
                throw .valueType(node: nil, value: input.name, actual: input.dataType)
            }
            try define(input, in: &values)
        }
        var nodeNames: Set<String> = []
        for node in nodes {
            guard !node.name.isEmpty, nodeNames.insert(node.name).inserted else { throw .invalidName(node.name) }
            try define(ShapeInference(node: node, values: values, constants: constants).output(), in: &values)
        }
        for output in outputs where values[output] == nil {
            throw .unknownValue(node: nil, value: output)
        }
        return values
    }

    private func define(_ value: TensorInfo, in values: inout [String: TensorInfo]) throws(GraphError) {
        guard !value.name.isEmpty, values[value.name] == nil, constants[value.name] == nil else {
            throw .invalidName(value.name)
        }
        values[value.name] = value
    }
}
