import Conformance
import Kernels
import Testing

/// Expects the same bytes of the reference, the naive formula and every variant that runs here, on random input.
func expectAgreement(
    _ operation: Operator,
    rows: Int,
    _ random: inout Randomness,
    _ comment: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let inputs = try random.inputs(operation, rows: rows)
    try expectAgreement(operation, inputs: inputs, rows: rows, &random, comment, sourceLocation: sourceLocation)
}

/// Expects the same bytes of the reference, the naive formula and every variant that runs here.
func expectAgreement(
    _ operation: Operator,
    inputs: [[UInt8]],
    rows: Int,
    _ random: inout Randomness,
    _ comment: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let expected = try Formula.output(operation, inputs, rows: rows)
    func compare(_ actual: [UInt8], _ who: String) {
        guard actual != expected else { return }
        let place = zip(actual, expected).enumerated().first { $0.element.0 != $0.element.1 }
        let what = place.map { "byte \($0.offset) is \($0.element.0), not \($0.element.1)" }
        Issue.record(
            "\(who), \(comment): \(what ?? "\(actual.count) bytes, not \(expected.count)") in \(operation.summary)",
            sourceLocation: sourceLocation
        )
    }
    compare(try operation.reference(inputs, rows: rows), "reference")
    for variant in KernelVariant.available {
        let prepared = try PreparedOperator(operation, variant: variant)
        let who = "\(variant), which takes \(prepared.variant) and '\(prepared.path)'"
        let units = prepared.units(rows: rows)
        compare(run(prepared, inputs, rows: rows, units: [0..<units], &random), who)
        guard units > 1 else { continue }
        // In two calls that begin anywhere, and unit by unit in any order.
        let cut = random.number(1...units - 1)
        compare(run(prepared, inputs, rows: rows, units: [cut..<units, 0..<cut], &random), "\(who), cut at \(cut)")
        let singles = (0..<units).map { $0..<$0 + 1 }.shuffled(using: &random)
        if units <= 64 { compare(run(prepared, inputs, rows: rows, units: singles, &random), "\(who), unit by unit") }
    }
}

/// Runs an operator in memory of its own: what lies behind the inputs and in scratch memory and output before is random,
/// and a byte written outside of output and scratch memory is an issue.
private func run(
    _ prepared: PreparedOperator,
    _ inputs: [[UInt8]],
    rows: Int,
    units: [Range<Int>],
    _ random: inout Randomness
) -> [UInt8] {
    let outputBytes = (try? prepared.operation.outputBytes()).map { rows * $0 } ?? 0
    let sources = inputs.map { GuardedBytes($0, &random) }
    let output = GuardedBytes([UInt8](repeating: 0xa5, count: outputBytes), &random)
    let scratch = GuardedBytes([UInt8](repeating: 0x5a, count: prepared.scratchBytes), &random)
    let pointers = sources.map { UnsafeRawPointer($0.start) }
    pointers.withUnsafeBufferPointer { pointers in
        guard let first = pointers.baseAddress else { return }
        for part in units {
            prepared.run(inputs: first, output: output.start, scratch: scratch.start, rows: rows, units: part)
        }
    }
    let changed = sources.contains { !$0.isWhole || $0.bytes != $0.original }
    if changed || !output.isWhole || !scratch.isWhole {
        Issue.record("'\(prepared.path)' wrote outside of its output: \(prepared.operation.summary)")
    }
    return output.bytes
}

/// Memory at a multiple of 64 with as many bytes before and behind it, which nobody may change.
private final class GuardedBytes {
    let original: [UInt8]
    private let surroundings: [UInt8]
    private let block: UnsafeMutableRawPointer

    var start: UnsafeMutableRawPointer { block + PreparedOperator.alignment }
    private var count: Int { original.count }

    init(_ bytes: [UInt8], _ random: inout Randomness) {
        original = bytes
        surroundings = random.lanes(PreparedOperator.alignment + PreparedOperator.slackBytes)
        block = .allocate(byteCount: bytes.count + surroundings.count, alignment: PreparedOperator.alignment)
        let all =
            surroundings.prefix(PreparedOperator.alignment) + bytes
            + surroundings.dropFirst(PreparedOperator.alignment)
        block.initializeMemory(as: UInt8.self, from: Array(all), count: all.count)
    }

    deinit { block.deallocate() }

    var bytes: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: start, count: count)) }

    var isWhole: Bool {
        let before = UnsafeRawBufferPointer(start: block, count: PreparedOperator.alignment)
        let behind = UnsafeRawBufferPointer(start: start + count, count: PreparedOperator.slackBytes)
        return Array(before) + Array(behind) == surroundings
    }
}

extension Operator {
    /// The operator without its weights and tables.
    var summary: String {
        switch self {
        case .convolution(let operation):
            "\(operation.input) \(operation.window), \(operation.groups) groups, \(operation.outputChannels) outputs"
        case .wideConvolution(let operation):
            "\(operation.input) \(operation.window), \(operation.groups) groups, \(operation.biases.count) outputs"
        case .maximumPool(let operation): "\(operation)"
        case .averagePool(let operation):
            "\(operation.input) \(operation.window), padding counts: \(operation.countsPadding)"
        case .addition(let operation): "\(operation)"
        case .multiplication(let operation): "\(operation)"
        case .table(let operation): "table of \(operation.count)"
        case .softmax(let operation): "softmax of \(operation.outer), \(operation.channels)"
        case .concatenation(let operation):
            "concatenation of \(operation.outer), \(operation.parts.map { "\($0.count)\($0.table == nil ? "" : "t")" })"
        case .border(let operation): "\(operation)"
        case .transposition(let operation): "\(operation)"
        case .slice(let operation): "\(operation)"
        case .resize(let operation): "\(operation)"
        case .gather(let operation): "gather of \(operation.indices) in \(operation.rows), \(operation.width)"
        }
    }
}
