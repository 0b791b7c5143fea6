// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Between scalar registers and vector registers.
extension Q6 {
    /// `w[i] = r`
    public static func V_vsplat_R(_ r: Int32) -> Vector { Vector(words: SIMD32(repeating: r)) }

    /// `h[i] = low halfword of r`
    public static func Vh_vsplat_R(_ r: Int32) -> Vector {
        V_vsplat_R(Int32(bitPattern: UInt32(UInt16(truncatingIfNeeded: r)) &* 0x0001_0001))
    }

    /// `b[i] = low byte of r`
    public static func Vb_vsplat_R(_ r: Int32) -> Vector {
        V_vsplat_R(Int32(bitPattern: UInt32(UInt8(truncatingIfNeeded: r)) &* 0x0101_0101))
    }

    /// `w[0] = r`; the other words are those of x.
    public static func Vw_vinsert_VwR(_ x: Vector, _ r: Int32) -> Vector {
        var words = x.words
        words[0] = r
        return Vector(words: words)
    }

    /// `u.w[(r & 127) >> 2]`: the word at a byte offset.
    public static func R_vextract_VR(_ u: Vector, _ r: Int32) -> Int32 { u.words[Int(r & 127) >> 2] }
}
