/// The lanes of a register while an instruction reads them: `u[h: i]` is signed halfword lane i of `u`.
///
/// The helpers below take the address of each register once and run their loop inside: the compiler then turns the
/// loop into vector code, which it does not when every lane is read out of a value.
struct Lanes {
    // Safety: the pointer holds for the closure that a helper below calls, and the view never leaves it; an index out
    // of the register traps in debug builds, in which all instructions are tested.
    private let bytes: UnsafeRawPointer

    fileprivate init(_ bytes: UnsafeRawPointer) { self.bytes = bytes }

    @inline(__always)
    fileprivate func lane<Lane: FixedWidthInteger>(_ index: Int, as _: Lane.Type = Lane.self) -> Lane {
        assert(index >= 0 && index < laneCount(Lane.self), "a register has no lane \(index)")
        return bytes.load(fromByteOffset: index &* MemoryLayout<Lane>.size, as: Lane.self)
    }

    @inline(__always) subscript(b index: Int) -> Int8 { lane(index) }
    @inline(__always) subscript(ub index: Int) -> UInt8 { lane(index) }
    @inline(__always) subscript(h index: Int) -> Int16 { lane(index) }
    @inline(__always) subscript(uh index: Int) -> UInt16 { lane(index) }
    @inline(__always) subscript(w index: Int) -> Int32 { lane(index) }
    @inline(__always) subscript(uw index: Int) -> UInt32 { lane(index) }
}

/// How many lanes of a type a register has.
@inline(__always)
func laneCount<Lane>(_: Lane.Type) -> Int { Vector.byteCount / MemoryLayout<Lane>.size }

extension Vector {
    @inline(__always)
    fileprivate func withLanes<Result>(_ body: (Lanes) -> Result) -> Result {
        Swift.withUnsafeBytes(of: words) { bytes in
            // Safety: a register is never empty, so it has an address.
            body(Lanes(bytes.baseAddress.unsafelyUnwrapped))
        }
    }

    /// A register whose lanes are written into its memory by their index.
    @inline(__always)
    fileprivate init<Lane: FixedWidthInteger>(writing body: (UnsafeMutableBufferPointer<Lane>) -> Void) {
        self.init()
        Swift.withUnsafeMutableBytes(of: &words) { body($0.assumingMemoryBound(to: Lane.self)) }
    }
}

/// The shapes of instructions. `i` counts lanes of the result unless said otherwise.
extension Q6 {
    /// `out[i] = value(i)`
    @inline(__always)
    static func lanes<Out: FixedWidthInteger>(_ value: (Int) -> Out) -> Vector {
        Vector(writing: { out in
            for i in 0..<laneCount(Out.self) { out[i] = value(i) }
        })
    }

    /// `out[i] = value(u, i)`
    @inline(__always)
    static func lanes<Out: FixedWidthInteger>(_ u: Vector, _ value: (Lanes, Int) -> Out) -> Vector {
        u.withLanes { u in lanes { i in value(u, i) } }
    }

    /// `out[i] = value(u, v, i)`
    @inline(__always)
    static func lanes<Out: FixedWidthInteger>(
        _ u: Vector,
        _ v: Vector,
        _ value: (Lanes, Lanes, Int) -> Out
    ) -> Vector {
        v.withLanes { v in lanes(u) { u, i in value(u, v, i) } }
    }

    /// `out[i] = value(x, u, v, i)`
    @inline(__always)
    static func lanes<Out: FixedWidthInteger>(
        _ x: Vector,
        _ u: Vector,
        _ v: Vector,
        _ value: (Lanes, Lanes, Lanes, Int) -> Out
    ) -> Vector {
        v.withLanes { v in lanes(x, u) { x, u, i in value(x, u, v, i) } }
    }

    /// `low[i] = value(u, 2i), high[i] = value(u, 2i+1)`: widening, where k counts the narrow lanes.
    @inline(__always)
    static func widened<Out: FixedWidthInteger>(_ u: Vector, _ value: (Lanes, Int) -> Out) -> VectorPair {
        VectorPair(low: lanes(u) { u, i in value(u, 2 &* i) }, high: lanes(u) { u, i in value(u, 2 &* i &+ 1) })
    }

