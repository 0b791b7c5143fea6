// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Shifts of all lanes by one amount, of which only the low bits count.
extension Q6 {
    /// `h[i] = u.h[i] << (r & 15)`
    public static func Vh_vasl_VhR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = Int16(truncatingIfNeeded: r & 15)
        return lanes(u) { u, i in u[h: i] &<< amount }
    }

    /// `h[i] = u.h[i] >> (r & 15)`
    public static func Vh_vasr_VhR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = Int16(truncatingIfNeeded: r & 15)
        return lanes(u) { u, i in u[h: i] &>> amount }
    }

    /// `w[i] = u.w[i] << (r & 31)`
    public static func Vw_vasl_VwR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = Int32(truncatingIfNeeded: r & 31)
        return lanes(u) { u, i in u[w: i] &<< amount }
    }

    /// `w[i] = u.w[i] >> (r & 31)`
    public static func Vw_vasr_VwR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = Int32(truncatingIfNeeded: r & 31)
        return lanes(u) { u, i in u[w: i] &>> amount }
    }

    /// `ub[i] = u.ub[i] >> (r & 7)`, zeros coming in.
    public static func Vub_vlsr_VubR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = UInt8(truncatingIfNeeded: r & 7)
        return lanes(u) { u, i in u[ub: i] &>> amount }
    }

    /// `uh[i] = u.uh[i] >> (r & 15)`, zeros coming in.
    public static func Vuh_vlsr_VuhR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = UInt16(truncatingIfNeeded: r & 15)
        return lanes(u) { u, i in u[uh: i] &>> amount }
    }

    /// `uw[i] = u.uw[i] >> (r & 31)`, zeros coming in.
    public static func Vuw_vlsr_VuwR(_ u: Vector, _ r: Int32) -> Vector {
        let amount = UInt32(truncatingIfNeeded: r & 31)
        return lanes(u) { u, i in u[uw: i] &>> amount }
    }

    /// `h[i] = x.h[i] + (u.h[i] << (r & 15))`
    public static func Vh_vaslacc_VhVhR(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vh_vadd_VhVh(x, Vh_vasl_VhR(u, r))
    }

    /// `h[i] = x.h[i] + (u.h[i] >> (r & 15))`
    public static func Vh_vasracc_VhVhR(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vh_vadd_VhVh(x, Vh_vasr_VhR(u, r))
    }

    /// `w[i] = x.w[i] + (u.w[i] << (r & 31))`
    public static func Vw_vaslacc_VwVwR(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vasl_VwR(u, r))
    }

    /// `w[i] = x.w[i] + (u.w[i] >> (r & 31))`
    public static func Vw_vasracc_VwVwR(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vasr_VwR(u, r))
    }
}
