import HVX

extension Addition {
    /// The definition, 128 bytes at a time: `vzxt`, `vmpy` of halfwords, and the narrowing shifts.
    ///
    /// Widening puts the even bytes into the low register and the odd ones into the high; narrowing brings them back.
    func reference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        mapRegisters(a, b) { a, b in
            let (a, b) = (Q6.distances(a, from: aZeroPoint), Q6.distances(b, from: bZeroPoint))
            func halves(_ a: Vector, _ b: Vector) -> Vector {
                let part = Q6.Ww_vmpy_VhRh(a, Q6.repeated(aMultiplier))
                let sum = Q6.Ww_vmpyacc_WwVhRh(part, b, Q6.repeated(bMultiplier))
                // The shift is of four bits: the reason why it may not exceed 15.
                let shifted = Q6.Vh_vasr_VwVwR_rnd_sat(Q6.V_hi_W(sum), Q6.V_lo_W(sum), shift)
                return Q6.Vh_vadd_VhVh_sat(shifted, Q6.Vh_vsplat_R(Int32(zeroPoint)))
            }
            let even = halves(Q6.V_lo_W(a), Q6.V_lo_W(b))
            let odd = halves(Q6.V_hi_W(a), Q6.V_hi_W(b))
            return Q6.Vub_vsat_VhVh(odd, even).clamped(to: range)
        }
    }
}

extension Multiplication {
    /// The definition, 128 bytes at a time: `vzxt`, `vmpy` of halfwords, the requantization of words.
    func reference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        let registers = RequantizeRegisters(stage.channels[0])
        return mapRegisters(a, b) { a, b in
            let (a, b) = (Q6.distances(a, from: aZeroPoint), Q6.distances(b, from: bZeroPoint))
            func halves(_ a: Vector, _ b: Vector) -> Vector {
                let product = Q6.Ww_vmpy_VhVh(a, b)
                let (even, odd) = (registers.scale(Q6.V_lo_W(product)), registers.scale(Q6.V_hi_W(product)))
                return stage.moved(Q6.Vh_vsat_VwVw(odd, even))
            }
            let even = halves(Q6.V_lo_W(a), Q6.V_lo_W(b))
            let odd = halves(Q6.V_hi_W(a), Q6.V_hi_W(b))
            return Q6.Vub_vsat_VhVh(odd, even).clamped(to: stage.range)
        }
    }
}

extension Q6 {
    /// `u.ub[k] - zeroPoint` as halfwords, those of even bytes in the low register.
    fileprivate static func distances(_ u: Vector, from zeroPoint: UInt8) -> VectorPair {
        let zeros = Vh_vsplat_R(Int32(zeroPoint))
        return Wh_vsub_WhWh(Wuh_vzxt_Vub(u), W_vcombine_VV(zeros, zeros))
    }
}

/// The bytes of a function of two registers over two values of the same size.
private func mapRegisters(_ a: [UInt8], _ b: [UInt8], _ function: (Vector, Vector) -> Vector) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: a.count)
    for start in stride(from: 0, to: a.count, by: Vector.byteCount) {
        let count = min(Vector.byteCount, a.count - start)
        function(Vector(a, at: start, count: count), Vector(b, at: start, count: count))
            .store(&bytes, at: start, count: count)
    }
    return bytes
}
