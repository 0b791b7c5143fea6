import HVX

/// A sum of signed bytes with two 32-bit multipliers, as XNNPACK's `qs8-vadd` computes it on HVX.
///
/// No model uses it here: the operator is ``Addition``, whose multipliers have 16 bits and whose shift rounds. It exists
/// because recordings of this form exist, which are replayed whole.
///
/// ```
/// x   = wrap32(bias + a[i] * aMultiplier + b[i] * bMultiplier)
/// h   = sat16(x >> firstShift) >> secondShift
/// out = clamp(sat8(wrap16(h + zeroPoint)), low, high)
/// ```
/// The zero points of the inputs are in the bias, and so is the rounding of the shifts.
public struct SignedByteAddition: Sendable, Hashable {
    /// What each sum begins with.
    public var bias: Int32
    /// What `a` is multiplied by.
    public var aMultiplier: Int32
    /// What `b` is multiplied by.
    public var bMultiplier: Int32
    /// In 0...15.
    public var firstShift: Int32
    /// In 0...15.
    public var secondShift: Int32
    /// The byte of the result that stands for 0.
    public var zeroPoint: Int16
    /// What results are clamped to.
    public var range: ClosedRange<Int8>

    /// Makes a value of its parts.
    ///
    /// - Throws: ``KernelError/invalidShape(_:)`` for a shift outside 0...15.
    public init(
        bias: Int32,
        aMultiplier: Int32,
        bMultiplier: Int32,
        firstShift: Int32,
        secondShift: Int32,
        zeroPoint: Int16,
        range: ClosedRange<Int8>
    ) throws(KernelError) {
        guard (0...15).contains(firstShift), (0...15).contains(secondShift) else {
            throw .invalidShape([Int(firstShift), Int(secondShift)])
        }
        self.bias = bias
        self.aMultiplier = aMultiplier
        self.bMultiplier = bMultiplier
        self.firstShift = firstShift
        self.secondShift = secondShift
        self.zeroPoint = zeroPoint
        self.range = range
    }

    /// The sums by the definition.
    ///
    /// - Throws: ``KernelError/count(what:expected:actual:)`` unless both have as many elements.
    public func reference(_ a: [Int8], _ b: [Int8]) throws(KernelError) -> [Int8] {
        guard a.count == b.count else { throw .count(what: "b", expected: a.count, actual: b.count) }
        var sums: [Int8] = []
        for start in stride(from: 0, to: a.count, by: Vector.byteCount) {
            let count = min(Vector.byteCount, a.count - start)
            let bytes = sum(
                Vector(Int8.self) { $0 < count ? a[start + $0] : 0 },
                Vector(Int8.self) { $0 < count ? b[start + $0] : 0 }
            )
            for lane in 0..<count { sums.append(bytes[b: lane]) }
        }
        return sums
    }

    private func sum(_ a: Vector, _ b: Vector) -> Vector {
        let (a, b) = (Q6.Wh_vunpack_Vb(a), Q6.Wh_vunpack_Vb(b))
        let low = halves(Q6.V_lo_W(a), Q6.V_lo_W(b))
        let high = halves(Q6.V_hi_W(a), Q6.V_hi_W(b))
        let bytes = Q6.Vb_vpack_VhVh_sat(high, low)
        let floored = Q6.Vb_vmax_VbVb(bytes, Q6.Vb_vsplat_R(Int32(range.lowerBound)))
        return Q6.Vb_vmin_VbVb(floored, Q6.Vb_vsplat_R(Int32(range.upperBound)))
    }

    /// 64 sums of halfwords, in order.
    private func halves(_ a: Vector, _ b: Vector) -> Vector {
        let (a, b) = (Q6.Ww_vsxt_Vh(a), Q6.Ww_vsxt_Vh(b))
        func words(_ a: Vector, _ b: Vector) -> Vector {
            // vmpyie multiplies words by the even halfword of each word, which is all there is in it.
            let part = Q6.Vw_vmpyieacc_VwVwVh(Q6.V_vsplat_R(bias), Q6.V_vsplat_R(aMultiplier), a)
            return Q6.Vw_vmpyieacc_VwVwVh(part, Q6.V_vsplat_R(bMultiplier), b)
        }
        let (even, odd) = (words(Q6.V_lo_W(a), Q6.V_lo_W(b)), words(Q6.V_hi_W(a), Q6.V_hi_W(b)))
        let shifted = Q6.Vh_vasr_VhR(Q6.Vh_vasr_VwVwR_sat(odd, even, firstShift), secondShift)
        return Q6.Vh_vadd_VhVh(shifted, Q6.Vh_vsplat_R(Int32(zeroPoint)))
    }
}
