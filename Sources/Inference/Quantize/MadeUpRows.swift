import ModelGraph
import Quantization

/// Rows for golden questions where there are no others: the real numbers of bytes that look like chance, the same each time.
struct MadeUpRows {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// - Returns: `[count, inputCount]` row-major.
    mutating func rows(_ count: Int, for plan: Plan) -> [Float] {
        var reals: [Float] = []
        for _ in 0..<count {
            for input in plan.inputs {
                let value = plan.values[input.value]
                for _ in 0..<value.count {
                    switch value.storage {
                    case .bytes(let encoding): reals.append(encoding.dequantize(UInt8(next() >> 56)))
                    case .indices: reals.append(Float(next() % UInt64(max(1, input.rowsOfTable ?? 1))))
                    case .halfwords, .sums, .reals: reals.append(0)
                    }
                }
            }
        }
        return reals
    }

    /// The next number of Steele's, Lea's and Flood's SplitMix.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}
