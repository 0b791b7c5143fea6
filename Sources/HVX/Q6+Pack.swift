// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Packing: the lanes of two registers in half the width, v in the low half and u in the high one, each in order.
extension Q6 {
    /// `b[i] = v.b[2i], b[64+i] = u.b[2i]`
    public static func Vb_vpacke_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int16) in Int8(truncatingIfNeeded: x) }
    }

    /// `b[i] = v.b[2i+1], b[64+i] = u.b[2i+1]`
    public static func Vb_vpacko_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int16) in Int8(truncatingIfNeeded: x >> 8) }
    }

    /// `h[i] = v.h[2i], h[32+i] = u.h[2i]`
    public static func Vh_vpacke_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int32) in Int16(truncatingIfNeeded: x) }
    }

    /// `h[i] = v.h[2i+1], h[32+i] = u.h[2i+1]`
    public static func Vh_vpacko_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int32) in Int16(truncatingIfNeeded: x >> 16) }
    }

    /// `b[i] = sat(v.h[i]), b[64+i] = sat(u.h[i])`
    public static func Vb_vpack_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int16) in Int8(clamping: x) }
    }

    /// `ub[i] = sat(v.h[i]), ub[64+i] = sat(u.h[i])`
    public static func Vub_vpack_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int16) in UInt8(clamping: x) }
    }

    /// `h[i] = sat(v.w[i]), h[32+i] = sat(u.w[i])`
    public static func Vh_vpack_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int32) in Int16(clamping: x) }
    }

    /// `uh[i] = sat(v.w[i]), uh[32+i] = sat(u.w[i])`
    public static func Vuh_vpack_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        packed(u, v) { (x: Int32) in UInt16(clamping: x) }
    }
}

/// The way back: `vunpack` keeps the order, `vsxt` and `vzxt` put even lanes low and odd ones high.
extension Q6 {
    /// `low.h[i] = u.b[i], high.h[i] = u.b[64+i]`
    public static func Wh_vunpack_Vb(_ u: Vector) -> VectorPair {
        unpacked(u) { (x: Int8) in Int16(x) }
    }

    /// `low.uh[i] = u.ub[i], high.uh[i] = u.ub[64+i]`
    public static func Wuh_vunpack_Vub(_ u: Vector) -> VectorPair {
        unpacked(u) { (x: UInt8) in UInt16(x) }
    }

    /// `low.w[i] = u.h[i], high.w[i] = u.h[32+i]`
    public static func Ww_vunpack_Vh(_ u: Vector) -> VectorPair {
        unpacked(u) { (x: Int16) in Int32(x) }
    }

    /// `low.uw[i] = u.uh[i], high.uw[i] = u.uh[32+i]`
    public static func Wuw_vunpack_Vuh(_ u: Vector) -> VectorPair {
        unpacked(u) { (x: UInt16) in UInt32(x) }
    }

    /// `low.h[i] = x.low.h[i] | u.b[i] << 8, high.h[i] = x.high.h[i] | u.b[64+i] << 8`
    public static func Wh_vunpackoor_WhVb(_ x: VectorPair, _ u: Vector) -> VectorPair {
        each(x, unpacked(u) { (x: Int8) in Int16(x) << 8 }, V_vor_VV)
    }

    /// `low.w[i] = x.low.w[i] | u.h[i] << 16, high.w[i] = x.high.w[i] | u.h[32+i] << 16`
    public static func Ww_vunpackoor_WwVh(_ x: VectorPair, _ u: Vector) -> VectorPair {
        each(x, unpacked(u) { (x: Int16) in Int32(x) << 16 }, V_vor_VV)
    }

    /// `low.h[i] = u.b[2i], high.h[i] = u.b[2i+1]`
    public static func Wh_vsxt_Vb(_ u: Vector) -> VectorPair {
        widened(u) { u, k in Int16(u[b: k]) }
    }

    /// `low.w[i] = u.h[2i], high.w[i] = u.h[2i+1]`
    public static func Ww_vsxt_Vh(_ u: Vector) -> VectorPair {
        widened(u) { u, k in Int32(u[h: k]) }
    }

    /// `low.uh[i] = u.ub[2i], high.uh[i] = u.ub[2i+1]`
    public static func Wuh_vzxt_Vub(_ u: Vector) -> VectorPair {
        widened(u) { u, k in UInt16(u[ub: k]) }
    }

    /// `low.uw[i] = u.uh[2i], high.uw[i] = u.uh[2i+1]`
    public static func Wuw_vzxt_Vuh(_ u: Vector) -> VectorPair {
        widened(u) { u, k in UInt32(u[uh: k]) }
    }
}
