/// An operator made ready to run: its weights packed for a variant, its integers laid out for C.
///
/// Immutable and shared: any number of sessions run the same prepared operator at the same time, each with memory of its
/// own. A run does not allocate.
public final class PreparedOperator: Sendable {
    /// What is run.
    public let operation: Operator
    /// The variant that runs it; an operator without vector code for the variant asked for runs in ``KernelVariant/scalar``.
    public let variant: KernelVariant
    /// The way chosen, for people: for instance `direct 6x64` or `depthwise 3 taps`.
    public let path: String
    /// The bytes that packed weights and parameters take.
    public let packedBytes: Int
    /// The bytes of scratch memory that one thread needs while it runs the operator, a multiple of 64.
    public let scratchBytes: Int

    /// Every input must have this many readable bytes behind its end; what they hold does not matter.
    public static let slackBytes = 64
    /// Inputs, output and scratch memory begin at multiples of this; the rows of a batch follow one another without gaps.
    public static let alignment = 64

    private let implementation: any PreparedKernel

    /// Packs an operator.
    ///
    /// - Throws: ``KernelError`` when a part of the operator is invalid or the variant does not run here.
    public convenience init(_ operation: Operator, variant: KernelVariant = .best) throws(KernelError) {
        guard variant == .scalar || KernelVariant.available.contains(variant) else { throw .unavailable(variant) }
        try self.init(untested: operation, variant: variant)
    }

    /// As ``init(_:variant:)`` for a variant that this processor has and that is not known to be right.
    init(untested operation: Operator, variant: KernelVariant) throws(KernelError) {
        implementation = try PreparedOperator.implementation(of: operation, variant: variant)
        self.operation = operation
        self.variant = implementation.variant
        path = implementation.path
        packedBytes = implementation.packedBytes
        scratchBytes = (implementation.scratchBytes + 63) / 64 * 64
    }

    /// The parts of equal work into which a run can be split among threads.
    public func units(rows: Int) -> Int { implementation.units(rows: rows) }

    /// Computes some units of the output.
    ///
    /// Units may be run in any order and at the same time on several threads, each with scratch memory of its own; when
    /// all of `0..<units(rows:)` have run, the output is complete.
    ///
    /// - Parameters:
    ///   - inputs: One pointer for each input, to `rows` rows and ``slackBytes`` more.
    ///   - output: `rows` rows; overlaps no input.
    ///   - scratch: ``scratchBytes``, contents arbitrary.
    /// - Complexity: No allocation.
    public func run(
        inputs: UnsafePointer<UnsafeRawPointer>,
        output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer,
        rows: Int,
        units: Range<Int>
    ) {
        unsafe implementation.run(inputs: inputs, output: output, scratch: scratch, rows: rows, units: units)
    }
}

/// What each kind of operator brings to ``PreparedOperator``.
protocol PreparedKernel: Sendable {
    var variant: KernelVariant { get }
    var path: String { get }
    var packedBytes: Int { get }
    var scratchBytes: Int { get }

    func units(rows: Int) -> Int
    func run(
        inputs: UnsafePointer<UnsafeRawPointer>,
        output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer,
        rows: Int,
        units: Range<Int>
    )
}

extension PreparedOperator {
    private static func implementation(
        of operation: Operator,
        variant: KernelVariant
    ) throws(KernelError) -> any PreparedKernel {
        switch operation {
        case .convolution(let operation):
            if let prepared = try PreparedConvolution(operation, variant: variant) { return prepared }
            return try ScalarConvolution(operation)
        case .wideConvolution(let operation): return try PreparedSimple(operation, variant)
        case .addition(let operation): return PreparedSimple(operation, variant)
        case .multiplication(let operation): return PreparedSimple(operation, variant)
        case .table(let operation): return PreparedSimple(operation, variant)
        case .softmax(let operation): return PreparedSimple(operation, variant)
        case .maximumPool(let operation): return try PreparedSimple(operation, variant)
        case .averagePool(let operation): return try PreparedSimple(operation, variant)
        case .concatenation(let operation): return PreparedSimple(operation, variant)
        case .border(let operation): return try PreparedSimple(operation, variant)
        case .transposition(let operation): return try PreparedSimple(operation, variant)
        case .slice(let operation): return try PreparedSimple(operation, variant)
        case .resize(let operation): return PreparedSimple(operation, variant)
        case .gather(let operation): return PreparedSimple(operation, variant)
        }
    }

    /// The output for whole rows, for tests and for callers without an arena.
    ///
    /// - Parameter inputs: `rows` rows of each input.
    /// - Throws: ``KernelError/count(what:expected:actual:)``.
    public func callAsFunction(_ inputs: [[UInt8]], rows: Int) throws(KernelError) -> [UInt8] {
        let widths = try operation.inputBytes()
        guard inputs.count == widths.count else {
            throw .count(what: "inputs", expected: widths.count, actual: inputs.count)
        }
        for (input, width) in zip(inputs, widths) {
            let expected = try elementCount(rows, width)
            guard input.count == expected else {
                throw .count(what: "input", expected: expected, actual: input.count)
            }
        }
        let outputBytes = try elementCount(rows, operation.outputBytes())
        let buffers = inputs.map { AlignedBytes($0) }
        let output = AlignedBytes(count: outputBytes)
        let scratch = AlignedBytes(count: scratchBytes)
        let pointers = unsafe buffers.map { unsafe UnsafeRawPointer($0.start) }
        // Safety: the buffers hold what run(inputs:output:scratch:rows:units:) asks for and live until after the call.
        unsafe pointers.withUnsafeBufferPointer { pointers in
            guard let first = pointers.baseAddress else { return }
            unsafe run(
                inputs: first,
                output: output.start,
                scratch: scratch.start,
                rows: rows,
                units: 0..<units(rows: rows)
            )
        }
        // An array may end with its last mention, and the memory of its elements with it.
        withExtendedLifetime(buffers) {}
        return output.bytes
    }
}

/// Memory with the alignment and slack that prepared operators ask for.
// Safety: the memory is allocated in init and freed in deinit; its address leaves only for the length of a call.
@safe final class AlignedBytes {
    let count: Int
    let start: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        unsafe start = .allocate(
            byteCount: count + PreparedOperator.slackBytes,
            alignment: PreparedOperator.alignment
        )
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: count + PreparedOperator.slackBytes)
    }

    convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { unsafe start.copyMemory(from: base, byteCount: source.count) }
        }
    }

    deinit { unsafe start.deallocate() }

    var bytes: [UInt8] { unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count)) }
}
