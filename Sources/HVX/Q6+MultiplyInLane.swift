// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Products of which the lower half stays in the lane.
extension Q6 {
    /// `h[i] = low 16 bits of u.h[i] * v.h[i]`
    public static func Vh_vmpyi_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[h: i] &* v[h: i] }
    }

    /// `h[i] = x.h[i] + low 16 bits of u.h[i] * v.h[i]`
    public static func Vh_vmpyiacc_VhVhVh(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vh_vadd_VhVh(x, Vh_vmpyi_VhVh(u, v))
    }

    /// `h[i] = low 16 bits of u.h[i] * r.b[i & 3]`
    public static func Vh_vmpyi_VhRb(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u) { u, i in u[h: i] &* Int16(r.byte(i)) }
    }

    /// `h[i] = x.h[i] + low 16 bits of u.h[i] * r.b[i & 3]`
    public static func Vh_vmpyiacc_VhVhRb(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vh_vadd_VhVh(x, Vh_vmpyi_VhRb(u, r))
    }

    /// `w[i] = low 32 bits of u.w[i] * r.b[i & 3]`
    public static func Vw_vmpyi_VwRb(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u) { u, i in u[w: i] &* Int32(r.byte(i)) }
    }

    /// `w[i] = x.w[i] + low 32 bits of u.w[i] * r.b[i & 3]`
    public static func Vw_vmpyiacc_VwVwRb(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vmpyi_VwRb(u, r))
    }

    /// `w[i] = low 32 bits of u.w[i] * r.ub[i & 3]`
    public static func Vw_vmpyi_VwRub(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u) { u, i in u[w: i] &* Int32(UInt8(bitPattern: r.byte(i))) }
    }

    /// `w[i] = x.w[i] + low 32 bits of u.w[i] * r.ub[i & 3]`
    public static func Vw_vmpyiacc_VwVwRub(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vmpyi_VwRub(u, r))
    }

    /// `w[i] = low 32 bits of u.w[i] * r.h[i & 1]`
    public static func Vw_vmpyi_VwRh(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u) { u, i in u[w: i] &* Int32(r.half(i)) }
    }

    /// `w[i] = x.w[i] + low 32 bits of u.w[i] * r.h[i & 1]`
    public static func Vw_vmpyiacc_VwVwRh(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vmpyi_VwRh(u, r))
    }
}

/// Products of which the upper half stays in the lane.
extension Q6 {
    /// `h[i] = sat(2 * u.h[i] * v.h[i] + 0x8000) >> 16`, saturated at 32 bits: only -32768 * -32768 is.
    public static func Vh_vmpy_VhVh_s1_rnd_sat(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in upperHalf(2 &* longProduct(u[h: i], v[h: i]) &+ 0x8000) }
    }

    /// `h[i] = sat(2 * u.h[i] * r.h[i & 1] + 0x8000) >> 16`, saturated at 32 bits.
    public static func Vh_vmpy_VhRh_s1_rnd_sat(_ u: Vector, _ r: Int32) -> Vector {
        Vh_vmpy_VhVh_s1_rnd_sat(u, V_vsplat_R(r))
    }

    /// `h[i] = sat(2 * u.h[i] * r.h[i & 1]) >> 16`, saturated at 32 bits.
    public static func Vh_vmpy_VhRh_s1_sat(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u, V_vsplat_R(r)) { u, r, i in upperHalf(2 &* longProduct(u[h: i], r[h: i])) }
    }

    /// `uh[i] = (u.uh[i] * v.uh[i]) >> 16`
    public static func Vuh_vmpy_VuhVuh_rs16(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in UInt16(truncatingIfNeeded: longProduct(u[uh: i], v[uh: i]) >> 16) }
    }

    /// The upper 16 of 32 bits, after saturation to them.
    @inline(__always)
    private static func upperHalf(_ value: Int64) -> Int16 { Int16(truncatingIfNeeded: Int32(clamping: value) >> 16) }
}
