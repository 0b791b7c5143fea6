// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Narrowing without an amount: rounding to the upper half of a lane, and saturation.
extension Q6 {
    /// `b[2i] = sat((v.h[i] + 0x80) >> 8), b[2i+1] = sat((u.h[i] + 0x80) >> 8)`
    public static func Vb_vround_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int16) in Int8(clamping: (Int32(x) &+ 0x80) >> 8) }
    }

    /// `ub[2i] = sat((v.h[i] + 0x80) >> 8), ub[2i+1] = sat((u.h[i] + 0x80) >> 8)`
    public static func Vub_vround_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int16) in UInt8(clamping: (Int32(x) &+ 0x80) >> 8) }
    }

    /// `ub[2i] = sat((v.uh[i] + 0x80) >> 8), ub[2i+1] = sat((u.uh[i] + 0x80) >> 8)`
    public static func Vub_vround_VuhVuh_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt16) in UInt8(clamping: (Int32(x) &+ 0x80) >> 8) }
    }

    /// `h[2i] = sat((v.w[i] + 0x8000) >> 16), h[2i+1] = sat((u.w[i] + 0x8000) >> 16)`
    public static func Vh_vround_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int32) in Int16(clamping: (Int64(x) &+ 0x8000) >> 16) }
    }

    /// `uh[2i] = sat((v.w[i] + 0x8000) >> 16), uh[2i+1] = sat((u.w[i] + 0x8000) >> 16)`
    public static func Vuh_vround_VwVw_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int32) in UInt16(clamping: (Int64(x) &+ 0x8000) >> 16) }
    }

    /// `uh[2i] = sat((v.uw[i] + 0x8000) >> 16), uh[2i+1] = sat((u.uw[i] + 0x8000) >> 16)`
    public static func Vuh_vround_VuwVuw_sat(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt32) in UInt16(clamping: (Int64(x) &+ 0x8000) >> 16) }
    }

    /// `ub[2i] = sat(v.h[i]), ub[2i+1] = sat(u.h[i])`
    public static func Vub_vsat_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int16) in UInt8(clamping: x) }
    }

    /// `h[2i] = sat(v.w[i]), h[2i+1] = sat(u.w[i])`
    public static func Vh_vsat_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: Int32) in Int16(clamping: x) }
    }

    /// `uh[2i] = sat(v.uw[i]), uh[2i+1] = sat(u.uw[i])`
    public static func Vuh_vsat_VuwVuw(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt32) in UInt16(clamping: x) }
    }

    /// `w[i] = sat(u.w[i] << 32 | v.uw[i])`: 64 bits become 32.
    public static func Vw_vsatdw_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(clamping: Int64(u[w: i]) << 32 | Int64(v[uw: i])) }
    }
}
