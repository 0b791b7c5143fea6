// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Reductions over two overlapping windows of a pair.
extension Q6 {
    /// Two windows of four bytes in each word, laid over both registers; `B(j) = r.b[(j - i) & 3]`, i of 0 or 1.
    ///
    /// With a and b the bytes of word k of u.low and u.high, c those of u.high when i = 1, else of u.low:
    /// `low.w[k] = c[0]*B(0) + a[1]*B(1) + a[2]*B(2) + a[3]*B(3)`,
    /// `high.w[k] = b[0]*B(2) + b[1]*B(3) + c[2]*B(0) + a[3]*B(1)`
    public static func Ww_vrmpy_WubRbI(_ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        let (c, weights) = (i & 1 == 1 ? u.high : u.low, rotated(r, i))
        return VectorPair(
            low: Vw_vrmpy_VubRb(window(c, u.low, u.low, u.low), weights),
            high: Vw_vrmpy_VubRb(window(u.high, u.high, c, u.low), swapped(weights))
        )
    }

    /// As ``Ww_vrmpy_WubRbI(_:_:_:)``, added to x.
    public static func Ww_vrmpyacc_WwWubRbI(_ x: VectorPair, _ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Ww_vrmpy_WubRbI(u, r, i))
    }

    /// Two windows of four bytes in each word, laid over both registers; `B(j) = r.ub[(j - i) & 3]`, i of 0 or 1.
    ///
    /// With a and b the bytes of word k of u.low and u.high, c those of u.high when i = 1, else of u.low:
    /// `low.uw[k] = c[0]*B(0) + a[1]*B(1) + a[2]*B(2) + a[3]*B(3)`,
    /// `high.uw[k] = b[0]*B(2) + b[1]*B(3) + c[2]*B(0) + a[3]*B(1)`
    public static func Wuw_vrmpy_WubRubI(_ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        let (c, weights) = (i & 1 == 1 ? u.high : u.low, rotated(r, i))
        return VectorPair(
            low: Vuw_vrmpy_VubRub(window(c, u.low, u.low, u.low), weights),
            high: Vuw_vrmpy_VubRub(window(u.high, u.high, c, u.low), swapped(weights))
        )
    }

    /// As ``Wuw_vrmpy_WubRubI(_:_:_:)``, added to x.
    public static func Wuw_vrmpyacc_WuwWubRubI(_ x: VectorPair, _ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Wuw_vrmpy_WubRubI(u, r, i))
    }
}

/// Sums of absolute differences.
extension Q6 {
    /// Sums of distances over the windows of ``Ww_vrmpy_WubRbI(_:_:_:)``: `|a - B|` in the place of each product.
    public static func Wuw_vrsad_WubRubI(_ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        let (c, weights) = (i & 1 == 1 ? u.high : u.low, rotated(r, i))
        return VectorPair(
            low: distances(window(c, u.low, u.low, u.low), V_vsplat_R(weights)),
            high: distances(window(u.high, u.high, c, u.low), V_vsplat_R(swapped(weights)))
        )
    }

    /// As ``Wuw_vrsad_WubRubI(_:_:_:)``, added to x.
    public static func Wuw_vrsadacc_WuwWubRubI(_ x: VectorPair, _ u: VectorPair, _ r: Int32, _ i: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Wuw_vrsad_WubRubI(u, r, i))
    }

    /// `low.uw[i] = |u.low.uh[2i] - r.uh[0]| + |u.low.uh[2i+1] - r.uh[1]|`,
    /// `high.uw[i] = |u.low.uh[2i+1] - r.uh[0]| + |u.high.uh[2i] - r.uh[1]|`
    public static func Wuw_vdsad_WuhRuh(_ u: VectorPair, _ r: Int32) -> VectorPair {
        let r = V_vsplat_R(r)
        return VectorPair(
            low: lanes(u.low, r) { a, r, i in
                distance(a[uh: 2 &* i], r[uh: 0]) &+ distance(a[uh: 2 &* i &+ 1], r[uh: 1])
            },
            high: lanes(u.low, u.high, r) { a, b, r, i in
                distance(a[uh: 2 &* i &+ 1], r[uh: 0]) &+ distance(b[uh: 2 &* i], r[uh: 1])
            }
        )
    }

    /// As ``Wuw_vdsad_WuhRuh(_:_:)``, added to x.
    public static func Wuw_vdsadacc_WuwWuhRuh(_ x: VectorPair, _ u: VectorPair, _ r: Int32) -> VectorPair {
        Ww_vadd_WwWw(x, Wuw_vdsad_WuhRuh(u, r))
    }

    /// Byte j of each word out of argument j.
    private static func window(_ byte0: Vector, _ byte1: Vector, _ byte2: Vector, _ byte3: Vector) -> Vector {
        let low = lanes(byte0, byte1) { a, b, i in (a[uw: i] & 0xff) | (b[uw: i] & 0xff00) }
        return lanes(low, byte2, byte3) { low, c, d, i in
            low[uw: i] | (c[uw: i] & 0xff_0000) | (d[uw: i] & 0xff00_0000)
        }
    }

    /// The scalar of which byte j is `r.ub[(j - i) & 3]`.
    private static func rotated(_ r: Int32, _ i: Int32) -> Int32 { i & 1 == 1 ? r << 8 | (r >> 24) & 255 : r }

    /// The scalar with its halfwords exchanged: byte j is `r.ub[(j + 2) & 3]`.
    private static func swapped(_ r: Int32) -> Int32 { r << 16 | (r >> 16) & 0xffff }

    /// `uw[i] = Σj<4 |u.ub[4i+j] - v.ub[4i+j]|`
    private static func distances(_ u: Vector, _ v: Vector) -> Vector {
        lanes(u, v) { u, v, i -> UInt32 in
            let first = distance(u[ub: 4 &* i], v[ub: 4 &* i]) &+ distance(u[ub: 4 &* i &+ 1], v[ub: 4 &* i &+ 1])
            let last =
                distance(u[ub: 4 &* i &+ 2], v[ub: 4 &* i &+ 2]) &+ distance(u[ub: 4 &* i &+ 3], v[ub: 4 &* i &+ 3])
            return first &+ last
        }
    }

    /// How far two unsigned lanes are apart.
    @inline(__always)
    private static func distance<Lane: FixedWidthInteger & UnsignedInteger>(_ a: Lane, _ b: Lane) -> UInt32 {
        UInt32(truncatingIfNeeded: a > b ? a &- b : b &- a)
    }
}
