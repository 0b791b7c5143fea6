// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = r`
    public static func V_vsplat_R(_ r: Int32) -> Vector {
        Vector(words: SIMD32(repeating: r))
    }

    /// `h[i] = low halfword of r`
    public static func Vh_vsplat_R(_ r: Int32) -> Vector {
        Vector(Int16.self) { _ in Int16(truncatingIfNeeded: r) }
    }

    /// `b[i] = low byte of r`
    public static func Vb_vsplat_R(_ r: Int32) -> Vector {
        Vector(UInt8.self) { _ in UInt8(truncatingIfNeeded: r) }
    }
}
