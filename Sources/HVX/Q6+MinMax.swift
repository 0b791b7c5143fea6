// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// The greater or the lesser of two lanes.
extension Q6 {
    /// `b[i] = max(u.b[i], v.b[i])`
    public static func Vb_vmax_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in max(u[b: i], v[b: i]) }
    }

    /// `ub[i] = max(u.ub[i], v.ub[i])`
    public static func Vub_vmax_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in max(u[ub: i], v[ub: i]) }
    }

    /// `h[i] = max(u.h[i], v.h[i])`
    public static func Vh_vmax_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in max(u[h: i], v[h: i]) }
    }

    /// `uh[i] = max(u.uh[i], v.uh[i])`
    public static func Vuh_vmax_VuhVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in max(u[uh: i], v[uh: i]) }
    }

    /// `w[i] = max(u.w[i], v.w[i])`
    public static func Vw_vmax_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in max(u[w: i], v[w: i]) }
    }

    /// `b[i] = min(u.b[i], v.b[i])`
    public static func Vb_vmin_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in min(u[b: i], v[b: i]) }
    }

    /// `ub[i] = min(u.ub[i], v.ub[i])`
    public static func Vub_vmin_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in min(u[ub: i], v[ub: i]) }
    }

    /// `h[i] = min(u.h[i], v.h[i])`
    public static func Vh_vmin_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in min(u[h: i], v[h: i]) }
    }

    /// `uh[i] = min(u.uh[i], v.uh[i])`
    public static func Vuh_vmin_VuhVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in min(u[uh: i], v[uh: i]) }
    }

    /// `w[i] = min(u.w[i], v.w[i])`
    public static func Vw_vmin_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in min(u[w: i], v[w: i]) }
    }
}
