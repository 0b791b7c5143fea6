// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Sums and differences that wrap.
extension Q6 {
    /// `b[i] = u.b[i] + v.b[i]`
    public static func Vb_vadd_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[b: i] &+ v[b: i] }
    }

    /// `h[i] = u.h[i] + v.h[i]`
    public static func Vh_vadd_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[h: i] &+ v[h: i] }
    }

    /// `w[i] = u.w[i] + v.w[i]`
    public static func Vw_vadd_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(words: u.words &+ v.words)
    }

    /// `b[i] = u.b[i] - v.b[i]`
    public static func Vb_vsub_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[b: i] &- v[b: i] }
    }

    /// `h[i] = u.h[i] - v.h[i]`
    public static func Vh_vsub_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[h: i] &- v[h: i] }
    }

    /// `w[i] = u.w[i] - v.w[i]`
    public static func Vw_vsub_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(words: u.words &- v.words)
    }

    /// `b[i] = u.b[i] + v.b[i]` in both registers.
    public static func Wb_vadd_WbWb(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vb_vadd_VbVb)
    }

    /// `h[i] = u.h[i] + v.h[i]` in both registers.
    public static func Wh_vadd_WhWh(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vh_vadd_VhVh)
    }

    /// `w[i] = u.w[i] + v.w[i]` in both registers.
    public static func Ww_vadd_WwWw(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vw_vadd_VwVw)
    }

    /// `b[i] = u.b[i] - v.b[i]` in both registers.
    public static func Wb_vsub_WbWb(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vb_vsub_VbVb)
    }

    /// `h[i] = u.h[i] - v.h[i]` in both registers.
    public static func Wh_vsub_WhWh(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vh_vsub_VhVh)
    }

    /// `w[i] = u.w[i] - v.w[i]` in both registers.
    public static func Ww_vsub_WwWw(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vw_vsub_VwVw)
    }
}
