// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of the intrinsics, letter by letter.

/// Narrowing shifts by one amount. Even lanes of the result come from v, odd ones from u, so that
/// `narrow(high, low)` undoes a widening instruction. Sums with the rounding bit have room: nothing wraps before `sat`.
extension Q6 {
    /// `h[2i] = low half of v.w[i] >> s, h[2i+1] = low half of u.w[i] >> s`, s = `r & 15`
    public static func Vh_vasr_VwVwR(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: false)
        return interleaved(u, v) { (x: Int32) in Int16(truncatingIfNeeded: shift(Int64(x))) }
    }

    /// `h[2i] = sat(v.w[i] >> s), h[2i+1] = sat(u.w[i] >> s)`, s = `r & 15`
    public static func Vh_vasr_VwVwR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: false)
        return interleaved(u, v) { (x: Int32) in Int16(clamping: shift(Int64(x))) }
    }

    /// `h[2i] = sat((v.w[i] + round) >> s), h[2i+1] = sat((u.w[i] + round) >> s)`, s = `r & 15`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vh_vasr_VwVwR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: true)
        return interleaved(u, v) { (x: Int32) in Int16(clamping: shift(Int64(x))) }
    }

    /// `uh[2i] = sat(v.w[i] >> s), uh[2i+1] = sat(u.w[i] >> s)`, s = `r & 15`
    public static func Vuh_vasr_VwVwR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: false)
        return interleaved(u, v) { (x: Int32) in UInt16(clamping: shift(Int64(x))) }
    }

    /// `uh[2i] = sat((v.w[i] + round) >> s), uh[2i+1] = sat((u.w[i] + round) >> s)`, s = `r & 15`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vuh_vasr_VwVwR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: true)
        return interleaved(u, v) { (x: Int32) in UInt16(clamping: shift(Int64(x))) }
    }

    /// `uh[2i] = sat(v.uw[i] >> s), uh[2i+1] = sat(u.uw[i] >> s)`, s = `r & 15`
    public static func Vuh_vasr_VuwVuwR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: false)
        return interleaved(u, v) { (x: UInt32) in UInt16(clamping: shift(Int64(x))) }
    }

    /// `uh[2i] = sat((v.uw[i] + round) >> s), uh[2i+1] = sat((u.uw[i] + round) >> s)`, s = `r & 15`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vuh_vasr_VuwVuwR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 15, rounds: true)
        return interleaved(u, v) { (x: UInt32) in UInt16(clamping: shift(Int64(x))) }
    }

    /// `b[2i] = sat(v.h[i] >> s), b[2i+1] = sat(u.h[i] >> s)`, s = `r & 7`
    public static func Vb_vasr_VhVhR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: false)
        return interleaved(u, v) { (x: Int16) in Int8(clamping: shift(Int32(x))) }
    }

    /// `b[2i] = sat((v.h[i] + round) >> s), b[2i+1] = sat((u.h[i] + round) >> s)`, s = `r & 7`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vb_vasr_VhVhR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: true)
        return interleaved(u, v) { (x: Int16) in Int8(clamping: shift(Int32(x))) }
    }

    /// `ub[2i] = sat(v.h[i] >> s), ub[2i+1] = sat(u.h[i] >> s)`, s = `r & 7`
    public static func Vub_vasr_VhVhR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: false)
        return interleaved(u, v) { (x: Int16) in UInt8(clamping: shift(Int32(x))) }
    }

    /// `ub[2i] = sat((v.h[i] + round) >> s), ub[2i+1] = sat((u.h[i] + round) >> s)`, s = `r & 7`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vub_vasr_VhVhR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: true)
        return interleaved(u, v) { (x: Int16) in UInt8(clamping: shift(Int32(x))) }
    }

    /// `ub[2i] = sat(v.uh[i] >> s), ub[2i+1] = sat(u.uh[i] >> s)`, s = `r & 7`
    public static func Vub_vasr_VuhVuhR_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: false)
        return interleaved(u, v) { (x: UInt16) in UInt8(clamping: shift(Int32(x))) }
    }

    /// `ub[2i] = sat((v.uh[i] + round) >> s), ub[2i+1] = sat((u.uh[i] + round) >> s)`, s = `r & 7`, round = `s > 0 ? 1 << (s-1) : 0`
    public static func Vub_vasr_VuhVuhR_rnd_sat(_ u: Vector, _ v: Vector, _ r: Int32) -> Vector {
        let shift = Narrowing(r, mask: 7, rounds: true)
        return interleaved(u, v) { (x: UInt16) in UInt8(clamping: shift(Int32(x))) }
    }
}

