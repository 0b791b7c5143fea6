// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

extension Q6 {
    /// `w[i] = Σj<4 u.ub[4i+j] * v.b[4i+j]`
    public static func Vw_vrmpy_VubVb(_ u: Vector, _ v: Vector) -> Vector {
        Vw_vrmpyacc_VwVubVb(Vector(), u, v)
    }

    /// `w[i] = x.w[i] + Σj<4 u.ub[4i+j] * v.b[4i+j]`; wraps, never saturates.
    public static func Vw_vrmpyacc_VwVubVb(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { lane in
            let (a, b) = (u[uw: lane], v[uw: lane])
            var sum = x[w: lane]
            for shift: UInt32 in [0, 8, 16, 24] {
                sum &+= Int32(UInt8(truncatingIfNeeded: a &>> shift)) &* Int32(Int8(truncatingIfNeeded: b &>> shift))
            }
            return sum
        }
    }

    /// `uw[i] = Σj<4 u.ub[4i+j] * v.ub[4i+j]`
    public static func Vuw_vrmpy_VubVub(_ u: Vector, _ v: Vector) -> Vector {
        Vuw_vrmpyacc_VuwVubVub(Vector(), u, v)
    }

    /// `uw[i] = x.uw[i] + Σj<4 u.ub[4i+j] * v.ub[4i+j]`; wraps, never saturates.
    public static func Vuw_vrmpyacc_VuwVubVub(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vector(UInt32.self) { lane in
            let (a, b) = (u[uw: lane], v[uw: lane])
            var sum = x[uw: lane]
            for shift: UInt32 in [0, 8, 16, 24] {
                sum &+= ((a &>> shift) & 255) &* ((b &>> shift) & 255)
            }
            return sum
        }
    }

    /// `w[i] = Σj<4 u.b[4i+j] * v.b[4i+j]`
    public static func Vw_vrmpy_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        Vw_vrmpyacc_VwVbVb(Vector(), u, v)
    }

    /// `w[i] = x.w[i] + Σj<4 u.b[4i+j] * v.b[4i+j]`; wraps, never saturates.
    public static func Vw_vrmpyacc_VwVbVb(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vector(Int32.self) { lane in
            let (a, b) = (u[uw: lane], v[uw: lane])
            var sum = x[w: lane]
            for shift: UInt32 in [0, 8, 16, 24] {
                sum &+= Int32(Int8(truncatingIfNeeded: a &>> shift)) &* Int32(Int8(truncatingIfNeeded: b &>> shift))
            }
            return sum
        }
    }
}
