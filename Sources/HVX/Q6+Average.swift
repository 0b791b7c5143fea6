// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Halves of sums and differences, without loss: the sum has one bit more than the lane.
extension Q6 {
    /// `b[i] = (u.b[i] + v.b[i]) >> 1`
    public static func Vb_vavg_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(truncatingIfNeeded: (Int16(u[b: i]) &+ Int16(v[b: i])) >> 1) }
    }

    /// `b[i] = (u.b[i] + v.b[i] + 1) >> 1`
    public static func Vb_vavg_VbVb_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(truncatingIfNeeded: (Int16(u[b: i]) &+ Int16(v[b: i]) &+ 1) >> 1) }
    }

    /// `ub[i] = (u.ub[i] + v.ub[i]) >> 1`
    public static func Vub_vavg_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(truncatingIfNeeded: (Int16(u[ub: i]) &+ Int16(v[ub: i])) >> 1) }
    }

    /// `ub[i] = (u.ub[i] + v.ub[i] + 1) >> 1`
    public static func Vub_vavg_VubVub_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt8(truncatingIfNeeded: (Int16(u[ub: i]) &+ Int16(v[ub: i]) &+ 1) >> 1) }
    }

    /// `h[i] = (u.h[i] + v.h[i]) >> 1`
    public static func Vh_vavg_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int16(truncatingIfNeeded: (Int32(u[h: i]) &+ Int32(v[h: i])) >> 1) }
    }

    /// `h[i] = (u.h[i] + v.h[i] + 1) >> 1`
    public static func Vh_vavg_VhVh_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int16(truncatingIfNeeded: (Int32(u[h: i]) &+ Int32(v[h: i]) &+ 1) >> 1) }
    }

    /// `uh[i] = (u.uh[i] + v.uh[i]) >> 1`
    public static func Vuh_vavg_VuhVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(truncatingIfNeeded: (Int32(u[uh: i]) &+ Int32(v[uh: i])) >> 1) }
    }

    /// `uh[i] = (u.uh[i] + v.uh[i] + 1) >> 1`
    public static func Vuh_vavg_VuhVuh_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(truncatingIfNeeded: (Int32(u[uh: i]) &+ Int32(v[uh: i]) &+ 1) >> 1) }
    }

    /// `w[i] = (u.w[i] + v.w[i]) >> 1`
    public static func Vw_vavg_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(truncatingIfNeeded: (Int64(u[w: i]) &+ Int64(v[w: i])) >> 1) }
    }

    /// `w[i] = (u.w[i] + v.w[i] + 1) >> 1`
    public static func Vw_vavg_VwVw_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(truncatingIfNeeded: (Int64(u[w: i]) &+ Int64(v[w: i]) &+ 1) >> 1) }
    }

    /// `uw[i] = (u.uw[i] + v.uw[i]) >> 1`
    public static func Vuw_vavg_VuwVuw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt32(truncatingIfNeeded: (Int64(u[uw: i]) &+ Int64(v[uw: i])) >> 1) }
    }

    /// `uw[i] = (u.uw[i] + v.uw[i] + 1) >> 1`
    public static func Vuw_vavg_VuwVuw_rnd(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt32(truncatingIfNeeded: (Int64(u[uw: i]) &+ Int64(v[uw: i]) &+ 1) >> 1) }
    }

    /// `b[i] = (u.b[i] - v.b[i]) >> 1`
    public static func Vb_vnavg_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(truncatingIfNeeded: (Int16(u[b: i]) &- Int16(v[b: i])) >> 1) }
    }

    /// `h[i] = (u.h[i] - v.h[i]) >> 1`
    public static func Vh_vnavg_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int16(truncatingIfNeeded: (Int32(u[h: i]) &- Int32(v[h: i])) >> 1) }
    }

    /// `w[i] = (u.w[i] - v.w[i]) >> 1`
    public static func Vw_vnavg_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(truncatingIfNeeded: (Int64(u[w: i]) &- Int64(v[w: i])) >> 1) }
    }

    /// `b[i] = (u.ub[i] - v.ub[i]) >> 1`, signed.
    public static func Vb_vnavg_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int8(truncatingIfNeeded: (Int16(u[ub: i]) &- Int16(v[ub: i])) >> 1) }
    }
}
