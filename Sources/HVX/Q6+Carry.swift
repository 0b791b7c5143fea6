// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Sums of words with a carry, the parts of longer numbers. The carry of word i comes in by bit 4i of the predicate.
extension Q6 {
    /// `w[i] = u.w[i] + v.w[i] + q[4i]`; then all four bits of lane i are the carry out of the word.
    public static func Vw_vadd_VwVwQ_carry(_ u: Vector, _ v: Vector, _ q: inout Predicate) -> Vector {
        let ones = V_vand_QR(q, 1)
        let carries = lanes(ones, u, v) { ones, u, v, i -> Int32 in
            let sum = UInt64(u[uw: i]) &+ UInt64(v[uw: i]) &+ UInt64(ones[uw: i])
            return sum >> 32 == 0 ? 0 : -1
        }
        q = Predicate(mask: carries)
        return lanes(ones, u, v) { ones, u, v, i in u[w: i] &+ v[w: i] &+ ones[w: i] }
    }

    /// `w[i] = u.w[i] + ~v.w[i] + q[4i]`, which is `u.w[i] - v.w[i]` where the bit is set; then all four bits of lane i
    /// are the carry out of that sum, so they are clear where something was borrowed.
    public static func Vw_vsub_VwVwQ_carry(_ u: Vector, _ v: Vector, _ q: inout Predicate) -> Vector {
        Vw_vadd_VwVwQ_carry(u, V_vnot_V(v), &q)
    }

    /// `w[i] = sat(u.w[i] + v.w[i] + q[4i])`
    public static func Vw_vadd_VwVwQ_carry_sat(_ u: Vector, _ v: Vector, _ q: Predicate) -> Vector {
        lanes(V_vand_QR(q, 1), u, v) { ones, u, v, i in
            Int32(clamping: Int64(u[w: i]) &+ Int64(v[w: i]) &+ Int64(ones[w: i]))
        }
    }
}
