import CKernels
import Quantization

/// A convolution of bytes packed for the vector code of a variant.
// Safety: the pointers lead into `memory`, which the value retains, or to C functions.
@safe struct PreparedConvolution: PreparedKernel {
    let variant: KernelVariant
    let path: String
    let scratchBytes: Int
    private let memory: KernelMemory
    private nonisolated(unsafe) let packed: OpaquePointer
    private nonisolated(unsafe) let function: VariantCode.Convolution

    var packedBytes: Int { memory.byteCount }

    /// - Returns: nil when the variant has no code for it: weights that do not fit in signed bytes, or the scalar variant.
    init?(_ operation: Convolution, variant: KernelVariant) throws(KernelError) {
        let code = VariantCode.of(variant)
        guard let function = unsafe code.convolution, let weights = operation.weights.signed else { return nil }
        let kind = code.kind
        var shape = try hxk_convolution_shape(operation)
        let (initial, bounds) = PreparedConvolution.start(operation, weights)
        let memory = KernelMemory()
        let block = unsafe memory.allocate(hxk_u8s8_convolution_bytes(kind, &shape))
        switch operation.result {
        case .sums:
            unsafe hxk_u8s8_convolution_pack(kind, &shape, weights, initial, bounds, nil, block)
        case .bytes(let stage):
            unsafe stage.withC { requantization in
                unsafe hxk_u8s8_convolution_pack(kind, &shape, weights, initial, bounds, requantization, block)
            }
        }
        unsafe packed = OpaquePointer(block)
        unsafe self.function = function
        self.memory = memory
        self.variant = variant
        unsafe path = String(cString: hxk_u8s8_convolution_path(packed))
        unsafe scratchBytes = hxk_u8s8_convolution_scratch(packed)
    }

    func units(rows: Int) -> Int { unsafe hxk_u8s8_convolution_units(packed, rows) }

    func run(
        inputs: UnsafePointer<UnsafeRawPointer>,
        output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer,
        rows: Int,
        units: Range<Int>
    ) {
        let input = unsafe inputs[0].assumingMemoryBound(to: UInt8.self)
        unsafe function(packed, input, output, scratch, rows, units.lowerBound, units.upperBound)
    }

    /// Where sums begin, the input's zero point folded in, and how large they can become.
    private static func start(_ operation: Convolution, _ weights: [Int8]) -> (initial: [Int32], bounds: [Int64]) {
        let row = operation.reduction
        let zeroPoint = Int32(operation.inputZeroPoint)
        let reach = Int64(max(operation.inputZeroPoint, 255 - operation.inputZeroPoint))
        var initial = operation.biases
        var bounds = [Int64](repeating: 0, count: initial.count)
        for channel in initial.indices {
            var sum: Int32 = 0
            var magnitude: Int64 = 0
            for weight in weights[channel * row..<(channel + 1) * row] {
                sum &+= Int32(weight)
                magnitude += Int64(weight.magnitude)
            }
            bounds[channel] = Int64(initial[channel].magnitude) + magnitude * reach
            initial[channel] &-= zeroPoint &* sum
        }
        return (initial, bounds)
    }
}

/// A convolution of bytes computed from its formula, for the scalar variant and for weights of more than 8 signed bits.
// Safety: the pointers lead into `memory`, which the value retains.
@safe struct ScalarConvolution: PreparedKernel {
    let variant = KernelVariant.scalar
    let path = "portable"
    let scratchBytes = 0
    private let memory: KernelMemory
    private nonisolated(unsafe) let shape: UnsafePointer<hxk_convolution_shape>
    private nonisolated(unsafe) let weights: UnsafePointer<Int16>
    private nonisolated(unsafe) let initial: UnsafePointer<Int32>
    private nonisolated(unsafe) let requantization: UnsafePointer<hxk_requantization>?
    private let lines: Int

    var packedBytes: Int { memory.byteCount }

    init(_ operation: Convolution) throws(KernelError) {
        let memory = KernelMemory()
        let geometry = try hxk_convolution_shape(operation)
        let centered = operation.weights.centered
        let row = operation.reduction
        var initial = operation.biases
        for channel in initial.indices {
            let sum = centered[channel * row..<(channel + 1) * row].reduce(Int32(0)) { $0 &+ Int32($1) }
            initial[channel] &-= Int32(operation.inputZeroPoint) &* sum
        }
        unsafe shape = memory.copy(geometry)
        unsafe weights = memory.copy(centered)
        unsafe self.initial = memory.copy(initial)
        switch operation.result {
        case .sums: unsafe requantization = nil
        case .bytes(let stage): unsafe requantization = memory.copy(stage.cValue(in: memory))
        }
        lines = geometry.out_height
        self.memory = memory
    }

    func units(rows: Int) -> Int { rows * lines }

    func run(
        inputs: UnsafePointer<UnsafeRawPointer>,
        output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer,
        rows: Int,
        units: Range<Int>
    ) {
        let input = unsafe inputs[0].assumingMemoryBound(to: UInt8.self)
        unsafe hxk_u8s16_convolution__scalar(
            shape,
            weights,
            initial,
            requantization,
            input,
            output,
            rows,
            units.lowerBound,
            units.upperBound
        )
    }
}

extension hxk_convolution_shape {
    init(_ operation: Convolution) throws(KernelError) {
        let output = try operation.shape()
        self.init(
            input: operation.input,
            output: output,
            window: operation.window,
            groups: operation.groups,
            zeroPoint: operation.inputZeroPoint
        )
    }

    init(input: FeatureMap, output: FeatureMap, window: Window, groups: Int, zeroPoint: UInt8) {
        self.init(
            in_height: input.height,
            in_width: input.width,
            in_channels: input.channels,
            out_height: output.height,
            out_width: output.width,
            out_channels: output.channels,
            kernel_height: window.height,
            kernel_width: window.width,
            stride_y: window.strideY,
            stride_x: window.strideX,
            dilation_y: window.dilationY,
            dilation_x: window.dilationX,
            pad_top: window.padding.top,
            pad_left: window.padding.left,
            groups: groups,
            zero_point: zeroPoint
        )
    }
}

extension RequantizeStage {
    /// The stage as C takes it, its arrays in `memory`.
    func cValue(in memory: KernelMemory) -> hxk_requantization {
        unsafe hxk_requantization(
            multiplier: memory.copy(channels.map(\.multiplier)),
            left_shift: memory.copy(channels.map(\.leftShift)),
            right_shift: memory.copy(channels.map(\.rightShift)),
            zero_point: Int32(zeroPoint),
            low: range.lowerBound,
            high: range.upperBound
        )
    }

    /// The stage as C takes it, for the length of a call.
    func withC(_ body: (UnsafePointer<hxk_requantization>) -> Void) {
        let memory = KernelMemory()
        unsafe body(memory.copy(cValue(in: memory)))
        withExtendedLifetime(memory) {}
    }
}

extension WeightMatrix {
    /// The weights less their zero point as signed bytes, or nil when one does not fit.
    var signed: [Int8]? {
        switch self {
        case .int8(let weights): return weights
        case .uint8(let weights, let zeroPoint):
            var signed: [Int8] = []
            signed.reserveCapacity(weights.count)
            for weight in weights {
                guard let value = Int8(exactly: Int(weight) - Int(zeroPoint)) else { return nil }
                signed.append(value)
            }
            return signed
        }
    }

    /// The weights less their zero point.
    var centered: [Int16] {
        switch self {
        case .int8(let weights): weights.map(Int16.init)
        case .uint8(let weights, let zeroPoint): weights.map { Int16($0) - Int16(zeroPoint) }
        }
    }
}
