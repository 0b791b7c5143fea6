// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Predicates among themselves.
extension Q6 {
    /// `q[k] = s[k] & t[k]`
    public static func Q_and_QQ(_ s: Predicate, _ t: Predicate) -> Predicate { Predicate(bits: s.bits & t.bits) }

    /// `q[k] = s[k] & !t[k]`
    public static func Q_and_QQn(_ s: Predicate, _ t: Predicate) -> Predicate { Predicate(bits: s.bits & ~t.bits) }

    /// `q[k] = s[k] | t[k]`
    public static func Q_or_QQ(_ s: Predicate, _ t: Predicate) -> Predicate { Predicate(bits: s.bits | t.bits) }

    /// `q[k] = s[k] | !t[k]`
    public static func Q_or_QQn(_ s: Predicate, _ t: Predicate) -> Predicate { Predicate(bits: s.bits | ~t.bits) }

    /// `q[k] = s[k] ^ t[k]`
    public static func Q_xor_QQ(_ s: Predicate, _ t: Predicate) -> Predicate { Predicate(bits: s.bits ^ t.bits) }

    /// `q[k] = !s[k]`
    public static func Q_not_Q(_ s: Predicate) -> Predicate { Predicate(bits: ~s.bits) }

    /// `q[k] = k < (r & 127)`: the first bytes of a tail. 128 gives none, as 0 does.
    public static func Q_vsetq_R(_ r: Int32) -> Predicate {
        Predicate(bits: (UInt128(1) << UInt128(r & 127)) &- 1)
    }

    /// `q[k] = k <= ((r - 1) & 127)`: the first bytes of a tail. 0 gives all, as 128 does.
    public static func Q_vsetq2_R(_ r: Int32) -> Predicate {
        Predicate(bits: UInt128.max >> UInt128(127 - ((r &- 1) & 127)))
    }

    /// `q[k] = k odd ? s[k-1] : t[k]`: predicates of halfwords become one of bytes.
    public static func Qb_vshuffe_QhQh(_ s: Predicate, _ t: Predicate) -> Predicate {
        let even = UInt128(truncatingIfNeeded: 0x5555_5555_5555_5555) * (1 << 64 + 1)
        return Predicate(bits: (s.bits & even) << 1 | t.bits & even)
    }

    /// `q[k] = k & 2 != 0 ? s[k-2] : t[k]`: predicates of words become one of halfwords.
    public static func Qh_vshuffe_QwQw(_ s: Predicate, _ t: Predicate) -> Predicate {
        let even = UInt128(truncatingIfNeeded: 0x3333_3333_3333_3333) * (1 << 64 + 1)
        return Predicate(bits: (s.bits & even) << 2 | t.bits & even)
    }
}

/// Predicates and registers.
extension Q6 {
    /// `ub[k] = q[k] ? u.ub[k] : v.ub[k]`
    public static func V_vmux_QVV(_ q: Predicate, _ u: Vector, _ v: Vector) -> Vector {
        lanes(q.mask, u, v) { mask, u, v, i in (u[w: i] & mask[w: i]) | (v[w: i] & ~mask[w: i]) }
    }

    /// `low.ub[k] = q[k] ? u.ub[k] : v.ub[k], high.ub[k] = q[k] ? v.ub[k] : u.ub[k]`
    public static func W_vswap_QVV(_ q: Predicate, _ u: Vector, _ v: Vector) -> VectorPair {
        VectorPair(low: V_vmux_QVV(q, u, v), high: V_vmux_QVV(q, v, u))
    }

    /// `ub[k] = q[k] ? u.ub[k] : 0`
    public static func V_vand_QV(_ q: Predicate, _ u: Vector) -> Vector {
        V_vand_VV(q.mask, u)
    }

    /// `ub[k] = q[k] ? 0 : u.ub[k]`
    public static func V_vand_QnV(_ q: Predicate, _ u: Vector) -> Vector {
        lanes(q.mask, u) { mask, u, i in ~mask[w: i] & u[w: i] }
    }

    /// `ub[k] = q[k] ? r.ub[k & 3] : 0`
    public static func V_vand_QR(_ q: Predicate, _ r: Int32) -> Vector { V_vand_QV(q, V_vsplat_R(r)) }

    /// `ub[k] = q[k] ? 0 : r.ub[k & 3]`
    public static func V_vand_QnR(_ q: Predicate, _ r: Int32) -> Vector { V_vand_QnV(q, V_vsplat_R(r)) }

    /// `ub[k] = x.ub[k] | (q[k] ? r.ub[k & 3] : 0)`
    public static func V_vandor_VQR(_ x: Vector, _ q: Predicate, _ r: Int32) -> Vector {
        V_vor_VV(x, V_vand_QR(q, r))
    }

    /// `ub[k] = x.ub[k] | (q[k] ? 0 : r.ub[k & 3])`
    public static func V_vandor_VQnR(_ x: Vector, _ q: Predicate, _ r: Int32) -> Vector {
        V_vor_VV(x, V_vand_QnR(q, r))
    }

    /// `q[k] = (u.ub[k] & r.ub[k & 3]) != 0`
    public static func Q_vand_VR(_ u: Vector, _ r: Int32) -> Predicate {
        predicate(V_vand_VV(u, V_vsplat_R(r)), V_vzero()) { (u: UInt8, zero: UInt8) in u != zero }
    }

    /// `q[k] = x[k] | ((u.ub[k] & r.ub[k & 3]) != 0)`
    public static func Q_vandor_QVR(_ x: Predicate, _ u: Vector, _ r: Int32) -> Predicate {
        Q_or_QQ(x, Q_vand_VR(u, r))
    }

    /// `b[k] = Σj<=k q[j]`
    public static func Vb_prefixsum_Q(_ q: Predicate) -> Vector { prefixSum(q, per: 1) { UInt8($0) } }

    /// `h[i] = Σj<=2i+1 q[j]`
    public static func Vh_prefixsum_Q(_ q: Predicate) -> Vector { prefixSum(q, per: 2) { UInt16($0) } }

    /// `w[i] = Σj<=4i+3 q[j]`
    public static func Vw_prefixsum_Q(_ q: Predicate) -> Vector { prefixSum(q, per: 4) { UInt32($0) } }

    /// In each lane the number of bits up to its end.
    private static func prefixSum<Out: FixedWidthInteger>(
        _ q: Predicate,
        per laneBits: Int,
        _ convert: (Int) -> Out
    ) -> Vector {
        lanes { i in convert((q.bits << UInt128(128 - laneBits * (i + 1))).nonzeroBitCount) }
    }
}
