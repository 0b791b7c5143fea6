// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Table lookup, bytes. A register of the table holds four blocks of 32 entries: two in the even bytes, two in the odd.
/// The scalar names a block of the whole table of 256 entries: its bit 1 chooses the odd bytes, and its bit 0, with the
/// index, the half of the register.
extension Q6 {
    /// `b[k] = u.ub[k] >> 5 == m ? v.b[2 * (u.ub[k] & 63) + o] : 0`, m = `r & 7`, o = bit 1 of r
    public static func Vb_vlut32_VbVbR(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let (block, odd) = (UInt8(r & 7), Int(r >> 1 & 1))
        return lanes(u, v) { u, v, k in u[ub: k] >> 5 == block ? v[b: 2 &* Int(u[ub: k] & 63) &+ odd] : 0 }
    }

    /// ``Vb_vlut32_VbVbR(_:_:_:)`` with an immediate of 0...7.
    public static func Vb_vlut32_VbVbI(_ u: Vector, _ v: Vector, _ i: Int32) -> Vector {
        Vb_vlut32_VbVbR(u, v, i & 7)
    }

    /// `b[k] = x.b[k] | (u.ub[k] >> 5 == m ? v.b[2 * (u.ub[k] & 63) + o] : 0)`, m = `r & 7`, o = bit 1 of r
    public static func Vb_vlut32or_VbVbVbR(_ x: Vector, _ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        V_vor_VV(x, Vb_vlut32_VbVbR(u, v, r))
    }

    /// ``Vb_vlut32or_VbVbVbR(_:_:_:_:)`` with an immediate of 0...7.
    public static func Vb_vlut32or_VbVbVbI(_ x: Vector, _ u: Vector, _ v: Vector, _ i: Int32) -> Vector {
        Vb_vlut32or_VbVbVbR(x, u, v, i & 7)
    }

    /// `b[k] = v.b[2 * (j & 63) + o]`, j = `u.ub[k] & 31 | m << 5`, m = `r & 7`, o = bit 1 of r: the block is always hit.
    public static func Vb_vlut32_VbVbR_nomatch(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let (block, odd) = (Int(r & 1) << 5, Int(r >> 1 & 1))
        return lanes(u, v) { u, v, k in v[b: 2 &* (Int(u[ub: k] & 31) | block) &+ odd] }
    }
}

/// Table lookup, halfwords: blocks of 16 entries. Even indices give the low register, odd ones the high.
extension Q6 {
    /// `h(k) = u.ub[k] >> 4 == m ? v.h[2 * (u.ub[k] & 31) + o] : 0`, m = `r & 15`, o = bit 1 of r;
    /// `low.h[i] = h(2i), high.h[i] = h(2i+1)`
    public static func Wh_vlut16_VbVhR(_ u: Vector, _ v: Vector, _ r: Int32) -> VectorPair {
        let (block, odd) = (UInt8(r & 15), Int(r >> 1 & 1))
        return widened(u, v) { u, v, k in u[ub: k] >> 4 == block ? v[h: 2 &* Int(u[ub: k] & 31) &+ odd] : 0 }
    }

    /// ``Wh_vlut16_VbVhR(_:_:_:)`` with an immediate of 0...7.
    public static func Wh_vlut16_VbVhI(_ u: Vector, _ v: Vector, _ i: Int32) -> VectorPair {
        Wh_vlut16_VbVhR(u, v, i & 7)
    }

    /// `low.h[i] = x.low.h[i] | h(2i), high.h[i] = x.high.h[i] | h(2i+1)`, h as in ``Wh_vlut16_VbVhR(_:_:_:)``
    public static func Wh_vlut16or_WhVbVhR(_ x: VectorPair, _ u: Vector, _ v: Vector, _ r: Int32) -> VectorPair {
        each(x, Wh_vlut16_VbVhR(u, v, r), V_vor_VV)
    }

    /// ``Wh_vlut16or_WhVbVhR(_:_:_:_:)`` with an immediate of 0...7.
    public static func Wh_vlut16or_WhVbVhI(_ x: VectorPair, _ u: Vector, _ v: Vector, _ i: Int32) -> VectorPair {
        Wh_vlut16or_WhVbVhR(x, u, v, i & 7)
    }

    /// `h(k) = v.h[2 * (j & 31) + o]`, j = `u.ub[k] & 15 | m << 4`, m = `r & 15`, o = bit 1 of r: always hit;
    /// `low.h[i] = h(2i), high.h[i] = h(2i+1)`
    public static func Wh_vlut16_VbVhR_nomatch(_ u: Vector, _ v: Vector, _ r: Int32) -> VectorPair {
        let (block, odd) = (Int(r & 1) << 4, Int(r >> 1 & 1))
        return widened(u, v) { u, v, k in v[h: 2 &* (Int(u[ub: k] & 15) | block) &+ odd] }
    }
}

/// Piecewise linear functions: the upper two bits of a lane of u choose one of four halfwords of p.
extension Q6 {
    /// `h[i] = p.h[u.uh[i] >> 14]`
    public static func Vh_vlut4_VuhPh(_ u: Vector, _ p: Int64) -> Vector {
        lanes(u) { u, i in Int16(truncatingIfNeeded: chosen(u[uh: i], p)) }
    }

    /// `h[i] = sat((2 * x.h[i] * u.h[i] + (p.h[u.uh[i] >> 14] << 15)) >> 16)`
    public static func Vh_vmpa_VhVhVhPh_sat(_ x: Vector, _ u: Vector, _ p: Int64) -> Vector {
        lanes(x, u) { x, u, i -> Int16 in
            let offset = Int64(Int16(truncatingIfNeeded: chosen(u[uh: i], p))) << 15
            return Int16(clamping: (2 &* longProduct(x[h: i], u[h: i]) &+ offset) >> 16)
        }
    }

    /// `h[i] = sat((x.h[i] * u.uh[i] + (p.uh[u.uh[i] >> 14] << 15)) >> 16)`
    public static func Vh_vmpa_VhVhVuhPuh_sat(_ x: Vector, _ u: Vector, _ p: Int64) -> Vector {
        lanes(x, u) { x, u, i -> Int16 in
            let offset = Int64(UInt16(truncatingIfNeeded: chosen(u[uh: i], p))) << 15
            return Int16(clamping: (longProduct(x[h: i], u[uh: i]) &+ offset) >> 16)
        }
    }

    /// `h[i] = sat((x.h[i] * u.uh[i] - (p.uh[u.uh[i] >> 14] << 15)) >> 16)`
    public static func Vh_vmps_VhVhVuhPuh_sat(_ x: Vector, _ u: Vector, _ p: Int64) -> Vector {
        lanes(x, u) { x, u, i -> Int16 in
            let offset = Int64(UInt16(truncatingIfNeeded: chosen(u[uh: i], p))) << 15
            return Int16(clamping: (longProduct(x[h: i], u[uh: i]) &- offset) >> 16)
        }
    }

    /// The halfword of p, in the low bits, that the upper two bits of a lane choose.
    @inline(__always)
    private static func chosen(_ lane: UInt16, _ p: Int64) -> Int64 { p >> Int64(16 * (lane >> 14)) }
}
