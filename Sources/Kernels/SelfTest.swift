/// Compares a variant with the portable kernels on shapes with and without remainders and on extreme values.
enum SelfTest {
    static func passes(_ variant: KernelVariant) -> Bool {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        for (rows, inputs, outputs) in [(1, 1, 1), (9, 7, 33), (4, 129, 40), (2, 64, 64)] {
            let input = (0..<rows * inputs).map { _ in UInt8(truncatingIfNeeded: extreme(&state)) }
            let weights = (0..<outputs * inputs).map { _ in Int8(truncatingIfNeeded: extreme(&state)) }
            let words = (0..<outputs).map { _ in extreme(&state) }
            let packed = PackedWeights(weights, outputs: outputs, inputs: inputs)
            let initial = words + [Int32](repeating: 0, count: packed.paddedOutputs - outputs)
            let sums = [KernelVariant.scalar, variant].map {
                Dispatch.fullyConnected(
                    $0,
                    rows: rows,
                    inputs: inputs,
                    outputs: outputs,
                    input: input,
                    weights: packed.bytes,
                    initial: initial
                )
            }
            guard sums[0] == sums[1] else { return false }
            let multiplier = (0..<outputs).map { _ in extreme(&state) }
            let left = (0..<outputs).map { _ in extreme(&state) & 31 }
            let right = (0..<outputs).map { _ in extreme(&state) & 31 }
            for accumulators in [sums[0], (0..<rows * outputs).map({ _ in extreme(&state) })] {
                let bytes = [KernelVariant.scalar, variant].map {
                    Dispatch.requantize(
                        $0,
                        rows: rows,
                        channels: outputs,
                        accumulators: accumulators,
                        multiplier: multiplier,
                        leftShift: left,
                        rightShift: right,
                        zeroPoint: 117,
                        low: 3,
                        high: 250
                    )
                }
                guard bytes[0] == bytes[1] else { return false }
            }
        }
        return true
    }

    /// A word that is the least or the greatest in a quarter of the cases each, else random.
    private static func extreme(_ state: inout UInt64) -> Int32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let value = Int32(truncatingIfNeeded: state >> 32)
        switch state >> 62 {
        case 0: return .min | value & 1
        case 1: return .max ^ value & 128
        default: return value
        }
    }
}
