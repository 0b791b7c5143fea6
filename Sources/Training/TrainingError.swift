/// Why a training gave no model. Each case names what a person must change; none is worth a retry as it is.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no row, or a row has no element.
    case noRows
    /// The counts of a set contradict each other.
    case count(what: String, expected: String, actual: Int)
    /// An input or a target is NaN or infinite; row and column from 0.
    case notFinite(what: String, row: Int, column: Int, value: Float)
    /// The target of a row is no class index.
    case unknownClass(row: Int, value: Float, classes: Int)
    /// A setting cannot be used.
    case setting(name: String, value: String, allowed: String)
    /// The loss became NaN or infinite; a smaller learning rate helps.
    case diverged(epoch: Int)
    /// An evaluated graph does not fit the rows.
    case graph(String)

    /// One sentence for the log.
    public var description: String {
        switch self {
        case .noRows: "there are no rows to train on"
        case .count(let what, let expected, let actual): "\(what): \(actual) elements; expected: \(expected)"
        case .notFinite(let what, let row, let column, let value):
            "\(what), row \(row), column \(column): \(value) is no finite number"
        case .unknownClass(let row, let value, let classes):
            "target, row \(row): \(value) is no class; allowed: whole numbers 0...\(classes - 1)"
        case .setting(let name, let value, let allowed): "\(name): \(value) is not allowed; allowed: \(allowed)"
        case .diverged(let epoch): "the loss is no finite number after epoch \(epoch); lower the learning rate"
        case .graph(let problem): "the graph cannot be evaluated: \(problem)"
        }
    }
}
