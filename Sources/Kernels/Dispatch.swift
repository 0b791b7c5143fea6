import CKernels

/// Calls the C kernels. Callers have checked every count.
enum Dispatch {
    /// `[rows, outputs]` sums.
    static func fullyConnected(
        _ variant: KernelVariant,
        rows: Int,
        inputs: Int,
        outputs: Int,
        input: [UInt8],
        weights: [Int8],
        initial: [Int32]
    ) -> [Int32] {
        // Safety: the pointers live for the call; the kernel reads rows * inputs bytes of input, which is its count,
        // and writes rows * outputs words, which is the capacity.
        unsafe input.withUnsafeBufferPointer { input in
            unsafe fullyConnected(
                variant,
                rows: rows,
                inputs: inputs,
                outputs: outputs,
                input: input,
                weights: weights,
                initial: initial
            )
        }
    }

    /// As above for input that does not begin where an array begins.
    static func fullyConnected(
        _ variant: KernelVariant,
        rows: Int,
        inputs: Int,
        outputs: Int,
        input: UnsafeBufferPointer<UInt8>,
        weights: [Int8],
        initial: [Int32]
    ) -> [Int32] {
        precondition(input.count == rows * inputs, "input count differs from the shape")
        precondition(initial.count >= (outputs + 31) / 32 * 32, "initial sums are not padded")
        precondition(weights.count == (outputs + 31) / 32 * ((inputs + 3) / 4) * 128, "weights are not packed")
        let kernel =
            switch variant {
            case .scalar, .neon, .neondot: unsafe hxk_u8s8_fully_connected__scalar
            case .avx2, .avxvnni: unsafe hxk_u8s8_fully_connected__avx2
            case .avx512vnni: unsafe hxk_u8s8_fully_connected__avx512vnni
            }
        // Safety: as above; an empty buffer has no address, and then nothing is read or written.
        return unsafe [Int32](unsafeUninitializedCapacity: rows * outputs) { out, count in
            count = rows * outputs
            guard count > 0, let target = out.baseAddress else { return }
            var nothing: UInt8 = 0
            unsafe withUnsafePointer(to: &nothing) { nothing in
                unsafe kernel(rows, inputs, outputs, input.baseAddress ?? nothing, weights, initial, target)
            }
        }
    }

    /// Adds `factor` times the sum of a row's inputs to all sums of the row, wrapping.
    static func addRowSums(
        rows: Int,
        inputs: Int,
        outputs: Int,
        input: [UInt8],
        factor: Int32,
        to sums: inout [Int32]
    ) {
        precondition(input.count == rows * inputs && sums.count == rows * outputs, "count differs from the shape")
        // Safety: counts are checked above; the pointers live for the call.
        unsafe hxk_u8_add_row_sums__scalar(rows, inputs, outputs, input, factor, &sums)
    }

    /// `[rows, channels]` bytes.
    static func requantize(
        _ variant: KernelVariant,
        rows: Int,
        channels: Int,
        accumulators: [Int32],
        multiplier: [Int32],
        leftShift: [Int32],
        rightShift: [Int32],
        zeroPoint: Int32,
        low: UInt8,
        high: UInt8
    ) -> [UInt8] {
        precondition(accumulators.count == rows * channels, "accumulator count differs from the shape")
        precondition(
            multiplier.count == channels && leftShift.count == channels && rightShift.count == channels,
            "parameter count differs from the shape"
        )
        let kernel =
            switch variant {
            case .scalar, .neon, .neondot: unsafe hxk_s32_requantize_u8__scalar
            case .avx2, .avxvnni: unsafe hxk_s32_requantize_u8__avx2
            case .avx512vnni: unsafe hxk_s32_requantize_u8__avx512vnni
            }
        // Safety: counts are checked above; the kernel writes rows * channels bytes, which is the capacity.
        return unsafe [UInt8](unsafeUninitializedCapacity: rows * channels) { out, count in
            count = rows * channels
            guard count > 0, let target = out.baseAddress else { return }
            unsafe kernel(
                rows,
                channels,
                accumulators,
                multiplier,
                leftShift,
                rightShift,
                zeroPoint,
                low,
                high,
                target
            )
        }
    }
}
