// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// A product out of each register of a pair, added lane by lane.
extension Q6 {
    /// `low.h[i] = u.low.ub[2i] * r.b[0] + u.high.ub[2i] * r.b[1]`,
    /// `high.h[i] = u.low.ub[2i+1] * r.b[2] + u.high.ub[2i+1] * r.b[3]`; wraps at 16 bits
    public static func Wh_vmpa_WubRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        widened(u.low, u.high) { a, b, k -> Int16 in
            let first = product(a[ub: k], r.byte(2 &* k))
            let second = product(b[ub: k], r.byte(2 &* k &+ 1))
            return Int16(truncatingIfNeeded: first &+ second)
        }
    }

    /// As ``Wh_vmpa_WubRb(_:_:)``, added to x.
    public static func Wh_vmpaacc_WhWubRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vmpa_WubRb(u, r))
    }

    /// `low.h[i] = u.low.ub[2i] * r.ub[0] + u.high.ub[2i] * r.ub[1]`,
    /// `high.h[i] = u.low.ub[2i+1] * r.ub[2] + u.high.ub[2i+1] * r.ub[3]`; wraps at 16 bits
    public static func Wh_vmpa_WubRub(_ u: VectorPair, _ r: Int32) -> VectorPair {
        widened(u.low, u.high) { a, b, k -> Int16 in
            let first = product(a[ub: k], UInt8(bitPattern: r.byte(2 &* k)))
            let second = product(b[ub: k], UInt8(bitPattern: r.byte(2 &* k &+ 1)))
            return Int16(truncatingIfNeeded: first &+ second)
        }
    }

    /// As ``Wh_vmpa_WubRub(_:_:)``, added to x.
    public static func Wh_vmpaacc_WhWubRub(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vmpa_WubRub(u, r))
    }

    /// `low.w[i] = u.low.h[2i] * r.b[0] + u.high.h[2i] * r.b[1]`,
    /// `high.w[i] = u.low.h[2i+1] * r.b[2] + u.high.h[2i+1] * r.b[3]`
    public static func Ww_vmpa_WhRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        widened(u.low, u.high) { a, b, k -> Int32 in
            let first = product(a[h: k], r.byte(2 &* k))
            let second = product(b[h: k], r.byte(2 &* k &+ 1))
            return Int32(truncatingIfNeeded: first &+ second)
        }
    }

    /// As ``Ww_vmpa_WhRb(_:_:)``, added to x.
    public static func Ww_vmpaacc_WwWhRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vmpa_WhRb(u, r))
    }

    /// `low.w[i] = u.low.uh[2i] * r.b[0] + u.high.uh[2i] * r.b[1]`,
    /// `high.w[i] = u.low.uh[2i+1] * r.b[2] + u.high.uh[2i+1] * r.b[3]`
    public static func Ww_vmpa_WuhRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        widened(u.low, u.high) { a, b, k -> Int32 in
            let first = product(a[uh: k], r.byte(2 &* k))
            let second = product(b[uh: k], r.byte(2 &* k &+ 1))
            return Int32(truncatingIfNeeded: first &+ second)
        }
    }

    /// As ``Ww_vmpa_WuhRb(_:_:)``, added to x.
    public static func Ww_vmpaacc_WwWuhRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vmpa_WuhRb(u, r))
    }

    /// `low.h[i] = u.low.ub[2i] * v.low.b[2i] + u.high.ub[2i] * v.high.b[2i]`,
    /// `high.h[i] = u.low.ub[2i+1] * v.low.b[2i+1] + u.high.ub[2i+1] * v.high.b[2i+1]`; wraps at 16 bits
    public static func Wh_vmpa_WubWb(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        Wh_vadd_WhWh(Wh_vmpy_VubVb(u.low, v.low), Wh_vmpy_VubVb(u.high, v.high))
    }

    /// `low.h[i] = u.low.ub[2i] * v.low.ub[2i] + u.high.ub[2i] * v.high.ub[2i]`,
    /// `high.h[i] = u.low.ub[2i+1] * v.low.ub[2i+1] + u.high.ub[2i+1] * v.high.ub[2i+1]`; wraps at 16 bits
    public static func Wh_vmpa_WubWub(_ u: VectorPair, _ v: VectorPair) -> VectorPair {
        Wh_vadd_WhWh(Wuh_vmpy_VubVub(u.low, v.low), Wuh_vmpy_VubVub(u.high, v.high))
    }
}
