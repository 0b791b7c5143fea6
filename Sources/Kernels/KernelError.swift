/// Why an operator refused its arguments.
public enum KernelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// An argument does not hold as many elements as the shapes need.
    case count(what: String, expected: Int, actual: Int)
    /// A shape is negative or its product overflows.
    case invalidShape([Int])
    /// This processor does not run the variant, or the variant failed its self-test.
    case unavailable(KernelVariant)

    /// What went wrong, in one line for a log.
    public var description: String {
        switch self {
        case .count(let what, let expected, let actual): "\(what): \(expected) elements needed, \(actual) given"
        case .invalidShape(let shape): "shape \(shape) is negative or too large"
        case .unavailable(let variant): "kernel variant \(variant.rawValue) does not run here"
        }
    }
}

/// The product of two dimensions, with room for elements of 4 bytes.
func elementCount(_ rows: Int, _ columns: Int) throws(KernelError) -> Int {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow, count <= Int.max / 4 else { throw .invalidShape([rows, columns]) }
    return count
}
