import HVX
public import Quantization

/// Requantization written with HVX instructions: what the fast kernels must equal.
public enum ReferenceRequantize {
    /// The bytes of each row, `[rows, channels.count]` row-major.
    ///
    /// - Parameter accumulators: `[rows, channels.count]` row-major.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public static func bytes(
        _ accumulators: [Int32],
        rows: Int,
        channels: [Requantization],
        zeroPoint: UInt8,
        range: ClosedRange<UInt8> = 0...255
    ) throws(KernelError) -> [UInt8] {
        let expected = try elementCount(rows, channels.count)
        guard accumulators.count == expected else {
            throw .count(what: "accumulators", expected: expected, actual: accumulators.count)
        }
        var bytes = [UInt8](repeating: 0, count: expected)
        for first in stride(from: 0, to: channels.count, by: 32) {
            let width = min(32, channels.count - first)
            let multiplier = Vector(Int32.self) { $0 < width ? channels[first + $0].multiplier : 0 }
            let left = Vector(Int32.self) { $0 < width ? channels[first + $0].leftShift : 0 }
            let right = Vector(Int32.self) { $0 < width ? channels[first + $0].rightShift : 0 }
            for row in 0..<rows {
                let start = row * channels.count + first
                let sums = Vector(Int32.self) { $0 < width ? accumulators[start + $0] : 0 }
                let words = scale(sums, multiplier: multiplier, left: left, right: right)
                let packed = narrow(words, zeroPoint: zeroPoint, range: range)
                for lane in 0..<width {
                    bytes[start + lane] = packed[ub: lane]
                }
            }
        }
        return bytes
    }

    /// Shift, multiply, rounding shift: 32 words.
    private static func scale(_ sums: Vector, multiplier: Vector, left: Vector, right: Vector) -> Vector {
        let shifted = Q6.Vw_vasl_VwVw(sums, left)
        let lower = Q6.Vw_vmpye_VwVuh(shifted, multiplier)
        let product = Q6.Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(lower, shifted, multiplier)
        // 1 << (right - 1), and 0 where right is 0: shifting 1 by -1 leaves nothing.
        let half = Q6.Vw_vasl_VwVw(Q6.V_vsplat_R(1), Q6.Vw_vsub_VwVw(right, Q6.V_vsplat_R(1)))
        return Q6.Vw_vasr_VwVw(Q6.Vw_vadd_VwVw_sat(product, half), right)
    }

    /// Saturation to halfwords, zero point, saturation to bytes, clamp: byte lane i belongs to word lane i.
    private static func narrow(_ words: Vector, zeroPoint: UInt8, range: ClosedRange<UInt8>) -> Vector {
        let halves = Q6.Vh_vpack_VwVw_sat(Q6.V_vzero(), words)
        let moved = Q6.Vh_vadd_VhVh_sat(halves, Q6.Vh_vsplat_R(Int32(zeroPoint)))
        let bytes = Q6.Vub_vpack_VhVh_sat(Q6.V_vzero(), moved)
        let floored = Q6.Vub_vmax_VubVub(bytes, Q6.Vb_vsplat_R(Int32(range.lowerBound)))
        return Q6.Vub_vmin_VubVub(floored, Q6.Vb_vsplat_R(Int32(range.upperBound)))
    }
}
