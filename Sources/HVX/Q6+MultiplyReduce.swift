// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Four products of bytes in each word, added: the instruction that int8 networks live on.
extension Q6 {
    /// `w[i] = Σj<4 u.ub[4i+j] * v.b[4i+j]`
    public static func Vw_vrmpy_VubVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i -> Int32 in
            let first = product(u[ub: 4 &* i], v[b: 4 &* i]) &+ product(u[ub: 4 &* i &+ 1], v[b: 4 &* i &+ 1])
            let last = product(u[ub: 4 &* i &+ 2], v[b: 4 &* i &+ 2]) &+ product(u[ub: 4 &* i &+ 3], v[b: 4 &* i &+ 3])
            return Int32(truncatingIfNeeded: first &+ last)
        }
    }

    /// `w[i] = Σj<4 u.b[4i+j] * v.b[4i+j]`
    public static func Vw_vrmpy_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i -> Int32 in
            let first = product(u[b: 4 &* i], v[b: 4 &* i]) &+ product(u[b: 4 &* i &+ 1], v[b: 4 &* i &+ 1])
            let last = product(u[b: 4 &* i &+ 2], v[b: 4 &* i &+ 2]) &+ product(u[b: 4 &* i &+ 3], v[b: 4 &* i &+ 3])
            return Int32(truncatingIfNeeded: first &+ last)
        }
    }

    /// `uw[i] = Σj<4 u.ub[4i+j] * v.ub[4i+j]`
    public static func Vuw_vrmpy_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i -> UInt32 in
            let first = product(u[ub: 4 &* i], v[ub: 4 &* i]) &+ product(u[ub: 4 &* i &+ 1], v[ub: 4 &* i &+ 1])
            let last =
                product(u[ub: 4 &* i &+ 2], v[ub: 4 &* i &+ 2]) &+ product(u[ub: 4 &* i &+ 3], v[ub: 4 &* i &+ 3])
            return UInt32(truncatingIfNeeded: first &+ last)
        }
    }

    /// `w[i] = x.w[i] + Σj<4 u.ub[4i+j] * v.b[4i+j]`; wraps, never saturates.
    public static func Vw_vrmpyacc_VwVubVb(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vw_vadd_VwVw(x, Vw_vrmpy_VubVb(u, v))
    }

    /// `w[i] = x.w[i] + Σj<4 u.b[4i+j] * v.b[4i+j]`; wraps, never saturates.
    public static func Vw_vrmpyacc_VwVbVb(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vw_vadd_VwVw(x, Vw_vrmpy_VbVb(u, v))
    }

    /// `uw[i] = x.uw[i] + Σj<4 u.ub[4i+j] * v.ub[4i+j]`; wraps, never saturates.
    public static func Vuw_vrmpyacc_VuwVubVub(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vw_vadd_VwVw(x, Vuw_vrmpy_VubVub(u, v))
    }
}

/// The same four bytes of a scalar in each word.
extension Q6 {
    /// `w[i] = Σj<4 u.ub[4i+j] * r.b[j]`
    public static func Vw_vrmpy_VubRb(_ u: Vector, _ r: Int32) -> Vector {
        Vw_vrmpy_VubVb(u, V_vsplat_R(r))
    }

    /// `uw[i] = Σj<4 u.ub[4i+j] * r.ub[j]`
    public static func Vuw_vrmpy_VubRub(_ u: Vector, _ r: Int32) -> Vector {
        Vuw_vrmpy_VubVub(u, V_vsplat_R(r))
    }

    /// `w[i] = x.w[i] + Σj<4 u.ub[4i+j] * r.b[j]`; wraps, never saturates.
    public static func Vw_vrmpyacc_VwVubRb(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vrmpy_VubRb(u, r))
    }

    /// `uw[i] = x.uw[i] + Σj<4 u.ub[4i+j] * r.ub[j]`; wraps, never saturates.
    public static func Vuw_vrmpyacc_VuwVubRub(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vuw_vrmpy_VubRub(u, r))
    }
}
