public import Kernels
public import ModelContainer
public import ModelGraph
public import Quantization

/// Why a model cannot be run or quantized.
public enum InferenceError: Error, Sendable, Hashable, CustomStringConvertible {
    case container(ContainerError)
    case graph(GraphError)
    case kernel(KernelError)
    /// The numbers of a node cannot be quantized.
    case quantization(node: String, QuantizationError)
    /// The container is of another kind than the operation needs.
    case wrongKind(expected: ContainerKind, actual: ContainerKind)
    /// The int8 engine does not run such a graph.
    case unsupported(node: String, reason: String)
    /// A field of the manifest, or a tensor, does not fit the graph.
    case invalid(field: String, reason: String)
    /// A 32-bit sum of a node could overflow for some input.
    case overflow(node: String, output: Int)
    /// These layers would have to stay float, and none may.
    case needsFloat([FloatLayer])
    /// The answers do not reach the signal to noise that is asked for, in decibels, with all that may be raised.
    case budget(wanted: Double, reached: Double)
    /// The input does not fill the rows.
    case inputCount(expected: Int, actual: Int)
    /// There is no room for the answers.
    case outputCount(expected: Int, actual: Int)
    /// An element of an input of integers is none, or names no row of the table that it is read as a row of.
    case invalidIndex(input: String, row: Int, index: Float)
    /// An input value is NaN or infinite.
    case nonFiniteInput(row: Int, feature: String, element: Int)
    /// A value of the float model is NaN or infinite for some calibration row.
    case nonFiniteValue(node: String)
    /// Calibration needs at least one row.
    case noCalibrationRows
    /// Nothing tells how values stand as bytes: they have no encoding, and there are no calibration rows.
    case noEncoding(values: [String])
    /// An answer differs from the golden one.
    case goldenMismatch(row: Int, output: Int, expected: Float, actual: Float)

    /// A stable name of the case, for messages between programs.
    public var code: String {
        switch self {
        case .container(let error): error.code
        case .graph: "inference.graph"
        case .kernel: "inference.kernel"
        case .quantization: "inference.quantization"
        case .wrongKind: "inference.wrong-kind"
        case .unsupported: "inference.unsupported"
        case .invalid: "inference.invalid"
        case .overflow: "inference.overflow"
        case .needsFloat: "inference.needs-float"
        case .budget: "inference.budget"
        case .inputCount: "inference.input-count"
        case .outputCount: "inference.output-count"
        case .invalidIndex: "inference.invalid-index"
        case .nonFiniteInput: "inference.non-finite-input"
        case .nonFiniteValue: "inference.non-finite-value"
        case .noCalibrationRows: "inference.no-calibration-rows"
        case .noEncoding: "inference.no-encoding"
        case .goldenMismatch: "inference.golden-mismatch"
        }
    }

    /// What went wrong, in one line for a log.
    public var description: String {
        switch self {
        case .container(let error): "\(error)"
        case .graph(let error): "\(error)"
        case .kernel(let error): "\(error)"
        case .quantization(let node, let error): "node '\(node)': \(error)"
        case .wrongKind(let expected, let actual): "\(expected.rawValue) needed, \(actual.rawValue) given"
        case .unsupported(let node, let reason): "node '\(node)': \(reason)"
        case .invalid(let field, let reason): "\(field): \(reason)"
        case .overflow(let node, let output): "node '\(node)': the sum of output \(output) could overflow 32 bits"
        case .needsFloat(let layers):
            "no layer may stay float, and these have no integers: "
                + layers.map { "'\($0.node)' (\($0.reason))" }.joined(separator: ", ")
        case .budget(let wanted, let reached):
            "the answers reach \(tenths(reached)) dB of signal to noise of the \(tenths(wanted)) dB asked for, with every "
                + "layer raised that may be"
        case .inputCount(let expected, let actual): "\(expected) input values needed, \(actual) given"
        case .outputCount(let expected, let actual): "room for \(expected) output values needed, \(actual) given"
        case .invalidIndex(let input, let row, let index): "row \(row): input '\(input)' has no row \(index)"
        case .nonFiniteInput(let row, let feature, let element):
            "row \(row): feature '\(feature)', element \(element) is NaN or infinite"
        case .nonFiniteValue(let node): "node '\(node)' gives NaN or infinity for a calibration row"
        case .noCalibrationRows: "calibration needs at least one row"
        case .noEncoding(let values):
            "no encoding is known of \(values.prefix(8).map { "'\($0)'" }.joined(separator: ", "))"
                + (values.count > 8 ? " and \(values.count - 8) more" : "")
                + "; give calibration rows, or their encodings"
        case .goldenMismatch(let row, let output, let expected, let actual):
            "golden row \(row), output \(output): \(expected) expected, \(actual) given"
        }
    }

    private func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Runs a throwing call of a lower module and wraps its error.
    static func wrapContainer<Value>(_ body: () throws(ContainerError) -> Value) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .container(error) }
    }

    static func wrapGraph<Value>(_ body: () throws(GraphError) -> Value) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .graph(error) }
    }

    static func wrapKernel<Value>(_ body: () throws(KernelError) -> Value) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .kernel(error) }
    }

    static func wrapQuantization<Value>(
        node: String,
        _ body: () throws(QuantizationError) -> Value
    ) throws(InferenceError) -> Value {
        do { return try body() } catch { throw .quantization(node: node, error) }
    }
}
