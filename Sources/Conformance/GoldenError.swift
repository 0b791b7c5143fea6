/// Why a recording could not be replayed: the file is not what the format says.
public enum GoldenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A case has no parameter of this name, or one out of range.
    case parameter(String)
    /// A case has no tensor of this name, or one that does not lie in its file or has another type.
    case tensor(String)
    /// Nothing here computes such a kernel.
    case unknownKernel(String)
    /// The parts of a case do not fit together; the text says which.
    case unfit(String)

    /// What is wrong, for a person.
    public var description: String {
        switch self {
        case .parameter(let name): "parameter '\(name)' is missing or out of range"
        case .tensor(let name): "tensor '\(name)' is missing, of another type or not in the file"
        case .unknownKernel(let name): "kernel '\(name)' is not known"
        case .unfit(let why): "the case does not fit together: \(why)"
        }
    }
}
