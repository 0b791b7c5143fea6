// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = u.w[i] & v.w[i]`
    public static func V_vand_VV(_ u: Vector, _ v: Vector) -> Vector {
        Vector(words: u.words & v.words)
    }

    /// All bits 0.
    public static func V_vzero() -> Vector { Vector() }
}
