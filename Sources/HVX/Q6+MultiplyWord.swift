// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Words times halfwords, of which the upper bits stay: fixed-point scaling.
extension Q6 {
    /// `w[i] = (u.w[i] * v.uh[2i]) >> 16`
    public static func Vw_vmpye_VwVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in Int32(truncatingIfNeeded: longProduct(u[w: i], v[uh: 2 &* i]) >> 16) }
    }

    /// `w[i] = sat((u.w[i] * v.h[2i+1]) >> 15)`
    public static func Vw_vmpyo_VwVh_s1_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vw_vmpyoacc_VwVwVh_s1_sat_shift(V_vzero(), u, v)
    }

    /// `w[i] = sat((((u.w[i] * v.h[2i+1]) >> 14) + 1) >> 1)`
    public static func Vw_vmpyo_VwVh_s1_rnd_sat(_ u: Vector, _ v: Vector) -> Vector {
        Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(V_vzero(), u, v)
    }

    /// `w[i] = sat((x.w[i] + u.w[i] * v.h[2i+1]) >> 15)`
    public static func Vw_vmpyoacc_VwVwVh_s1_sat_shift(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        lanes(x, u, v) { x, u, v, i in
            Int32(clamping: (Int64(x[w: i]) &+ longProduct(u[w: i], v[h: 2 &* i &+ 1])) >> 15)
        }
    }

    /// `w[i] = sat((((x.w[i] + u.w[i] * v.h[2i+1]) >> 14) + 1) >> 1)`
    ///
    /// After `vmpye` of the same arguments this is `sat((u.w[i] * v.w[i] + 2^30) >> 31)`.
    public static func Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        lanes(x, u, v) { x, u, v, i in
            Int32(clamping: ((Int64(x[w: i]) &+ longProduct(u[w: i], v[h: 2 &* i &+ 1])) >> 14 &+ 1) >> 1)
        }
    }
}

/// Words times words in two steps, with all 64 bits.
extension Q6 {
    /// With `t = u.w[i] * v.uh[2i]` in 48 bits: `high.w[i] = t >> 16, low.w[i] = low 32 bits of t << 16`.
    ///
    /// ``W_vmpyoacc_WVwVh(_:_:_:)`` makes of it the full product.
    public static func W_vmpye_VwVuh(_ u: Vector, _ v: Vector) -> VectorPair {
        VectorPair(
            low: lanes(u, v) { u, v, i in Int32(truncatingIfNeeded: longProduct(u[w: i], v[uh: 2 &* i]) << 16) },
            high: Vw_vmpye_VwVuh(u, v)
        )
    }

    /// With `t = u.w[i] * v.h[2i+1] + x.high.w[i]`: `high.w[i] = t >> 16`, `low.w[i] = x.low.uw[i] >> 16 | low 32 bits of t << 16`.
    ///
    /// After ``W_vmpye_VwVuh(_:_:)`` of the same arguments, high and low are the 64 bits of `u.w[i] * v.w[i]`.
    public static func W_vmpyoacc_WVwVh(_ x: VectorPair, _ u: Vector, _ v: Vector) -> VectorPair {
        let upper = lanes(x.high, u, v) { x, u, v, i in
            Int32(truncatingIfNeeded: (longProduct(u[w: i], v[h: 2 &* i &+ 1]) &+ Int64(x[w: i])) >> 16)
        }
        let middle = lanes(x.high, u, v) { x, u, v, i in u[w: i] &* Int32(v[h: 2 &* i &+ 1]) &+ x[w: i] }
        return VectorPair(
            low: lanes(x.low, middle) { low, middle, i in low[uw: i] >> 16 | middle[uw: i] << 16 },
            high: upper
        )
    }
}

/// Words times halfwords, of which the low 32 bits stay.
extension Q6 {
    /// `w[i] = low 32 bits of u.w[i] * v.uh[2i]`
    public static func Vw_vmpyie_VwVuh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] &* Int32(v[uh: 2 &* i]) }
    }

    /// `w[i] = low 32 bits of u.w[i] * v.h[2i+1]`
    public static func Vw_vmpyio_VwVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in u[w: i] &* Int32(v[h: 2 &* i &+ 1]) }
    }

    /// `w[i] = low 32 bits of x.w[i] + u.w[i] * v.h[2i]`
    public static func Vw_vmpyieacc_VwVwVh(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        lanes(x, u, v) { x, u, v, i in x[w: i] &+ u[w: i] &* Int32(v[h: 2 &* i]) }
    }

    /// `w[i] = low 32 bits of x.w[i] + u.w[i] * v.uh[2i]`
    public static func Vw_vmpyieacc_VwVwVuh(_ x: Vector, _ u: Vector, _ v: Vector) -> Vector {
        Vw_vadd_VwVw(x, Vw_vmpyie_VwVuh(u, v))
    }

    /// `w[i] = low 32 bits of (u.h[2i] * v.h[2i+1]) << 16`
    public static func Vw_vmpyieo_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i in product(u[h: 2 &* i], v[h: 2 &* i &+ 1]) << 16 }
    }
}
