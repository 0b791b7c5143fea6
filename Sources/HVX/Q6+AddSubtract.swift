// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = u.w[i] + v.w[i]`
    public static func Vw_vadd_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(words: u.words &+ v.words)
    }

    /// `w[i] = sat(u.w[i] + v.w[i])`
    public static func Vw_vadd_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { Int32(clamping: Int64(u[w: $0]) + Int64(v[w: $0])) }
    }

    /// `h[i] = sat(u.h[i] + v.h[i])`
    public static func Vh_vadd_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int16.self) { Int16(clamping: Int32(u[h: $0]) + Int32(v[h: $0])) }
    }

    /// `w[i] = u.w[i] - v.w[i]`
    public static func Vw_vsub_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(words: u.words &- v.words)
    }
}
