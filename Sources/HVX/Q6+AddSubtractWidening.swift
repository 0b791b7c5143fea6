// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Sums and differences in lanes of twice the width.
extension Q6 {
    /// `low.h[i] = u.ub[2i] + v.ub[2i], high.h[i] = u.ub[2i+1] + v.ub[2i+1]`
    public static func Wh_vadd_VubVub(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int16(u[ub: k]) &+ Int16(v[ub: k]) }
    }

    /// `low.w[i] = u.h[2i] + v.h[2i], high.w[i] = u.h[2i+1] + v.h[2i+1]`
    public static func Ww_vadd_VhVh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int32(u[h: k]) &+ Int32(v[h: k]) }
    }

    /// `low.w[i] = u.uh[2i] + v.uh[2i], high.w[i] = u.uh[2i+1] + v.uh[2i+1]`
    public static func Ww_vadd_VuhVuh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int32(u[uh: k]) &+ Int32(v[uh: k]) }
    }

    /// `low.h[i] = u.ub[2i] - v.ub[2i], high.h[i] = u.ub[2i+1] - v.ub[2i+1]`
    public static func Wh_vsub_VubVub(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int16(u[ub: k]) &- Int16(v[ub: k]) }
    }

    /// `low.w[i] = u.h[2i] - v.h[2i], high.w[i] = u.h[2i+1] - v.h[2i+1]`
    public static func Ww_vsub_VhVh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int32(u[h: k]) &- Int32(v[h: k]) }
    }

    /// `low.w[i] = u.uh[2i] - v.uh[2i], high.w[i] = u.uh[2i+1] - v.uh[2i+1]`
    public static func Ww_vsub_VuhVuh(_ u: Vector, _ v: Vector) -> VectorPair {
        widened(u, v) { u, v, k in Int32(u[uh: k]) &- Int32(v[uh: k]) }
    }

    /// `low.h[i] += u.ub[2i] + v.ub[2i], high.h[i] += u.ub[2i+1] + v.ub[2i+1]`
    public static func Wh_vaddacc_WhVubVub(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vadd_VubVub(u, v))
    }

    /// `low.w[i] += u.h[2i] + v.h[2i], high.w[i] += u.h[2i+1] + v.h[2i+1]`
    public static func Ww_vaddacc_WwVhVh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vadd_VhVh(u, v))
    }

    /// `low.w[i] += u.uh[2i] + v.uh[2i], high.w[i] += u.uh[2i+1] + v.uh[2i+1]`
    public static func Ww_vaddacc_WwVuhVuh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vadd_VuhVuh(u, v))
    }
}
