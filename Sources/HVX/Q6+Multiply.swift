// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Products in lanes of twice the width: even lanes go low, odd ones high. Accumulating forms wrap.
extension Q6 {
    /// `low.h[i] = u.ub[2i] * v.b[2i], high.h[i] = u.ub[2i+1] * v.b[2i+1]`
    public static func Wh_vmpy_VubVb(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int16(truncatingIfNeeded: product(u[ub: k], v[b: k])) }
    }

    /// `low.h[i] = x.low.h[i] + u.ub[2i] * v.b[2i], high.h[i] = x.high.h[i] + u.ub[2i+1] * v.b[2i+1]`
    public static func Wh_vmpyacc_WhVubVb(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vmpy_VubVb(u, v))
    }

    /// `low.h[i] = u.b[2i] * v.b[2i], high.h[i] = u.b[2i+1] * v.b[2i+1]`
    public static func Wh_vmpy_VbVb(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int16(truncatingIfNeeded: product(u[b: k], v[b: k])) }
    }

    /// `low.h[i] = x.low.h[i] + u.b[2i] * v.b[2i], high.h[i] = x.high.h[i] + u.b[2i+1] * v.b[2i+1]`
    public static func Wh_vmpyacc_WhVbVb(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vmpy_VbVb(u, v))
    }

    /// `low.uh[i] = u.ub[2i] * v.ub[2i], high.uh[i] = u.ub[2i+1] * v.ub[2i+1]`
    public static func Wuh_vmpy_VubVub(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in UInt16(truncatingIfNeeded: product(u[ub: k], v[ub: k])) }
    }

    /// `low.uh[i] = x.low.uh[i] + u.ub[2i] * v.ub[2i], high.uh[i] = x.high.uh[i] + u.ub[2i+1] * v.ub[2i+1]`
    public static func Wuh_vmpyacc_WuhVubVub(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Wh_vadd_WhWh(x, Wuh_vmpy_VubVub(u, v))
    }

    /// `low.w[i] = u.h[2i] * v.h[2i], high.w[i] = u.h[2i+1] * v.h[2i+1]`
    public static func Ww_vmpy_VhVh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in product(u[h: k], v[h: k]) }
    }

    /// `low.w[i] = x.low.w[i] + u.h[2i] * v.h[2i], high.w[i] = x.high.w[i] + u.h[2i+1] * v.h[2i+1]`
    public static func Ww_vmpyacc_WwVhVh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vmpy_VhVh(u, v))
    }

    /// `low.uw[i] = u.uh[2i] * v.uh[2i], high.uw[i] = u.uh[2i+1] * v.uh[2i+1]`
    public static func Wuw_vmpy_VuhVuh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in UInt32(truncatingIfNeeded: product(u[uh: k], v[uh: k])) }
    }

    /// `low.uw[i] = x.low.uw[i] + u.uh[2i] * v.uh[2i], high.uw[i] = x.high.uw[i] + u.uh[2i+1] * v.uh[2i+1]`
    public static func Wuw_vmpyacc_WuwVuhVuh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Ww_vadd_WwWw(x, Wuw_vmpy_VuhVuh(u, v))
    }

    /// `low.w[i] = u.h[2i] * v.uh[2i], high.w[i] = u.h[2i+1] * v.uh[2i+1]`
    public static func Ww_vmpy_VhVuh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in product(u[h: k], v[uh: k]) }
    }

    /// `low.w[i] = x.low.w[i] + u.h[2i] * v.uh[2i], high.w[i] = x.high.w[i] + u.h[2i+1] * v.uh[2i+1]`
    public static func Ww_vmpyacc_WwVhVuh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vmpy_VhVuh(u, v))
    }
}

/// The same with the bytes or halfwords of a scalar.
extension Q6 {
    /// `low.h[i] = u.ub[2i] * r.b[2i & 3], high.h[i] = u.ub[2i+1] * r.b[(2i+1) & 3]`
    public static func Wh_vmpy_VubRb(_ u: Vector, _ r: Int32) -> VectorPair {
        Wh_vmpy_VubVb(u, V_vsplat_R(r))
    }

    /// As ``Wh_vmpy_VubRb(_:_:)``, added to x.
    public static func Wh_vmpyacc_WhVubRb(_ x: VectorPair, _ u: Vector, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vmpy_VubRb(u, r))
    }

    /// `low.uh[i] = u.ub[2i] * r.ub[2i & 3], high.uh[i] = u.ub[2i+1] * r.ub[(2i+1) & 3]`
    public static func Wuh_vmpy_VubRub(_ u: Vector, _ r: Int32) -> VectorPair {
        Wuh_vmpy_VubVub(u, V_vsplat_R(r))
    }

    /// As ``Wuh_vmpy_VubRub(_:_:)``, added to x.
    public static func Wuh_vmpyacc_WuhVubRub(_ x: VectorPair, _ u: Vector, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wuh_vmpy_VubRub(u, r))
    }

    /// `low.w[i] = u.h[2i] * r.h[0], high.w[i] = u.h[2i+1] * r.h[1]`
    public static func Ww_vmpy_VhRh(_ u: Vector, _ r: Int32) -> VectorPair {
        Ww_vmpy_VhVh(u, V_vsplat_R(r))
    }

    /// As ``Ww_vmpy_VhRh(_:_:)``, added to x.
    public static func Ww_vmpyacc_WwVhRh(_ x: VectorPair, _ u: Vector, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vmpy_VhRh(u, r))
    }

    /// `low.uw[i] = u.uh[2i] * r.uh[0], high.uw[i] = u.uh[2i+1] * r.uh[1]`
    public static func Wuw_vmpy_VuhRuh(_ u: Vector, _ r: Int32) -> VectorPair {
        Wuw_vmpy_VuhVuh(u, V_vsplat_R(r))
    }

    /// As ``Wuw_vmpy_VuhRuh(_:_:)``, added to x.
    public static func Wuw_vmpyacc_WuwVuhRuh(_ x: VectorPair, _ u: Vector, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Wuw_vmpy_VuhRuh(u, r))
    }

    /// `low.w[i] = sat(x.low.w[i] + u.h[2i] * r.h[0]), high.w[i] = sat(x.high.w[i] + u.h[2i+1] * r.h[1])`
    public static func Ww_vmpyacc_WwVhRh_sat(_ x: VectorPair, _ u: Vector, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw_sat(x, Ww_vmpy_VhRh(u, r))
    }

    /// `uw[i] = u.uh[2i] * r.uh[0]`
    public static func Vuw_vmpye_VuhRuh(_ u: Vector, _ r: Int32) -> Vector {
        Wuw_vmpy_VuhRuh(u, r).low
    }

    /// `uw[i] = x.uw[i] + u.uh[2i] * r.uh[0]`
    public static func Vuw_vmpyeacc_VuwVuhRuh(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vuw_vmpye_VuhRuh(u, r))
    }
}
