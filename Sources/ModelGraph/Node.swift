/// A named value without its contents.
public struct TensorInfo: Sendable, Hashable {
    /// The name of the value.
    public var name: String
    /// The dimensions without the batch.
    public var shape: [Int]
    /// The type of the elements: `.float32`, or `.int32` for integers that `gather` reads.
    public var dataType: DataType

    /// Makes a value of its parts.
    public init(name: String, shape: [Int], dataType: DataType = .float32) {
        self.name = name
        self.shape = shape
        self.dataType = dataType
    }
}

extension TensorInfo: Codable {
    private enum Key: String, CodingKey { case name, shape, type }

    /// Reads the fields; without `type` the elements are floats.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            shape: try container.decode([Int].self, forKey: .shape),
            dataType: try container.decodeIfPresent(DataType.self, forKey: .type) ?? .float32
        )
    }

    /// Writes the fields that ``init(from:)`` reads, `type` only when the elements are not floats.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(shape, forKey: .shape)
        if dataType != .float32 { try container.encode(dataType, forKey: .type) }
    }
}

/// One step of a graph: reads values, and the constants of its operation, and produces one value.
public struct Node: Sendable, Hashable {
    /// The name of the node.
    public var name: String
    /// What the node computes.
    public var operation: Operation
    /// The names of the values that the node reads, in the order of the operation.
    public var inputs: [String]
    /// The name of the value that the node produces.
    public var output: String

    /// Makes a node with any number of inputs.
    public init(name: String, operation: Operation, inputs: [String], output: String) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
        self.output = output
    }

    /// Makes a node with one input.
    public init(name: String, operation: Operation, input: String, output: String) {
        self.init(name: name, operation: operation, inputs: [input], output: output)
    }
}

extension Node: Codable {
    private enum Key: String, CodingKey { case name, operation, input, inputs, output }

    /// Reads `input`, a name, or `inputs`, a list.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let single = try container.decodeIfPresent(String.self, forKey: .input).map { [$0] }
        self.init(
            name: try container.decode(String.self, forKey: .name),
            operation: try container.decode(Operation.self, forKey: .operation),
            inputs: try single ?? container.decode([String].self, forKey: .inputs),
            output: try container.decode(String.self, forKey: .output)
        )
    }

    /// Writes `input` for one input, so that chains look as they always did, and `inputs` otherwise.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(operation, forKey: .operation)
        if inputs.count == 1 {
            try container.encode(inputs[0], forKey: .input)
        } else {
            try container.encode(inputs, forKey: .inputs)
        }
        try container.encode(output, forKey: .output)
    }
}
