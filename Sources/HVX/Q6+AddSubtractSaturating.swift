// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Sums and differences that saturate.
extension Q6 {
    /// `b[i] = sat(u.b[i] + v.b[i])`
    public static func Vb_vadd_VbVb_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(clamping: Int16(u[b: i]) &+ Int16(v[b: i])) }
    }

    /// `ub[i] = sat(u.ub[i] + v.ub[i])`
    public static func Vub_vadd_VubVub_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(clamping: Int16(u[ub: i]) &+ Int16(v[ub: i])) }
    }

    /// `h[i] = sat(u.h[i] + v.h[i])`
    public static func Vh_vadd_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int16(clamping: Int32(u[h: i]) &+ Int32(v[h: i])) }
    }

    /// `uh[i] = sat(u.uh[i] + v.uh[i])`
    public static func Vuh_vadd_VuhVuh_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(clamping: Int32(u[uh: i]) &+ Int32(v[uh: i])) }
    }

    /// `w[i] = sat(u.w[i] + v.w[i])`
    public static func Vw_vadd_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(clamping: Int64(u[w: i]) &+ Int64(v[w: i])) }
    }

    /// `uw[i] = sat(u.uw[i] + v.uw[i])`
    public static func Vuw_vadd_VuwVuw_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt32(clamping: Int64(u[uw: i]) &+ Int64(v[uw: i])) }
    }

    /// `ub[i] = sat(u.ub[i] + v.b[i])`
    public static func Vub_vadd_VubVb_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(clamping: Int16(u[ub: i]) &+ Int16(v[b: i])) }
    }

    /// `b[i] = sat(u.b[i] - v.b[i])`
    public static func Vb_vsub_VbVb_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(clamping: Int16(u[b: i]) &- Int16(v[b: i])) }
    }

    /// `ub[i] = sat(u.ub[i] - v.ub[i])`
    public static func Vub_vsub_VubVub_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(clamping: Int16(u[ub: i]) &- Int16(v[ub: i])) }
    }

    /// `h[i] = sat(u.h[i] - v.h[i])`
    public static func Vh_vsub_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int16(clamping: Int32(u[h: i]) &- Int32(v[h: i])) }
    }

    /// `uh[i] = sat(u.uh[i] - v.uh[i])`
    public static func Vuh_vsub_VuhVuh_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(clamping: Int32(u[uh: i]) &- Int32(v[uh: i])) }
    }

    /// `w[i] = sat(u.w[i] - v.w[i])`
    public static func Vw_vsub_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(clamping: Int64(u[w: i]) &- Int64(v[w: i])) }
    }

    /// `uw[i] = sat(u.uw[i] - v.uw[i])`
    public static func Vuw_vsub_VuwVuw_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt32(clamping: Int64(u[uw: i]) &- Int64(v[uw: i])) }
    }

    /// `ub[i] = sat(u.ub[i] - v.b[i])`
    public static func Vub_vsub_VubVb_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(clamping: Int16(u[ub: i]) &- Int16(v[b: i])) }
    }

    /// `b[i] = sat(u.b[i] + v.b[i])` in both registers.
    public static func Wb_vadd_WbWb_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vb_vadd_VbVb_sat)
    }

    /// `ub[i] = sat(u.ub[i] + v.ub[i])` in both registers.
    public static func Wub_vadd_WubWub_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vub_vadd_VubVub_sat)
    }

    /// `h[i] = sat(u.h[i] + v.h[i])` in both registers.
    public static func Wh_vadd_WhWh_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vh_vadd_VhVh_sat)
    }

    /// `uh[i] = sat(u.uh[i] + v.uh[i])` in both registers.
    public static func Wuh_vadd_WuhWuh_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vuh_vadd_VuhVuh_sat)
    }

    /// `w[i] = sat(u.w[i] + v.w[i])` in both registers.
    public static func Ww_vadd_WwWw_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vw_vadd_VwVw_sat)
    }

    /// `uw[i] = sat(u.uw[i] + v.uw[i])` in both registers.
    public static func Wuw_vadd_WuwWuw_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vuw_vadd_VuwVuw_sat)
    }

    /// `b[i] = sat(u.b[i] - v.b[i])` in both registers.
    public static func Wb_vsub_WbWb_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vb_vsub_VbVb_sat)
    }

    /// `ub[i] = sat(u.ub[i] - v.ub[i])` in both registers.
    public static func Wub_vsub_WubWub_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vub_vsub_VubVub_sat)
    }

    /// `h[i] = sat(u.h[i] - v.h[i])` in both registers.
    public static func Wh_vsub_WhWh_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vh_vsub_VhVh_sat)
    }

    /// `uh[i] = sat(u.uh[i] - v.uh[i])` in both registers.
    public static func Wuh_vsub_WuhWuh_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vuh_vsub_VuhVuh_sat)
    }

    /// `w[i] = sat(u.w[i] - v.w[i])` in both registers.
    public static func Ww_vsub_WwWw_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vw_vsub_VwVw_sat)
    }

    /// `uw[i] = sat(u.uw[i] - v.uw[i])` in both registers.
    public static func Wuw_vsub_WuwWuw_sat(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        each(u, v, Vuw_vsub_VuwVuw_sat)
    }
}
