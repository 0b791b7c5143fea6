// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Shifts of each lane by an amount of its own.
extension Q6 {
    /// `h[i] = s >= 0 ? u.h[i] << s : u.h[i] >> -s`, where s is the signed number in the low 5 bits of `v.h[i]`.
    public static func Vh_vasl_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[h: i] << signedAmount(v[h: i]) }
    }

    /// `h[i] = s >= 0 ? u.h[i] >> s : u.h[i] << -s`, where s is the signed number in the low 5 bits of `v.h[i]`.
    public static func Vh_vasr_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[h: i] >> signedAmount(v[h: i]) }
    }

    /// `uh[i] = s >= 0 ? u.uh[i] >> s : u.uh[i] << -s`, where s is the signed number in the low 5 bits of `v.h[i]`.
    public static func Vh_vlsr_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[uh: i] >> signedAmount(v[h: i]) }
    }

    /// `w[i] = s >= 0 ? u.w[i] << s : u.w[i] >> -s`, where s is the signed number in the low 6 bits of `v.w[i]`.
    public static func Vw_vasl_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] << signedAmount(v[w: i]) }
    }

    /// `w[i] = s >= 0 ? u.w[i] >> s : u.w[i] << -s`, where s is the signed number in the low 6 bits of `v.w[i]`.
    public static func Vw_vasr_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] >> signedAmount(v[w: i]) }
    }

    /// `uw[i] = s >= 0 ? u.uw[i] >> s : u.uw[i] << -s`, where s is the signed number in the low 6 bits of `v.w[i]`.
    public static func Vw_vlsr_VwVw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[uw: i] >> signedAmount(v[w: i]) }
    }

    /// `uw[i]` = `u.uw[i]` rotated right by `v.uw[i] & 31`
    public static func Vuw_vrotr_VuwVuw(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i -> UInt32 in
            let (value, amount) = (u[uw: i], v[uw: i] & 31)
            return value &>> amount | value &<< (32 &- amount)
        }
    }

    /// The words of x.low move, joined with those of u, by s, the signed number in the low 7 bits of `v.w[i]`.
    ///
    /// `wide = u.w[i] << 32, fill = x.low.w[i] << 32 | x.low.uw[i]`;
    /// s >= 0: `wide >> s | fill & (0xffffffff >> s)`; s < 0: `wide << -s | fill & (0xffffffff << -s)`; s = -64: 0.
    /// The high half of that goes to `high.w[i]`, the low half to `low.w[i]`.
    public static func Ww_vasrinto_WwVwVw(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        VectorPair(
            low: lanes(x.low, u, v) { x, u, v, i in
                Int32(truncatingIfNeeded: shiftedInto(x[w: i], u[w: i], v[w: i]))
            },
            high: lanes(x.low, u, v) { x, u, v, i in
                Int32(truncatingIfNeeded: shiftedInto(x[w: i], u[w: i], v[w: i]) >> 32)
            }
        )
    }

    /// The signed number in the low 5 bits of a halfword, -16...15, or in the low 6 of a word, -32...31. Swift's `<<` and
    /// `>>` take negative amounts the other way and go beyond the width of a lane as the hardware does.
    @inline(__always)
    private static func signedAmount<Lane: FixedWidthInteger>(_ amount: Lane) -> Lane {
        let unused = Lane(truncatingIfNeeded: Lane.bitWidth - Lane.bitWidth.trailingZeroBitCount - 1)
        return (amount &<< unused) &>> unused
    }

    /// A pair of words as `vasrinto` moves it.
    @inline(__always)
    private static func shiftedInto(_ x: Int32, _ u: Int32, _ v: Int32) -> Int64 {
        let amount = (v << 25) >> 25
        guard amount > -64 else { return 0 }
        let wide = Int64(u) << 32
        let fill = Int64(x) << 32 | Int64(UInt32(bitPattern: x))
        return wide >> amount | fill & (0xffff_ffff >> amount)
    }
}
