// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = (u.w[i] * v.uh[2i]) >> 16`
    public static func Vw_vmpye_VwVuh(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { Int32(truncatingIfNeeded: (Int64(u[w: $0]) * Int64(v[uh: 2 * $0])) >> 16) }
    }

    /// `w[i] = sat((((u.w[i] * v.h[2i+1]) >> 14) + 1) >> 1)`
    public static func Vw_vmpyo_VwVh_s1_rnd_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) {
            Int32(clamping: (((Int64(u[w: $0]) * Int64(v[h: 2 * $0 + 1])) >> 14) + 1) >> 1)
        }
    }

    /// `w[i] = sat((((x.w[i] + u.w[i] * v.h[2i+1]) >> 14) + 1) >> 1)`
    ///
    /// After `vmpye` of the same arguments this is `sat((u.w[i] * v.w[i] + 2^30) >> 31)`.
    public static func Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) {
            Int32(clamping: (((Int64(x[w: $0]) + Int64(u[w: $0]) * Int64(v[h: 2 * $0 + 1])) >> 14) + 1) >> 1)
        }
    }

    /// `w[i] = low 32 bits of u.w[i] * v.uh[2i]`
    public static func Vw_vmpyie_VwVuh(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { u[w: $0] &* Int32(v[uh: 2 * $0]) }
    }
}