/// Narrowing shifts in which each lane of the result has an amount of its own.
extension Q6 {
    /// `ub[2i] = sat(u.low.uh[i] >> s), ub[2i+1] = sat(u.high.uh[i] >> s)`, s = `v.ub[k] & 7` of the lane k
    /// that is written.
    public static func Vub_vasr_WuhVub_sat(_ u: VectorPair, _ v: Vector) -> Vector {
        lanes(u.low, u.high, v) { low, high, v, k -> UInt8 in
            let shift = Narrowing(Int32(v[ub: k]), mask: 7, rounds: false)
            let value = k & 1 == 0 ? low[uh: k >> 1] : high[uh: k >> 1]
            return UInt8(clamping: shift(Int32(value)))
        }
    }

    /// `ub[2i] = sat((u.low.uh[i] + round) >> s), ub[2i+1] = sat((u.high.uh[i] + round) >> s)`, s = `v.ub[k] & 7` of the lane k
    /// that is written, round = `s > 0 ? 1 << (s-1) : 0`.
    public static func Vub_vasr_WuhVub_rnd_sat(_ u: VectorPair, _ v: Vector) -> Vector {
        lanes(u.low, u.high, v) { low, high, v, k -> UInt8 in
            let shift = Narrowing(Int32(v[ub: k]), mask: 7, rounds: true)
            let value = k & 1 == 0 ? low[uh: k >> 1] : high[uh: k >> 1]
            return UInt8(clamping: shift(Int32(value)))
        }
    }

    /// `uh[2i] = sat(u.low.w[i] >> s), uh[2i+1] = sat(u.high.w[i] >> s)`, s = `v.uh[k] & 15` of the lane k
    /// that is written.
    public static func Vuh_vasr_WwVuh_sat(_ u: VectorPair, _ v: Vector) -> Vector {
        lanes(u.low, u.high, v) { low, high, v, k -> UInt16 in
            let shift = Narrowing(Int32(v[uh: k]), mask: 15, rounds: false)
            let value = k & 1 == 0 ? low[w: k >> 1] : high[w: k >> 1]
            return UInt16(clamping: shift(Int64(value)))
        }
    }

    /// `uh[2i] = sat((u.low.w[i] + round) >> s), uh[2i+1] = sat((u.high.w[i] + round) >> s)`, s = `v.uh[k] & 15` of the lane k
    /// that is written, round = `s > 0 ? 1 << (s-1) : 0`.
    public static func Vuh_vasr_WwVuh_rnd_sat(_ u: VectorPair, _ v: Vector) -> Vector {
        lanes(u.low, u.high, v) { low, high, v, k -> UInt16 in
            let shift = Narrowing(Int32(v[uh: k]), mask: 15, rounds: true)
            let value = k & 1 == 0 ? low[w: k >> 1] : high[w: k >> 1]
            return UInt16(clamping: shift(Int64(value)))
        }
    }
}

/// A shift to the right by the low bits of an amount, with or without rounding to the nearest, halves going up.
private struct Narrowing {
    private let amount: Int32
    private let half: Int32

    @inline(__always)
    init(_ amount: Int32, mask: Int32, rounds: Bool) {
        self.amount = amount & mask
        half = rounds ? (1 << self.amount) >> 1 : 0
    }

    @inline(__always)
    func callAsFunction(_ value: Int32) -> Int32 { (value &+ half) &>> amount }

    @inline(__always)
    func callAsFunction(_ value: Int64) -> Int64 { (value &+ Int64(half)) &>> Int64(amount) }
}
