public import ModelGraph

/// Why a file could not be read as a model.
public enum ImportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A node that cannot be imported.
    public struct Problem: Sendable, Hashable {
        /// The name of the node in the file, or what it writes when it has none.
        public var node: String
        /// The operator as the file names it.
        public var operation: String
        /// What is not supported about it.
        public var reason: String

        /// Makes a value of its parts.
        public init(node: String, operation: String, reason: String) {
            self.node = node
            self.operation = operation
            self.reason = reason
        }
    }

    /// The file is something else, or nothing.
    case notAModel(reason: String)
    /// The file is cut or damaged.
    case damaged(field: String, reason: String)
    /// The file is a model with nodes that are not supported: all of them, in the order of the file.
    case unsupported([Problem])
    /// A limit is exceeded.
    case tooLarge(what: String, actual: Int, max: Int)
    /// The nodes depend on each other in a circle.
    case cycle(node: String)
    /// The model computes nothing: its answers do not depend on its inputs.
    case nothingToCompute
    /// The graph that the file describes is not sound.
    case graph(GraphError)

    /// What went wrong, for a person; one line, and one more for each unsupported node.
    public var description: String {
        switch self {
        case .notAModel(let reason): "not a model: \(reason)"
        case .damaged(let field, let reason): "damaged: \(field): \(reason)"
        case .unsupported(let problems):
            problems.count == 1
                ? "not supported: \(problems[0].line)"
                : "not supported are \(problems.count) nodes:"
                    + problems.map { "\n  \($0.line)" }.joined()
        case .tooLarge(let what, let actual, let max): "\(what): \(actual) is more than \(max)"
        case .cycle(let node): "node '\(node)' depends on itself"
        case .nothingToCompute: "the answers of this model do not depend on its inputs"
        case .graph(let error): error.description
        }
    }
}

extension ImportError.Problem {
    /// One line for a list.
    public var line: String { "\(operation) '\(node)': \(reason)" }
}

/// What a file may ask for before it is refused; all far beyond real models of this stack.
public enum ImportLimits {
    /// The size of a file in bytes.
    public static let fileBytesMax = 1 << 31
    /// Nodes, tensors, attributes, and so on, of each kind.
    public static let itemsMax = 1 << 16
    /// Dimensions of a tensor.
    public static let rankMax = 8
    /// Elements of constants that are unpacked or computed while a file of no bytes is read; each byte of the file
    /// allows ``constantElementsPerByte`` more.
    public static let constantElementsMin = 1 << 20
    /// See ``constantElementsMin``.
    public static let constantElementsPerByte = 4
}
