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
        case .inputCount(let expected, let actual):
            "input needs \(expected) values and has \(actual)"
        }
    }
}
