import HVX

/// A table of 256 bytes in two registers, in the order in which `vlut32` reads it.
struct TableRegisters {
    /// Entries 0..<128 and 128..<256, each with its halves interleaved: `vlut32` sees 64 halfwords.
    private let halves: [Vector]

    /// - Parameter table: 256 entries.
    init(_ table: [UInt8]) {
        halves = [0, 128].map { Q6.Vb_vshuff_Vb(Vector(table, at: $0, count: 128)) }
    }

    /// `out.ub[i] = table[u.ub[i]]`: eight look-ups, each of the 32 entries that share their upper three bits.
    func look(up u: Vector) -> Vector {
        (1..<8).reduce(Q6.Vb_vlut32_VbVbR(u, halves[0], 0)) { found, block in
            Q6.Vb_vlut32or_VbVbVbR(found, u, halves[block / 4], Int32(block))
        }
    }

    /// The entries of `count` bytes.
    func look(up memory: [UInt8], at address: Int, count: Int, to target: inout [UInt8], at targetAddress: Int) {
        for offset in stride(from: 0, to: count, by: Vector.byteCount) {
            let part = min(Vector.byteCount, count - offset)
            look(up: Vector(memory, at: address + offset, count: part))
                .store(&target, at: targetAddress + offset, count: part)
        }
    }
}

extension ByteTable {
    /// The definition: `vlut32` in eight steps.
    func reference(_ memory: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: memory.count)
        TableRegisters(table).look(up: memory, at: 0, count: memory.count, to: &bytes, at: 0)
        return bytes
    }
}

extension TableSoftmax {
    /// The definition: maximum, distances, `vlut16` in sixteen steps and the sum on vectors.
    ///
    /// HVX has no division: the quotients are computed one by one in the scalar core, on Hexagon as here.
    func reference(_ memory: [UInt8]) -> [UInt8] {
        // Entries 64g..<64g+64, halves interleaved as for vlut32.
        let table = (0..<4).map { group in
            Q6.Vh_vshuff_Vh(Vector(UInt16.self) { exponentials[64 * group + $0] })
        }
        var bytes = [UInt8](repeating: 0, count: memory.count)
        for start in stride(from: 0, to: memory.count, by: channels) {
            let parts = stride(from: 0, to: channels, by: Vector.byteCount).map { first in
                let count = min(Vector.byteCount, channels - first)
                return (first: first, count: count, inputs: Vector(memory, at: start + first, count: count))
            }
            let greatest = Q6.greatest(parts.map(\.inputs))
            let powers = parts.map { exponentials(table, Q6.Vb_vsub_VbVb(greatest, $0.inputs), count: $0.count) }
            let sum = Q6.sum(powers)
            for (part, power) in zip(parts, powers) {
                // Halfwords of even bytes are in the low register: interleaved they are in order.
                let inOrder = Q6.W_vshuff_VVR(Q6.V_hi_W(power), Q6.V_lo_W(power), -2)
                for lane in 0..<part.count {
                    let power = UInt32(lane < 64 ? inOrder.low[uh: lane] : inOrder.high[uh: lane - 64])
                    bytes[start + part.first + lane] = UInt8(min(255, (256 * power + sum / 2) / sum))
                }
            }
        }
        return bytes
    }

    /// `exponentials[distances.ub[k]]` for the first `count` bytes, 0 for the others.
    private func exponentials(_ table: [Vector], _ distances: Vector, count: Int) -> VectorPair {
        let found = (1..<16).reduce(Q6.Wh_vlut16_VbVhR(distances, table[0], 0)) { found, block in
            Q6.Wh_vlut16or_WhVbVhR(found, distances, table[block / 4], Int32(block))
        }
        // The first bytes as a mask, widened as vlut16 widens: even bytes to the low register.
        let mask = Q6.Wh_vsxt_Vb(Vector(UInt8.self) { $0 < count ? 255 : 0 })
        return Q6.W_vcombine_VV(
            Q6.V_vand_VV(Q6.V_hi_W(found), Q6.V_hi_W(mask)),
            Q6.V_vand_VV(Q6.V_lo_W(found), Q6.V_lo_W(mask))
        )
    }
}

extension Q6 {
    /// The greatest byte of some registers, in all bytes.
    fileprivate static func greatest(_ registers: [Vector]) -> Vector {
        let lanes = registers.reduce(V_vzero()) { Vub_vmax_VubVub($0, $1) }
        return [64, 32, 16, 8, 4, 2, 1].reduce(lanes) { Vub_vmax_VubVub($0, V_vror_VR($0, $1)) }
    }

    /// The sum of all halfwords.
    fileprivate static func sum(_ pairs: [VectorPair]) -> UInt32 {
        let lanes = pairs.reduce(V_vzero()) { sum, pair in
            let words = Ww_vadd_VuhVuh(V_hi_W(pair), V_lo_W(pair))
            return Vw_vadd_VwVw(sum, Vw_vadd_VwVw(V_hi_W(words), V_lo_W(words)))
        }
        return [64, 32, 16, 8, 4].reduce(lanes) { Vw_vadd_VwVw($0, V_vror_VR($0, $1)) }[uw: 0]
    }
}
