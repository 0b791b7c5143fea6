// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Three taps over a pair: two with weights of the scalar, the third with 1.
extension Q6 {
    /// `low.h[i] = u.low.ub[2i] * r.b[2i & 3] + u.low.ub[2i+1] * r.b[(2i+1) & 3] + u.high.ub[2i]`,
    /// `high.h[i] = u.low.ub[2i+1] * r.b[2i & 3] + u.high.ub[2i] * r.b[(2i+1) & 3] + u.high.ub[2i+1]`; wraps at 16 bits
    public static func Wh_vtmpy_WubRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        let r = V_vsplat_R(r)
        return VectorPair(
            low: lanes(u.low, u.high, r) { a, b, r, i -> Int16 in
                let first = product(a[ub: 2 &* i], r[b: 2 &* i])
                let second = product(a[ub: 2 &* i &+ 1], r[b: 2 &* i &+ 1])
                return Int16(truncatingIfNeeded: first &+ second &+ Int32(b[ub: 2 &* i]))
            },
            high: lanes(u.low, u.high, r) { a, b, r, i -> Int16 in
                let first = product(a[ub: 2 &* i &+ 1], r[b: 2 &* i])
                let second = product(b[ub: 2 &* i], r[b: 2 &* i &+ 1])
                return Int16(truncatingIfNeeded: first &+ second &+ Int32(b[ub: 2 &* i &+ 1]))
            }
        )
    }

    /// As ``Wh_vtmpy_WubRb(_:_:)``, added to x.
    public static func Wh_vtmpyacc_WhWubRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vtmpy_WubRb(u, r))
    }

    /// `low.h[i] = u.low.b[2i] * r.b[2i & 3] + u.low.b[2i+1] * r.b[(2i+1) & 3] + u.high.b[2i]`,
    /// `high.h[i] = u.low.b[2i+1] * r.b[2i & 3] + u.high.b[2i] * r.b[(2i+1) & 3] + u.high.b[2i+1]`; wraps at 16 bits
    public static func Wh_vtmpy_WbRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        let r = V_vsplat_R(r)
        return VectorPair(
            low: lanes(u.low, u.high, r) { a, b, r, i -> Int16 in
                let first = product(a[b: 2 &* i], r[b: 2 &* i])
                let second = product(a[b: 2 &* i &+ 1], r[b: 2 &* i &+ 1])
                return Int16(truncatingIfNeeded: first &+ second &+ Int32(b[b: 2 &* i]))
            },
            high: lanes(u.low, u.high, r) { a, b, r, i -> Int16 in
                let first = product(a[b: 2 &* i &+ 1], r[b: 2 &* i])
                let second = product(b[b: 2 &* i], r[b: 2 &* i &+ 1])
                return Int16(truncatingIfNeeded: first &+ second &+ Int32(b[b: 2 &* i &+ 1]))
            }
        )
    }

    /// As ``Wh_vtmpy_WbRb(_:_:)``, added to x.
    public static func Wh_vtmpyacc_WhWbRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vtmpy_WbRb(u, r))
    }

    /// `low.w[i] = u.low.h[2i] * r.b[2i & 3] + u.low.h[2i+1] * r.b[(2i+1) & 3] + u.high.h[2i]`,
    /// `high.w[i] = u.low.h[2i+1] * r.b[2i & 3] + u.high.h[2i] * r.b[(2i+1) & 3] + u.high.h[2i+1]`
    public static func Ww_vtmpy_WhRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        let r = V_vsplat_R(r)
        return VectorPair(
            low: lanes(u.low, u.high, r) { a, b, r, i -> Int32 in
                let first = product(a[h: 2 &* i], r[b: 2 &* i])
                let second = product(a[h: 2 &* i &+ 1], r[b: 2 &* i &+ 1])
                return Int32(truncatingIfNeeded: first &+ second &+ Int32(b[h: 2 &* i]))
            },
            high: lanes(u.low, u.high, r) { a, b, r, i -> Int32 in
                let first = product(a[h: 2 &* i &+ 1], r[b: 2 &* i])
                let second = product(b[h: 2 &* i], r[b: 2 &* i &+ 1])
                return Int32(truncatingIfNeeded: first &+ second &+ Int32(b[h: 2 &* i &+ 1]))
            }
        )
    }

    /// As ``Ww_vtmpy_WhRb(_:_:)``, added to x.
    public static func Ww_vtmpyacc_WwWhRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vtmpy_WhRb(u, r))
    }
}
