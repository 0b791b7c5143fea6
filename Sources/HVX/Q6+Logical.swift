// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Bits.
extension Q6 {
    /// `w[i] = u.w[i] & v.w[i]`
    public static func V_vand_VV(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] & v[w: i] }
    }

    /// `w[i] = u.w[i] | v.w[i]`
    public static func V_vor_VV(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] | v[w: i] }
    }

    /// `w[i] = u.w[i] ^ v.w[i]`
    public static func V_vxor_VV(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] ^ v[w: i] }
    }

    /// `w[i] = ~u.w[i]`
    public static func V_vnot_V(_ u: Vector) -> Vector { lanes(u) { u, i in ~u[w: i] } }

    /// All bits 0.
    public static func V_vzero() -> Vector { Vector() }
}

/// Counts of bits.
extension Q6 {
    /// `uh[i]` = leading zeros of `u.uh[i]`, 0...16
    public static func Vuh_vcl0_Vuh(_ u: Vector) -> Vector {
        lanes(u) { u, i in UInt16(truncatingIfNeeded: u[uh: i].leadingZeroBitCount) }
    }

    /// `uw[i]` = leading zeros of `u.uw[i]`, 0...32
    public static func Vuw_vcl0_Vuw(_ u: Vector) -> Vector {
        lanes(u) { u, i in UInt32(truncatingIfNeeded: u[uw: i].leadingZeroBitCount) }
    }

    /// `h[i]` = leading bits of `u.h[i]` that equal its sign, less one: how far it can be shifted left, 0...15
    public static func Vh_vnormamt_Vh(_ u: Vector) -> Vector {
        lanes(u) { u, i in signBits(u[h: i]) &- 1 }
    }

    /// `w[i]` = leading bits of `u.w[i]` that equal its sign, less one: how far it can be shifted left, 0...31
    public static func Vw_vnormamt_Vw(_ u: Vector) -> Vector {
        lanes(u) { u, i in signBits(u[w: i]) &- 1 }
    }

    /// `h[i] = v.h[i]` + leading bits of `u.h[i]` that equal its sign
    public static func Vh_vadd_vclb_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in signBits(u[h: i]) &+ v[h: i] }
    }

    /// `w[i] = v.w[i]` + leading bits of `u.w[i]` that equal its sign
    public static func Vw_vadd_vclb_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in signBits(u[w: i]) &+ v[w: i] }
    }

    /// `h[i]` = bits set in `u.h[i]`
    public static func Vh_vpopcount_Vh(_ u: Vector) -> Vector {
        lanes(u) { u, i in Int16(truncatingIfNeeded: u[h: i].nonzeroBitCount) }
    }

    /// How many of the leading bits equal the sign, which is one of them.
    @inline(__always)
    private static func signBits<Lane: FixedWidthInteger & SignedInteger>(_ value: Lane) -> Lane {
        Lane(truncatingIfNeeded: (value < 0 ? ~value : value).leadingZeroBitCount)
    }
}
