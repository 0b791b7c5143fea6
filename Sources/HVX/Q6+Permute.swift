// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Lanes of two registers side by side.
extension Q6 {
    /// `b[2i] = v.b[2i], b[2i+1] = u.b[2i]`
    public static func Vb_vshuffe_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt16) in UInt8(truncatingIfNeeded: x) }
    }

    /// `b[2i] = v.b[2i+1], b[2i+1] = u.b[2i+1]`
    public static func Vb_vshuffo_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt16) in UInt8(truncatingIfNeeded: x >> 8) }
    }

    /// `h[2i] = v.h[2i], h[2i+1] = u.h[2i]`
    public static func Vh_vshuffe_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt32) in UInt16(truncatingIfNeeded: x) }
    }

    /// `h[2i] = v.h[2i+1], h[2i+1] = u.h[2i+1]`
    public static func Vh_vshuffo_VhVh(_ u: Vector, _ v: Vector) -> Vector {
        interleaved(u, v) { (x: UInt32) in UInt16(truncatingIfNeeded: x >> 16) }
    }

    /// `low = vshuffe(u.b, v.b), high = vshuffo(u.b, v.b)`
    public static func Wb_vshuffoe_VbVb(_ u: Vector, _ v: Vector) -> VectorPair {
        VectorPair(low: Vb_vshuffe_VbVb(u, v), high: Vb_vshuffo_VbVb(u, v))
    }

    /// `low = vshuffe(u.h, v.h), high = vshuffo(u.h, v.h)`
    public static func Wh_vshuffoe_VhVh(_ u: Vector, _ v: Vector) -> VectorPair {
        VectorPair(low: Vh_vshuffe_VhVh(u, v), high: Vh_vshuffo_VhVh(u, v))
    }

    /// `b[i] = v.b[4i], b[32+i] = v.b[4i+2], b[64+i] = u.b[4i], b[96+i] = u.b[4i+2]`
    public static func Vb_vdeale_VbVb(_ u: Vector, _ v: Vector) -> Vector {
        Vb_vpacke_VhVh(Vh_vdeal_Vh(u), Vh_vdeal_Vh(v))
    }
}

/// The two halves of one register, interleaved and parted again.
extension Q6 {
    /// `b[2i] = u.b[i], b[2i+1] = u.b[64+i]`
    public static func Vb_vshuff_Vb(_ u: Vector) -> Vector {
        lanes(u) { u, k in u[ub: k >> 1 &+ (k & 1) &* 64] }
    }

    /// `h[2i] = u.h[i], h[2i+1] = u.h[32+i]`
    public static func Vh_vshuff_Vh(_ u: Vector) -> Vector {
        lanes(u) { u, k in u[uh: k >> 1 &+ (k & 1) &* 32] }
    }

    /// `b[i] = u.b[2i], b[64+i] = u.b[2i+1]`
    public static func Vb_vdeal_Vb(_ u: Vector) -> Vector {
        lanes(u) { u, k in u[ub: (k & 63) << 1 &+ k >> 6] }
    }

    /// `h[i] = u.h[2i], h[32+i] = u.h[2i+1]`
    public static func Vh_vdeal_Vh(_ u: Vector) -> Vector {
        lanes(u) { u, k in u[uh: (k & 31) << 1 &+ k >> 5] }
    }
}

/// Networks that move bytes as their control says.
extension Q6 {
    /// Starting from `high = u, low = v`, for each power of two `o = 1, 2, ... 64` that is set in r, bytes change places:
    /// `high.ub[k] <-> low.ub[k+o]` for all k in which o is not set.
    ///
    /// r = -1, -2, -4 interleaves the bytes, halfwords or words of v and u.
    public static func W_vshuff_VVR(_ u: Vector, _ v: Vector, _ r: Int32) -> VectorPair {
        var pair = VectorPair(low: v, high: u)
        for stage in 0..<7 where r >> Int32(stage) & 1 == 1 {
            pair = exchanged(pair, 1 << stage)
        }
        return pair
    }

    /// As ``W_vshuff_VVR(_:_:_:)`` from 64 down to 1, which undoes it.
    public static func W_vdeal_VVR(_ u: Vector, _ v: Vector, _ r: Int32) -> VectorPair {
        var pair = VectorPair(low: v, high: u)
        for stage in (0..<7).reversed() where r >> Int32(stage) & 1 == 1 {
            pair = exchanged(pair, 1 << stage)
        }
        return pair
    }

    /// Seven stages `o = 64, 32, ... 1`, the first on u: `t.ub[k] = v.ub[k] & o != 0 ? t.ub[k ^ o] : t.ub[k]`.
    public static func V_vdelta_VV(_ u: Vector, _ v: Vector) -> Vector {
        (0..<7).reversed().reduce(u) { crossed($0, v, 1 << $1) }
    }

    /// Seven stages `o = 1, 2, ... 64`, the first on u: `t.ub[k] = v.ub[k] & o != 0 ? t.ub[k ^ o] : t.ub[k]`.
    public static func V_vrdelta_VV(_ u: Vector, _ v: Vector) -> Vector {
        (0..<7).reduce(u) { crossed($0, v, 1 << $1) }
    }

    /// One stage of a shuffle: where a byte index lacks the offset, the low register takes from itself, else from high.
    private static func exchanged(_ pair: VectorPair, _ offset: Int) -> VectorPair {
        VectorPair(
            low: lanes(pair.low, pair.high) { low, high, k in k & offset == 0 ? low[ub: k] : high[ub: k ^ offset] },
            high: lanes(pair.low, pair.high) { low, high, k in k & offset == 0 ? low[ub: k ^ offset] : high[ub: k] }
        )
    }

    /// One stage of a butterfly network.
    private static func crossed(_ t: Vector, _ control: Vector, _ offset: Int) -> Vector {
        lanes(t, control) { t, control, k in
            control[ub: k] & UInt8(truncatingIfNeeded: offset) == 0 ? t[ub: k] : t[ub: k ^ offset]
        }
    }
}

/// Windows of bytes.
extension Q6 {
    /// `ub[k] = uv.ub[k + (r & 127)]`, where uv is 256 bytes: first those of v, then those of u.
    public static func V_valign_VVR(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        window(u, v, Int(r & 127))
    }

    /// `ub[k] = uv.ub[k + i]`, where uv is 256 bytes: first those of v, then those of u; i of 0...7.
    public static func V_valign_VVI(_ u: Vector, _ v: Vector, _ i: Int32) -> Vector {
        window(u, v, Int(i & 7))
    }

    /// `ub[k] = uv.ub[k + 128 - (r & 127)]`, where uv is 256 bytes: first those of v, then those of u. r = 0 gives u.
    public static func V_vlalign_VVR(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        window(u, v, 128 - Int(r & 127))
    }

    /// `ub[k] = uv.ub[k + 128 - i]`, where uv is 256 bytes: first those of v, then those of u; i of 0...7, 0 gives u.
    public static func V_vlalign_VVI(_ u: Vector, _ v: Vector, _ i: Int32) -> Vector {
        window(u, v, 128 - Int(i & 7))
    }

    /// `ub[k] = u.ub[(k + r) & 127]`
    public static func V_vror_VR(_ u: Vector, _ r: Int32) -> Vector {
        window(u, u, Int(r & 127))
    }

    /// 128 bytes of v and then u, from a start of 0...128.
    private static func window(_ u: Vector, _ v: Vector, _ start: Int) -> Vector {
        lanes(u, v) { u, v, k in k &+ start < 128 ? v[ub: k &+ start] : u[ub: k &+ start &- 128] }
    }
}
