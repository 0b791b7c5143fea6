/// Why a tensor or a graph was refused.
public enum GraphError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A dimension is negative, or the product of the dimensions overflows.
    case invalidShape([Int])
    /// The bytes of a tensor do not fill its shape exactly.
    case byteCount(expected: Int, actual: Int)
    /// A tensor was read as another type than it holds.
    case dataType(expected: DataType, actual: DataType)
    /// A node, or the list of outputs when `node` is nil, names a value that nothing before it produces.
    case unknownValue(node: String?, value: String)
    /// A node names a constant that the graph does not hold.
    case unknownConstant(node: String, constant: String)
    /// A name is empty or used twice.
    case invalidName(String)
    /// A tensor has a shape that its node cannot use.
    case shapeMismatch(node: String, tensor: String, expected: [Int], actual: [Int])
    /// A constant has a type that its node cannot use.
    case constantType(node: String, constant: String, actual: DataType)
    /// The graph has more nodes, inputs or constants than ``Graph/nodesMax`` allows, or none where one is needed.
    case count(what: String, actual: Int)
    /// A node reads another number of values than its operation takes.
    case operands(node: String, expected: Int, actual: Int)
    /// A value has a shape that its node cannot use, or would give it one.
    case valueShape(node: String, value: String, shape: [Int], reason: String)
    /// A value has a type that its node, or when `node` is nil the graph, cannot use.
    case valueType(node: String?, value: String, actual: DataType)
    /// A field of an operation has a value that it may not have.
    case invalidField(node: String, field: String, reason: String)
    /// An element of a `gather` node's input names no row of its table.
    case index(node: String, index: Float, rows: Int)
    /// Input values do not fill the rows.
    case inputCount(expected: Int, actual: Int)

    /// What went wrong, in one line for a log.
    public var description: String {
        switch self {
        case .invalidShape(let shape):
            "shape \(shape) is negative or too large"
        case .byteCount(let expected, let actual):
            "tensor needs \(expected) bytes and has \(actual)"
        case .dataType(let expected, let actual):
            "tensor holds \(actual.rawValue), not \(expected.rawValue)"
        case .unknownValue(let node?, let value):
            "node '\(node)' reads '\(value)', which nothing before it produces"
        case .unknownValue(nil, let value):
            "no input or node produces '\(value)'"
        case .unknownConstant(let node, let constant):
            "node '\(node)' reads constant '\(constant)', which the graph does not hold"
        case .invalidName(let name):
            name.isEmpty ? "a name is empty" : "name '\(name)' is used twice"
        case .shapeMismatch(let node, let tensor, let expected, let actual):
            "node '\(node)': tensor '\(tensor)' has shape \(actual), needed is \(expected)"
        case .constantType(let node, let constant, let actual):
            "node '\(node)': constant '\(constant)' may not be \(actual.rawValue)"
        case .count(let what, let actual):
            "a graph cannot have \(actual) \(what)"
        case .operands(let node, let expected, let actual):
            "node '\(node)' reads \(expected) values, not \(actual)"
        case .valueShape(let node, let value, let shape, let reason):
            "node '\(node)': value '\(value)' of shape \(shape): \(reason)"
        case .valueType(let node?, let value, let actual):
            "node '\(node)': value '\(value)' may not be \(actual.rawValue)"
        case .valueType(nil, let value, let actual):
            "value '\(value)' may not be \(actual.rawValue)"
        case .invalidField(let node, let field, let reason):
            "node '\(node)': \(field): \(reason)"
        case .index(let node, let index, let rows):
            "node '\(node)': \(index) is no row of its table of \(rows)"
        case .inputCount(let expected, let actual):
            "input needs \(expected) values and has \(actual)"
        }
    }
}
