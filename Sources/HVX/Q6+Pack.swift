// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `h[i] = sat(v.w[i]), h[32+i] = sat(u.w[i])`
    public static func Vh_vpack_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int16.self) { Int16(clamping: $0 < 32 ? v[w: $0] : u[w: $0 - 32]) }
    }

    /// `ub[i] = sat(v.h[i]), ub[64+i] = sat(u.h[i])`
    public static func Vub_vpack_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(UInt8.self) { UInt8(clamping: $0 < 64 ? v[h: $0] : u[h: $0 - 64]) }
    }

    /// `b[i] = sat(v.h[i]), b[64+i] = sat(u.h[i])`
    public static func Vb_vpack_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int8.self) { Int8(clamping: $0 < 64 ? v[h: $0] : u[h: $0 - 64]) }
    }
}
