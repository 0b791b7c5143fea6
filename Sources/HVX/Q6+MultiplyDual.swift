// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Two products in each lane, added, that wrap.
extension Q6 {
    /// `h[i] = u.ub[2i] * r.b[2i & 3] + u.ub[2i+1] * r.b[(2i+1) & 3]`; wraps at 16 bits.
    public static func Vh_vdmpy_VubRb(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u, V_vsplat_R(r)) { u, r, i in
            Int16(truncatingIfNeeded: twoProducts(u[ub: 2 &* i], r[b: 2 &* i], u[ub: 2 &* i &+ 1], r[b: 2 &* i &+ 1]))
        }
    }

    /// `h[i] = x.h[i] + u.ub[2i] * r.b[2i & 3] + u.ub[2i+1] * r.b[(2i+1) & 3]`; wraps at 16 bits.
    public static func Vh_vdmpyacc_VhVubRb(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vh_vadd_VhVh(x, Vh_vdmpy_VubRb(u, r))
    }

    /// `low.h[i] = u.low.ub[2i] * r.b[2i & 3] + u.low.ub[2i+1] * r.b[(2i+1) & 3]`,
    /// `high.h[i] = u.low.ub[2i+1] * r.b[2i & 3] + u.high.ub[2i] * r.b[(2i+1) & 3]`; wraps at 16 bits.
    public static func Wh_vdmpy_WubRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        VectorPair(
            low: Vh_vdmpy_VubRb(u.low, r),
            high: lanes(u.low, u.high, V_vsplat_R(r)) { a, b, r, i in
                Int16(
                    truncatingIfNeeded: twoProducts(a[ub: 2 &* i &+ 1], r[b: 2 &* i], b[ub: 2 &* i], r[b: 2 &* i &+ 1])
                )
            }
        )
    }

    /// As ``Wh_vdmpy_WubRb(_:_:)``, added to x.
    public static func Wh_vdmpyacc_WhWubRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Wh_vadd_WhWh(x, Wh_vdmpy_WubRb(u, r))
    }

    /// `w[i] = u.h[2i] * r.b[2i & 3] + u.h[2i+1] * r.b[(2i+1) & 3]`
    public static func Vw_vdmpy_VhRb(_ u: Vector, _ r: Int32) -> Vector {
        lanes(u, V_vsplat_R(r)) { u, r, i in
            twoProducts(u[h: 2 &* i], r[b: 2 &* i], u[h: 2 &* i &+ 1], r[b: 2 &* i &+ 1])
        }
    }

    /// `w[i] = x.w[i] + u.h[2i] * r.b[2i & 3] + u.h[2i+1] * r.b[(2i+1) & 3]`
    public static func Vw_vdmpyacc_VwVhRb(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vadd_VwVw(x, Vw_vdmpy_VhRb(u, r))
    }

    /// `low.w[i] = u.low.h[2i] * r.b[2i & 3] + u.low.h[2i+1] * r.b[(2i+1) & 3]`,
    /// `high.w[i] = u.low.h[2i+1] * r.b[2i & 3] + u.high.h[2i] * r.b[(2i+1) & 3]`
    public static func Ww_vdmpy_WhRb(_ u: VectorPair, _ r: Int32) -> VectorPair {
        VectorPair(
            low: Vw_vdmpy_VhRb(u.low, r),
            high: lanes(u.low, u.high, V_vsplat_R(r)) { a, b, r, i in
                twoProducts(a[h: 2 &* i &+ 1], r[b: 2 &* i], b[h: 2 &* i], r[b: 2 &* i &+ 1])
            }
        )
    }

    /// As ``Ww_vdmpy_WhRb(_:_:)``, added to x.
    public static func Ww_vdmpyacc_WwWhRb(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vdmpy_WhRb(u, r))
    }

    /// `a * b + c * d`
    @inline(__always)
    private static func twoProducts<A: FixedWidthInteger, B: FixedWidthInteger>(_ a: A, _ b: B, _ c: A, _ d: B) -> Int32
    {
        product(a, b) &+ product(c, d)
    }
}