    /// `low[i] = value(u, v, 2i), high[i] = value(u, v, 2i+1)`: widening, where k counts the narrow lanes.
    @inline(__always)
    static func widened<Out: FixedWidthInteger>(
        _ u: Vector,
        _ v: Vector,
        _ value: (Lanes, Lanes, Int) -> Out
    ) -> VectorPair {
        VectorPair(
            low: lanes(u, v) { u, v, i in value(u, v, 2 &* i) },
            high: lanes(u, v) { u, v, i in value(u, v, 2 &* i &+ 1) }
        )
    }

    /// `out[2i] = value(v[i]), out[2i+1] = value(u[i])`: narrowing as the shifts do it, which undoes widening when `u`
    /// is the high register.
    @inline(__always)
    static func interleaved<Wide: FixedWidthInteger, Out: FixedWidthInteger>(
        _ u: Vector,
        _ v: Vector,
        _ value: (Wide) -> Out
    ) -> Vector {
        v.withLanes { v in
            u.withLanes { u in
                Vector(writing: { out in
                    for i in 0..<laneCount(Wide.self) {
                        out[2 &* i] = value(v.lane(i))
                        out[2 &* i &+ 1] = value(u.lane(i))
                    }
                })
            }
        }
    }

    /// `out[i] = value(v[i]), out[n+i] = value(u[i])`: narrowing as the packs do it, n lanes of each argument in order.
    @inline(__always)
    static func packed<Wide: FixedWidthInteger, Out: FixedWidthInteger>(
        _ u: Vector,
        _ v: Vector,
        _ value: (Wide) -> Out
    ) -> Vector {
        let count = laneCount(Wide.self)
        return v.withLanes { v in
            u.withLanes { u in
                Vector(writing: { out in
                    for i in 0..<count { out[i] = value(v.lane(i)) }
                    for i in 0..<count { out[count &+ i] = value(u.lane(i)) }
                })
            }
        }
    }

    /// `out[i] = value(u[i])` in each register, in the order of the bytes: n lanes of `u` fill two registers.
    @inline(__always)
    static func unpacked<Narrow: FixedWidthInteger, Out: FixedWidthInteger>(
        _ u: Vector,
        _ value: (Narrow) -> Out
    ) -> VectorPair {
        let count = laneCount(Out.self)
        return u.withLanes { u in
            VectorPair(low: lanes { i in value(u.lane(i)) }, high: lanes { i in value(u.lane(count &+ i)) })
        }
    }

    /// The bits of the lanes for which a condition holds.
    @inline(__always)
    static func predicate<Lane: FixedWidthInteger>(
        _ u: Vector,
        _ v: Vector,
        _ condition: (Lane, Lane) -> Bool
    ) -> Predicate {
        let mask = v.withLanes { v in
            u.withLanes { u in
                lanes { i in condition(u.lane(i), v.lane(i)) ? ~Lane.zero : Lane.zero }
            }
        }
        return Predicate(mask: mask)
    }

    /// An instruction on both registers of pairs.
    @inline(__always)
    static func each(_ u: VectorPair, _ v: VectorPair, _ instruction: (Vector, Vector) -> Vector) -> VectorPair {
        VectorPair(low: instruction(u.low, v.low), high: instruction(u.high, v.high))
    }

    /// The product of two lanes of at most 16 bits, in 32 bits.
    @inline(__always)
    static func product<A: FixedWidthInteger, B: FixedWidthInteger>(_ a: A, _ b: B) -> Int32 {
        Int32(truncatingIfNeeded: a) &* Int32(truncatingIfNeeded: b)
    }

    /// The product of two lanes of any width, in 64 bits.
    @inline(__always)
    static func longProduct<A: FixedWidthInteger, B: FixedWidthInteger>(_ a: A, _ b: B) -> Int64 {
        Int64(truncatingIfNeeded: a) &* Int64(truncatingIfNeeded: b)
    }
}

extension Int32 {
    /// Signed byte 0...3 of a scalar register; other numbers are taken modulo 4.
    @inline(__always)
    func byte(_ index: Int) -> Int8 { Int8(truncatingIfNeeded: self >> Int32(8 * (index & 3))) }

    /// Signed halfword 0 or 1 of a scalar register; other numbers are taken modulo 2.
    @inline(__always)
    func half(_ index: Int) -> Int16 { Int16(truncatingIfNeeded: self >> Int32(16 * (index & 1))) }
}
