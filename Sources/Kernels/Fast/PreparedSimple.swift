import CKernels
import Quantization

/// Every operator that is not a convolution of bytes: a C function and the struct it reads.
// Safety: the pointers lead into `memory`, which the value retains, or to C functions.
@safe struct PreparedSimple: PreparedKernel {
    /// How a run is divided.
    enum Division {
        /// Each unit so many of the things of which a row has `count`.
        case stretches(count: Int, each: Int)
        /// Each unit one of the things of which a row has so many.
        case single(Int)
    }

    let variant: KernelVariant
    let path: String
    let scratchBytes: Int
    private let division: Division
    private let memory: KernelMemory
    private nonisolated(unsafe) let parameters: UnsafeRawPointer
    private nonisolated(unsafe) let function: VariantCode.Simple

    var packedBytes: Int { memory.byteCount }

    init<Parameters: BitwiseCopyable>(
        _ parameters: Parameters,
        in memory: KernelMemory,
        path: String,
        scratchBytes: Int = 0,
        division: Division,
        variant: KernelVariant,
        _ function: VariantCode.Simple
    ) {
        unsafe self.parameters = UnsafeRawPointer(memory.copy(parameters))
        unsafe self.function = function
        self.memory = memory
        self.path = path
        self.scratchBytes = scratchBytes
        self.division = division
        self.variant = variant
    }

    func units(rows: Int) -> Int {
        switch division {
        case .stretches(let count, let each): (rows * count + each - 1) / each
        case .single(let count): rows * count
        }
    }

    func run(
        inputs: UnsafePointer<UnsafeRawPointer>,
        output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer,
        rows: Int,
        units: Range<Int>
    ) {
        // Safety: an optional pointer has the layout of a pointer.
        unsafe UnsafeRawPointer(inputs).withMemoryRebound(to: UnsafeRawPointer?.self, capacity: 1) { inputs in
            unsafe function(parameters, inputs, output, scratch, rows, units.lowerBound, units.upperBound)
        }
    }
}

extension PreparedSimple {
    private static func elements(_ count: Int) -> Division {
        .stretches(count: count, each: HXK_UNIT_ELEMENTS)
    }
    private static func vectors(_ count: Int) -> Division {
        .stretches(count: count, each: HXK_UNIT_VECTORS)
    }

    init(_ operation: Addition, _ variant: KernelVariant) {
        let half: Int32 = operation.shift > 0 ? 1 << (operation.shift - 1) : 0
        let (a, b) = (Int32(operation.aMultiplier), Int32(operation.bMultiplier))
        let parameters = hxk_addition(
            count: operation.count,
            a_multiplier: a,
            b_multiplier: b,
            bias: half - a * Int32(operation.aZeroPoint) - b * Int32(operation.bZeroPoint),
            shift: operation.shift,
            zero_point: Int32(operation.zeroPoint),
            low: operation.range.lowerBound,
            high: operation.range.upperBound
        )
        let function = unsafe VariantCode.of(variant).addition
        unsafe self.init(
            parameters,
            in: KernelMemory(),
            path: "addition",
            division: Self.elements(operation.count),
            variant: variant,
            function
        )
    }

    init(_ operation: Multiplication, _ variant: KernelVariant) {
        let channel = operation.stage.channels[0]
        let parameters = hxk_multiplication(
            count: operation.count,
            a_zero_point: Int32(operation.aZeroPoint),
            b_zero_point: Int32(operation.bZeroPoint),
            multiplier: channel.multiplier,
            left_shift: channel.leftShift,
            right_shift: channel.rightShift,
            zero_point: Int32(operation.stage.zeroPoint),
            low: operation.stage.range.lowerBound,
            high: operation.stage.range.upperBound
        )
        let function = unsafe VariantCode.of(variant).multiplication
        unsafe self.init(
            parameters,
            in: KernelMemory(),
            path: "multiplication",
            division: Self.elements(operation.count),
            variant: variant,
            function
        )
    }

    init(_ operation: ByteTable, _ variant: KernelVariant) {
        var parameters = hxk_table()
        parameters.count = operation.count
        // Safety: the tuple has the 256 bytes of the table.
        unsafe withUnsafeMutableBytes(of: &parameters.table) { unsafe $0.copyBytes(from: operation.table) }
        let function = unsafe VariantCode.of(variant).table
        unsafe self.init(
            parameters,
            in: KernelMemory(),
            path: "table",
            division: Self.elements(operation.count),
            variant: variant,
            function
        )
    }