/// Two products of halfwords in each word, added, that saturate. The sum is taken in 64 bits.
extension Q6 {
    /// `w[i] = sat(u.h[2i] * v.h[2i] + u.h[2i+1] * v.h[2i+1])`
    public static func Vw_vdmpy_VhVh_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vw_vdmpyacc_VwVhVh_sat(V_vzero(), u, v)
    }

    /// `w[i] = sat(x.w[i] + u.h[2i] * v.h[2i] + u.h[2i+1] * v.h[2i+1])`
    public static func Vw_vdmpyacc_VwVhVh_sat(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        lanes(x, u, v) { x, u, v, i -> Int32 in
            let even = longProduct(u[h: 2 &* i], v[h: 2 &* i])
            let odd = longProduct(u[h: 2 &* i &+ 1], v[h: 2 &* i &+ 1])
            return Int32(clamping: Int64(x[w: i]) &+ even &+ odd)
        }
    }

    /// `w[i] = sat(u.h[2i] * r.h[0] + u.h[2i+1] * r.h[1])`
    public static func Vw_vdmpy_VhRh_sat(_ u: Vector, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwVhRh_sat(V_vzero(), u, r)
    }

    /// `w[i] = sat(x.w[i] + u.h[2i] * r.h[0] + u.h[2i+1] * r.h[1])`
    public static func Vw_vdmpyacc_VwVhRh_sat(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwVhVh_sat(x, u, V_vsplat_R(r))
    }

    /// `w[i] = sat(u.h[2i] * r.uh[0] + u.h[2i+1] * r.uh[1])`
    public static func Vw_vdmpy_VhRuh_sat(_ u: Vector, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwVhRuh_sat(V_vzero(), u, r)
    }

    /// `w[i] = sat(x.w[i] + u.h[2i] * r.uh[0] + u.h[2i+1] * r.uh[1])`
    public static func Vw_vdmpyacc_VwVhRuh_sat(_ x: Vector, _ u: Vector, _ r: Int32) -> Vector {
        lanes(x, u, V_vsplat_R(r)) { x, u, r, i -> Int32 in
            let even = longProduct(u[h: 2 &* i], r[uh: 2 &* i])
            let odd = longProduct(u[h: 2 &* i &+ 1], r[uh: 2 &* i &+ 1])
            return Int32(clamping: Int64(x[w: i]) &+ even &+ odd)
        }
    }

    /// `w[i] = sat(u.low.h[2i+1] * r.h[0] + u.high.h[2i] * r.h[1])`
    public static func Vw_vdmpy_WhRh_sat(_ u: VectorPair, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwWhRh_sat(V_vzero(), u, r)
    }

    /// `w[i] = sat(x.w[i] + u.low.h[2i+1] * r.h[0] + u.high.h[2i] * r.h[1])`
    public static func Vw_vdmpyacc_VwWhRh_sat(_ x: Vector, _ u: VectorPair, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwVhRh_sat(x, slid(u), r)
    }

    /// `w[i] = sat(u.low.h[2i+1] * r.uh[0] + u.high.h[2i] * r.uh[1])`
    public static func Vw_vdmpy_WhRuh_sat(_ u: VectorPair, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwWhRuh_sat(V_vzero(), u, r)
    }

    /// `w[i] = sat(x.w[i] + u.low.h[2i+1] * r.uh[0] + u.high.h[2i] * r.uh[1])`
    public static func Vw_vdmpyacc_VwWhRuh_sat(_ x: Vector, _ u: VectorPair, _ r: Int32) -> Vector {
        Vw_vdmpyacc_VwVhRuh_sat(x, slid(u), r)
    }

    /// `h[2i] = u.low.h[2i+1], h[2i+1] = u.high.h[2i]`: the halfwords of a pair, one place further.
    private static func slid(_ u: VectorPair) -> Vector {
        lanes(u.low, u.high) { a, b, i in a[uw: i] >> 16 | b[uw: i] << 16 }
    }
}
