// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = s >= 0 ? u.w[i] << s : u.w[i] >> -s`, where s is the signed number in the low 6 bits of `v.w[i]`.
    public static func Vw_vasl_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { shift(u[w: $0], left: signedAmount(v[w: $0])) }
    }

    /// `w[i] = s >= 0 ? u.w[i] >> s : u.w[i] << -s`, where s is the signed number in the low 6 bits of `v.w[i]`.
    public static func Vw_vasr_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { shift(u[w: $0], left: -signedAmount(v[w: $0])) }
    }

    /// `w[i] = u.w[i] << (r & 31)`
    public static func Vw_vasl_VwR(_ u: Vector, _ r: Int32) -> Vector {
        Vector(Int32.self) { u[w: $0] << (r & 31) }
    }

    /// `w[i] = u.w[i] >> (r & 31)`
    public static func Vw_vasr_VwR(_ u: Vector, _ r: Int32) -> Vector {
        Vector(Int32.self) { u[w: $0] >> (r & 31) }
    }

    /// The signed number in the low 6 bits: -32...31.
    private static func signedAmount(_ amount: Int32) -> Int {
        Int((amount << 26) >> 26)
    }

    /// Shifts by any amount; beyond the width of a lane nothing or the sign is left, as Swift's `<<` and `>>` do it.
    private static func shift(_ value: Int32, left amount: Int) -> Int32 {
        amount >= 0 ? value << amount : value >> -amount
    }
}