    init(_ operation: TableSoftmax, _ variant: KernelVariant) {
        var parameters = hxk_softmax()
        parameters.outer = operation.outer
        parameters.channels = operation.channels
        // Safety: the tuple has the 256 halfwords of the table.
        unsafe withUnsafeMutableBytes(of: &parameters.exponentials) { target in
            unsafe operation.exponentials.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        let function = unsafe VariantCode.of(variant).softmax
        unsafe self.init(
            parameters,
            in: KernelMemory(),
            path: "softmax",
            division: Self.vectors(operation.outer),
            variant: variant,
            function
        )
    }

    init(_ operation: MaximumPool, _ variant: KernelVariant) throws(KernelError) {
        let output = try operation.shape()
        var parameters = unsafe hxk_pool()
        unsafe parameters.shape = hxk_convolution_shape(
            input: operation.input,
            output: output,
            window: operation.window,
            groups: 1,
            zeroPoint: 0
        )
        unsafe parameters.low = operation.range.lowerBound
        unsafe parameters.high = operation.range.upperBound
        let function = unsafe VariantCode.of(variant).maximumPool
        unsafe self.init(
            parameters,
            in: KernelMemory(),
            path: "maximum",
            division: .single(output.height),
            variant: variant,
            function
        )
    }

    init(_ operation: AveragePool, _ variant: KernelVariant) throws(KernelError) {
        let output = try operation.shape()
        let memory = KernelMemory()
        let stage = unsafe operation.counts.cValue(in: memory)
        var parameters = unsafe hxk_pool()
        unsafe parameters.shape = hxk_convolution_shape(
            input: operation.input,
            output: output,
            window: operation.window,
            groups: 1,
            zeroPoint: operation.inputZeroPoint
        )
        unsafe parameters.low = stage.low
        unsafe parameters.high = stage.high
        unsafe parameters.multiplier = stage.multiplier
        unsafe parameters.left_shift = stage.left_shift
        unsafe parameters.right_shift = stage.right_shift
        unsafe parameters.counts = operation.counts.channels.count
        unsafe parameters.out_zero_point = stage.zero_point
        let function = unsafe VariantCode.of(variant).averagePool
        unsafe self.init(
            parameters,
            in: memory,
            path: "average",
            scratchBytes: 4 * operation.input.channels,
            division: .single(output.height),
            variant: variant,
            function
        )
    }

    init(_ operation: Concatenation, _ variant: KernelVariant) {
        let memory = KernelMemory()
        let tables = unsafe operation.parts.map { part in unsafe part.table.map { unsafe memory.copy($0) } }
        let parameters = unsafe hxk_concatenation(
            outer: operation.outer,
            width: operation.width,
            parts: operation.parts.count,
            counts: memory.copy(operation.parts.map(\.count)),
            tables: memory.copy(tables)
        )
        let function = unsafe VariantCode.of(variant).concatenation
        unsafe self.init(
            parameters,
            in: memory,
            path: "concatenation",
            division: Self.vectors(operation.outer),
            variant: variant,
            function
        )
    }

    init(_ operation: Resize, _ variant: KernelVariant) {
        let memory = KernelMemory()
        let (rows, columns) = (operation.rows, operation.columns)
        let parameters = unsafe hxk_resize(
            in_height: operation.input.height,
            in_width: operation.input.width,
            channels: operation.input.channels,
            lines: rows.count,
            columns: columns.count,
            line_first: memory.copy(rows.map { UInt32($0.first) }),
            line_second: memory.copy(rows.map { UInt32($0.second) }),
            column_first: memory.copy(columns.map { UInt32($0.first) }),
            column_second: memory.copy(columns.map { UInt32($0.second) }),
            line_fraction: memory.copy(rows.map { UInt8($0.fraction) }),
            column_fraction: memory.copy(columns.map { UInt8($0.fraction) })
        )
        let function = unsafe VariantCode.of(variant).resize
        unsafe self.init(
            parameters,
            in: memory,
            path: operation.isNearest ? "nearest" : "bilinear",
            division: .single(rows.count),
            variant: variant,
            function
        )
    }

    init(_ operation: Gather, _ variant: KernelVariant) {
        let memory = KernelMemory()
        let parameters = unsafe hxk_gather(
            indices: operation.indices,
            width: operation.width,
            rows: operation.rows,
            table: memory.copy(operation.table)
        )
        let function = unsafe VariantCode.of(variant).gather
        unsafe self.init(
            parameters,
            in: memory,
            path: "gather",
            division: Self.vectors(operation.indices),
            variant: variant,
            function
        )
    }

    init(_ operation: WideConvolution, _ variant: KernelVariant) throws(KernelError) {
        let output = try operation.shape()
        let memory = KernelMemory()
        var parameters = unsafe hxk_wide_convolution()
        unsafe parameters.shape = hxk_convolution_shape(
            input: operation.input,
            output: output,
            window: operation.window,
            groups: operation.groups,
            zeroPoint: 0
        )
        unsafe parameters.weights = memory.copy(operation.weights)
        unsafe parameters.biases = memory.copy(operation.biases)
        if case .halfwords(let channels, let range) = operation.result {
            unsafe parameters.multiplier = memory.copy(channels.map(\.multiplier))
            unsafe parameters.left_shift = memory.copy(channels.map(\.leftShift))
            unsafe parameters.right_shift = memory.copy(channels.map(\.rightShift))
            unsafe parameters.low = range.lowerBound
            unsafe parameters.high = range.upperBound
        }
        let function = unsafe VariantCode.of(variant).wideConvolution
        unsafe self.init(
            parameters,
            in: memory,
            path: "16-bit activations",
            division: .single(output.height),
            variant: variant,
            function
        )
    }

    /// A copy between boxes of up to 6 dimensions.
    private init(copy: StridedCopy, path: String, _ variant: KernelVariant) {
        let function = unsafe VariantCode.of(variant).stridedCopy
        unsafe self.init(
            copy.cValue,
            in: KernelMemory(),
            path: path,
            division: .single(1),
            variant: variant,
            function
        )
    }

    init(_ operation: Border, _ variant: KernelVariant) throws(KernelError) {
        self.init(copy: try StridedCopy(operation), path: "border", variant)
    }

    init(_ operation: Transposition, _ variant: KernelVariant) throws(KernelError) {
        self.init(copy: try StridedCopy(operation), path: "transposition", variant)
    }

    init(_ operation: Slice, _ variant: KernelVariant) throws(KernelError) {
        self.init(copy: try StridedCopy(operation), path: "slice", variant)
    }
}
