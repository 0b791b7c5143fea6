// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `ub[i] = max(u.ub[i], v.ub[i])`
    public static func Vub_vmax_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        Vector(UInt8.self) { max(u[ub: $0], v[ub: $0]) }
    }

    /// `ub[i] = min(u.ub[i], v.ub[i])`
    public static func Vub_vmin_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        Vector(UInt8.self) { min(u[ub: $0], v[ub: $0]) }
    }

    /// `w[i] = max(u.w[i], v.w[i])`
    public static func Vw_vmax_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { max(u[w: $0], v[w: $0]) }
    }

    /// `w[i] = min(u.w[i], v.w[i])`
    public static func Vw_vmin_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { min(u[w: $0], v[w: $0]) }
    }
}
