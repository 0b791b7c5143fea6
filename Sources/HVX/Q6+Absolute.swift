// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Absolute values and distances.
extension Q6 {
    /// `b[i] = |u.b[i]|`; the least number has no absolute value and stays.
    public static func Vb_vabs_Vb(_ u: Vector) -> Vector {
        lanes(u) { u, i in u[b: i] < 0 ? 0 &- u[b: i] : u[b: i] }
    }

    /// `b[i] = sat(|u.b[i]|)`
    public static func Vb_vabs_Vb_sat(_ u: Vector) -> Vector {
        lanes(u) { u, i in Int8(clamping: abs(Int16(u[b: i]))) }
    }

    /// `h[i] = |u.h[i]|`; the least number has no absolute value and stays.
    public static func Vh_vabs_Vh(_ u: Vector) -> Vector {
        lanes(u) { u, i in u[h: i] < 0 ? 0 &- u[h: i] : u[h: i] }
    }

    /// `h[i] = sat(|u.h[i]|)`
    public static func Vh_vabs_Vh_sat(_ u: Vector) -> Vector {
        lanes(u) { u, i in Int16(clamping: abs(Int32(u[h: i]))) }
    }

    /// `w[i] = |u.w[i]|`; the least number has no absolute value and stays.
    public static func Vw_vabs_Vw(_ u: Vector) -> Vector {
        lanes(u) { u, i in u[w: i] < 0 ? 0 &- u[w: i] : u[w: i] }
    }

    /// `w[i] = sat(|u.w[i]|)`
    public static func Vw_vabs_Vw_sat(_ u: Vector) -> Vector {
        lanes(u) { u, i in Int32(clamping: abs(Int64(u[w: i]))) }
    }

    /// `ub[i] = |u.ub[i] - v.ub[i]|`
    public static func Vub_vabsdiff_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(truncatingIfNeeded: abs(Int16(u[ub: i]) &- Int16(v[ub: i]))) }
    }

    /// `uh[i] = |u.h[i] - v.h[i]|`
    public static func Vuh_vabsdiff_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(truncatingIfNeeded: abs(Int32(u[h: i]) &- Int32(v[h: i]))) }
    }

    /// `uh[i] = |u.uh[i] - v.uh[i]|`
    public static func Vuh_vabsdiff_VuhVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(truncatingIfNeeded: abs(Int32(u[uh: i]) &- Int32(v[uh: i]))) }
    }

    /// `uw[i] = |u.w[i] - v.w[i]|`
    public static func Vuw_vabsdiff_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt32(truncatingIfNeeded: abs(Int64(u[w: i]) &- Int64(v[w: i]))) }
    }
}
