import HVX
import Testing

/// A small generator of its own, so that a seed gives the same operands everywhere.
struct Randomness: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Bytes of which about a third are 0, 127, 128 or 255.
    mutating func vector() -> Vector {
        Vector(UInt8.self) { _ in
            let bits = next()
            return bits % 3 == 0 ? [0, 127, 128, 255][Int(bits >> 32 & 3)] : UInt8(truncatingIfNeeded: bits >> 40)
        }
    }

    mutating func pair() -> VectorPair { VectorPair(low: vector(), high: vector()) }
    mutating func scalar() -> Int32 { Int32(truncatingIfNeeded: next()) }
    mutating func predicate() -> Predicate { Predicate(bits: UInt128(next()) << 64 | UInt128(next())) }
}

@Suite("Of scalars only the bits count that the formula names")
struct ScalarMaskTests {
    /// A shift, its lane width in bits, and the bits of the scalar that it reads.
    struct Masked: Sendable, CustomTestStringConvertible {
        let name: String
        let mask: Int32
        var testDescription: String { name }
    }

    static let masked = [
        Masked(name: "Vh_vasl_VhR", mask: 15), Masked(name: "Vh_vasr_VhR", mask: 15),
        Masked(name: "Vuh_vlsr_VuhR", mask: 15), Masked(name: "Vub_vlsr_VubR", mask: 7),
        Masked(name: "Vw_vasl_VwR", mask: 31), Masked(name: "Vw_vasr_VwR", mask: 31),
        Masked(name: "Vuw_vlsr_VuwR", mask: 31), Masked(name: "Vh_vasr_VwVwR", mask: 15),
        Masked(name: "Vh_vasr_VwVwR_sat", mask: 15), Masked(name: "Vh_vasr_VwVwR_rnd_sat", mask: 15),
        Masked(name: "Vuh_vasr_VwVwR_rnd_sat", mask: 15), Masked(name: "Vuh_vasr_VuwVuwR_rnd_sat", mask: 15),
        Masked(name: "Vub_vasr_VhVhR_rnd_sat", mask: 7), Masked(name: "Vb_vasr_VhVhR_sat", mask: 7),
        Masked(name: "Vub_vasr_VuhVuhR_rnd_sat", mask: 7), Masked(name: "V_valign_VVR", mask: 127),
        Masked(name: "V_vlalign_VVR", mask: 127), Masked(name: "V_vror_VR", mask: 127),
        Masked(name: "V_valign_VVI", mask: 7), Masked(name: "V_vlalign_VVI", mask: 7),
        Masked(name: "W_vshuff_VVR", mask: 127), Masked(name: "W_vdeal_VVR", mask: 127),
        Masked(name: "R_vextract_VR", mask: 124), Masked(name: "Q_vsetq_R", mask: 127),
        Masked(name: "Q_vsetq2_R", mask: 127), Masked(name: "Vb_vlut32_VbVbR", mask: 7),
        Masked(name: "Vb_vlut32_VbVbI", mask: 7), Masked(name: "Vb_vlut32_VbVbR_nomatch", mask: 3),
        Masked(name: "Wh_vlut16_VbVhR", mask: 15), Masked(name: "Wh_vlut16_VbVhI", mask: 7),
        Masked(name: "Wh_vlut16_VbVhR_nomatch", mask: 3), Masked(name: "Ww_vrmpy_WubRbI", mask: 1),
        Masked(name: "Wuw_vrsad_WubRubI", mask: 1), Masked(name: "Ww_v6mpy_WubWbI_h", mask: 3),
        Masked(name: "Ww_v6mpy_WubWbI_v", mask: 3), Masked(name: "Vb_vsplat_R", mask: 255),
        Masked(name: "Vh_vsplat_R", mask: 65535),
    ]

    @Test("Other bits of the last operand change nothing", arguments: masked)
    func others(_ masked: Masked) throws {
        let operation = try #require(Catalogue.operation(named: masked.name))
        #expect(operation.inputs.last == .scalar)
        var random = Randomness(state: 1)
        for _ in 0..<20 {
            let rest = (0..<operation.inputByteCount - 4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let scalar = random.scalar()
            let noise = random.scalar() & ~masked.mask
            func run(_ scalar: Int32) throws -> [UInt8] {
                try operation.run(rest + withUnsafeBytes(of: scalar.littleEndian) { Array($0) })
            }
            let expected = try run(scalar & masked.mask)
            #expect(try run(scalar & masked.mask | noise) == expected)
            #expect(try run(scalar | ~masked.mask) == run(scalar & masked.mask | ~masked.mask))
        }
    }

    @Test("Narrowing shifts by the whole width are shifts by none, without rounding")
    func wholeWidth() {
        let words = Q6.V_vsplat_R(0x7fff)
        #expect(Q6.Vh_vasr_VwVwR_rnd_sat(words, words, 16)[h: 0] == 0x7fff)
        #expect(Q6.Vh_vasr_VwVwR_rnd_sat(words, words, 1)[h: 0] == 0x4000)
        #expect(Q6.Vub_vasr_VhVhR_rnd_sat(Q6.Vh_vsplat_R(200), Q6.Vh_vsplat_R(100), 8)[ub: 1] == 200)
    }

    @Test("Rounding has room above the lane")
    func rounding() {
        let most = Q6.V_vsplat_R(.max)
        #expect(Q6.Vuh_vasr_VuwVuwR_rnd_sat(Q6.V_vsplat_R(-1), Q6.V_vsplat_R(-1), 15)[uh: 0] == 0xffff)
        #expect(Q6.Vh_vasr_VwVwR_rnd_sat(most, most, 15)[h: 0] == .max)
        #expect(Q6.Vh_vround_VwVw_sat(most, most)[h: 0] == .max)
        #expect(Q6.Vuh_vround_VuwVuw_sat(Q6.V_vsplat_R(-1), Q6.V_vsplat_R(-1))[uh: 1] == 0xffff)
        #expect(Q6.Vub_vround_VuhVuh_sat(Q6.V_vsplat_R(-1), Q6.V_vsplat_R(-1))[ub: 1] == 255)
    }

    @Test("vsetq knows 0...127 bytes, vsetq2 1...128", arguments: [0, 1, 2, 127, 128, 129, -1, Int32.min, .max])
    func tails(_ r: Int32) {
        let first = Q6.Q_vsetq_R(r)
        let second = Q6.Q_vsetq2_R(r)
        #expect(first.bits.nonzeroBitCount == Int(r & 127))
        #expect(second.bits.nonzeroBitCount == (r & 127 == 0 ? 128 : Int(r & 127)))
        for k in 0..<128 {
            #expect(first[k] == (k < Int(r & 127)))
            #expect(second[k] == (k <= Int((r &- 1) & 127)))
        }
    }
}

@Suite("Shifts of lanes by lanes take negative amounts the other way")
struct LaneShiftTests {
    private static let values: [Int16] = [.min, -300, -1, 0, 1, 300, .max]

    @Test("Halfwords, all amounts", arguments: Int16(-40)...40)
    func halfwords(_ amount: Int16) {
        let s = (Int(amount) << 59) >> 59
        for value in Self.values {
            let (u, v) = (Q6.Vh_vsplat_R(Int32(value)), Q6.Vh_vsplat_R(Int32(amount)))
            let bits = UInt16(bitPattern: value)
            #expect(Q6.Vh_vasl_VhVh(u, v)[h: 7] == (s >= 0 ? value << s : value >> -s))
            #expect(Q6.Vh_vasr_VhVh(u, v)[h: 7] == (s >= 0 ? value >> s : value << -s))
            #expect(Q6.Vh_vlsr_VhVh(u, v)[uh: 7] == (s >= 0 ? bits >> s : bits << -s))
        }
    }

    @Test("Words, all amounts", arguments: Int32(-70)...70)
    func words(_ amount: Int32) {
        let s = (Int(amount) << 58) >> 58
        for value in [Int32.min, -70_000, -1, 0, 1, 70_000, .max] {
            let (u, v) = (Q6.V_vsplat_R(value), Q6.V_vsplat_R(amount))
            let bits = UInt32(bitPattern: value)
            #expect(Q6.Vw_vasl_VwVw(u, v)[w: 7] == (s >= 0 ? value << s : value >> -s))
            #expect(Q6.Vw_vasr_VwVw(u, v)[w: 7] == (s >= 0 ? value >> s : value << -s))
            #expect(Q6.Vw_vlsr_VwVw(u, v)[uw: 7] == (s >= 0 ? bits >> s : bits << -s))
            #expect(Q6.Vuw_vrotr_VuwVuw(u, v)[uw: 7] == (bits >> (amount & 31) | bits << (32 - amount & 31)))
        }
    }

    @Test("Narrowing shifts with an amount in each lane read it from the lane that is written")
    func narrowing() {
        var random = Randomness(state: 2)
        let (pair, amounts) = (random.pair(), random.vector())
        let bytes = Q6.Vub_vasr_WuhVub_rnd_sat(pair, amounts)
        let halfwords = Q6.Vuh_vasr_WwVuh_sat(pair, amounts)
        for k in 0..<128 {
            let s = Int(amounts[ub: k] & 7)
            let value = Int((k & 1 == 0 ? pair.low : pair.high)[uh: k / 2])
            #expect(bytes[ub: k] == UInt8(clamping: (value + (s > 0 ? 1 << (s - 1) : 0)) >> s))
        }
        for k in 0..<64 {
            let value = Int((k & 1 == 0 ? pair.low : pair.high)[w: k / 2])
            #expect(halfwords[uh: k] == UInt16(clamping: value >> Int(amounts[uh: k] & 15)))
        }
    }
}

@Suite("Pairs, permutations and tables keep every lane in its place", .timeLimit(.minutes(1)))
struct PlacementTests {
    @Test("Widening and a narrowing shift by none give the lanes back in order")
    func interleaving() {
        var random = Randomness(state: 3)
        let u = random.vector()
        let halves = Q6.Wh_vsxt_Vb(u)
        #expect(Q6.Vb_vasr_VhVhR_sat(halves.high, halves.low, 0) == u)
        let words = Q6.Ww_vsxt_Vh(u)
        #expect(Q6.Vh_vasr_VwVwR(words.high, words.low, 0) == u)
        let unsigned = Q6.Wuw_vzxt_Vuh(u)
        #expect(Q6.Vuh_vsat_VuwVuw(unsigned.high, unsigned.low) == u)
        #expect(Q6.Vb_vshuffe_VbVb(halves.high, halves.low) == u)
    }

    @Test("Unpacking and packing give the lanes back in order")
    func packing() {
        var random = Randomness(state: 4)
        let u = random.vector()
        let halves = Q6.Wh_vunpack_Vb(u)
        #expect(Q6.Vb_vpack_VhVh_sat(halves.high, halves.low) == u)
        #expect(Q6.Vb_vpacke_VhVh(halves.high, halves.low) == u)
        let words = Q6.Wuw_vunpack_Vuh(u)
        #expect(Q6.Vh_vpacke_VwVw(words.high, words.low) == u)
        let raised = Q6.Ww_vunpackoor_WwVh(VectorPair(low: Vector(), high: Vector()), u)
        #expect(Q6.Vh_vpacko_VwVw(raised.high, raised.low) == u)
    }

    @Test("vdeal undoes vshuff, for every control")
    func shuffles() {
        var random = Randomness(state: 5)
        let (u, v) = (random.vector(), random.vector())
        for r in Int32(0)..<128 {
            let shuffled = Q6.W_vshuff_VVR(u, v, r)
            #expect(Q6.W_vdeal_VVR(shuffled.high, shuffled.low, r) == VectorPair(low: v, high: u))
        }
        let bytes = Q6.W_vshuff_VVR(u, v, -1)
        #expect((0..<128).allSatisfy { bytes.low[ub: $0] == ($0 & 1 == 0 ? v : u)[ub: $0 / 2] })
        #expect((0..<128).allSatisfy { bytes.high[ub: $0] == ($0 & 1 == 0 ? v : u)[ub: 64 + $0 / 2] })
        #expect(Q6.Vb_vdeal_Vb(Q6.Vb_vshuff_Vb(u)) == u)
        #expect(Q6.Vh_vdeal_Vh(Q6.Vh_vshuff_Vh(u)) == u)
    }

    @Test("vrdelta undoes vdelta with the same control when each stage is a permutation")
    func butterflies() {
        var random = Randomness(state: 6)
        let u = random.vector()
        // A control that is the same in every byte exchanges whole blocks.
        for control in Int32(0)..<128 {
            let v = Q6.Vb_vsplat_R(control)
            let moved = Q6.V_vdelta_VV(u, v)
            #expect((0..<128).allSatisfy { moved[ub: $0] == u[ub: $0 ^ Int(control)] })
            #expect(Q6.V_vrdelta_VV(moved, v) == u)
        }
    }

    @Test("Windows of bytes: valign, vlalign, vror")
    func windows() {
        var random = Randomness(state: 7)
        let (u, v) = (random.vector(), random.vector())
        let bytes = (0..<256).map { $0 < 128 ? v[ub: $0] : u[ub: $0 - 128] }
        for r in Int32(0)..<128 {
            #expect(Q6.V_valign_VVR(u, v, r) == Vector(unaligned: bytes, at: Int(r)))
            #expect(Q6.V_vlalign_VVR(u, v, r) == Vector(unaligned: bytes, at: 128 - Int(r)))
            #expect(Q6.V_vror_VR(u, r) == Q6.V_valign_VVR(u, u, r))
        }
        #expect(Q6.V_vlalign_VVI(u, v, 0) == u)
    }

    @Test("Eight lookups give any table of 256 bytes")
    func tables() {
        var random = Randomness(state: 8)
        let table = (0..<256).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let index = random.vector()
        let halves = [0, 128].map { start in Q6.Vb_vshuff_Vb(Vector(UInt8.self) { table[start + $0] }) }
        var found = Q6.Vb_vlut32_VbVbI(index, halves[0], 0)
        for block in 1..<8 {
            found = Q6.Vb_vlut32or_VbVbVbI(found, index, halves[block / 4], Int32(block))
        }
        #expect((0..<128).allSatisfy { found[ub: $0] == table[Int(index[ub: $0])] })
    }
}

@Suite("Sums and products do what their names say", .timeLimit(.minutes(1)))
struct ArithmeticPropertyTests {
    @Test("64 bits of a product in two steps")
    func longProducts() {
        var random = Randomness(state: 9)
        for _ in 0..<20 {
            let (u, v) = (random.vector(), random.vector())
            let product = Q6.W_vmpyoacc_WVwVh(Q6.W_vmpye_VwVuh(u, v), u, v)
            for i in 0..<32 {
                let exact = Int64(u[w: i]) * Int64(v[w: i])
                #expect(product.high[w: i] == Int32(truncatingIfNeeded: exact >> 32))
                #expect(product.low[w: i] == Int32(truncatingIfNeeded: exact))
            }
        }
    }

    @Test("The low 32 bits of a product in three steps")
    func lowProducts() {
        var random = Randomness(state: 10)
        let (u, v) = (random.vector(), random.vector())
        let upper = Q6.Vw_vmpyieo_VhVh(u, v)
        let product = Q6.Vw_vmpyieacc_VwVwVuh(upper, u, v)
        #expect((0..<32).allSatisfy { product[w: $0] == u[w: $0] &* v[w: $0] })
    }

    @Test("A carry goes from word to word, as in longer numbers")
    func carries() {
        var random = Randomness(state: 11)
        for _ in 0..<20 {
            let (a, b, c, d) = (random.vector(), random.vector(), random.vector(), random.vector())
            var carry = Predicate()
            let low = Q6.Vw_vadd_VwVwQ_carry(a, c, &carry)
            let high = Q6.Vw_vadd_VwVwQ_carry(b, d, &carry)
            var borrow = Predicate(bits: .max)
            let lowDifference = Q6.Vw_vsub_VwVwQ_carry(a, c, &borrow)
            let highDifference = Q6.Vw_vsub_VwVwQ_carry(b, d, &borrow)
            for i in 0..<32 {
                let (x, y) = (UInt64(b[uw: i]) << 32 | UInt64(a[uw: i]), UInt64(d[uw: i]) << 32 | UInt64(c[uw: i]))
                #expect(UInt64(high[uw: i]) << 32 | UInt64(low[uw: i]) == x &+ y)
                #expect(carry[4 * i] == x.addingReportingOverflow(y).overflow)
                #expect(UInt64(highDifference[uw: i]) << 32 | UInt64(lowDifference[uw: i]) == x &- y)
                #expect(borrow[4 * i + 3] == (x >= y))
            }
        }
    }

    @Test("Accumulating is adding, in every form that wraps")
    func accumulating() throws {
        var random = Randomness(state: 12)
        var count = 0
        for operation in Catalogue.operations where operation.name.contains("acc_") && operation.inputs.count >= 3 {
            // `Q6_Vw_vrmpyacc_VwVubVb` is `Q6_Vw_vrmpy_VubVb` and a sum; saturating forms and shifts are not.
            let name = operation.name
            guard let mark = name.firstRange(of: "acc_"), !name.contains("_sat"), !name.contains("vcmp") else {
                continue
            }
            let result = name.dropFirst(3).prefix { $0 != "_" }
            guard name[mark.upperBound...].hasPrefix(result) else { continue }
            let plain = name[..<mark.lowerBound] + "_" + name[mark.upperBound...].dropFirst(result.count)
            guard let product = Catalogue.operation(named: String(plain)) else { continue }
            let lane = result.last == "w" ? "w" : "h"
            let sum = try #require(
                Catalogue.operation(
                    named: "\(result.prefix(1))\(lane)_vadd_\(result.prefix(1))\(lane)\(result.prefix(1))\(lane)"
                )
            )
            let x = (0..<operation.outputByteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let rest = (0..<product.inputByteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(try operation.run(x + rest) == sum.run(x + product.run(rest)), "\(name)")
            count += 1
        }
        #expect(count > 40)
    }

    @Test("Instructions on pairs are instructions on both registers")
    func pairs() throws {
        var random = Randomness(state: 13)
        var count = 0
        for operation in Catalogue.operations where operation.inputs == [.pair, .pair] && operation.outputs == [.pair] {
            let single = operation.name.replacing("_W", with: "_V").replacing("W", with: "V")
            guard let half = Catalogue.operation(named: single) else { continue }
            let bytes = (0..<512).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let low = try half.run(Array(bytes[0..<128] + bytes[256..<384]))
            let high = try half.run(Array(bytes[128..<256] + bytes[384..<512]))
            #expect(try operation.run(bytes) == low + high, "\(operation.name)")
            count += 1
        }
        #expect(count == 18)
    }

    @Test("Conditional sums change the chosen bytes only, and take them from the sum of the whole lane")
    func conditional() {
        var random = Randomness(state: 14)
        let (q, x, u) = (random.predicate(), random.vector(), random.vector())
        let sum = Q6.Vw_vadd_VwVw(x, u)
        let chosen = Q6.Vw_condacc_QVwVw(q, x, u)
        let others = Q6.Vw_condacc_QnVwVw(q, x, u)
        for k in 0..<128 {
            #expect(chosen[ub: k] == (q[k] ? sum : x)[ub: k])
            #expect(others[ub: k] == (q[k] ? x : sum)[ub: k])
        }
    }

    @Test("Six taps: coefficients of ten bits, signed")
    func sixTaps() {
        // Byte 3 gives the upper bits: tap 0 is -512, tap 1 is 511, tap 2 is -1.
        let row = Q6.V_vsplat_R(Int32(bitPattern: 0x36_ff_ff_00))
        let ones = VectorPair(low: Q6.Vb_vsplat_R(1), high: Q6.Vb_vsplat_R(1))
        let product = Q6.Ww_v6mpy_WubWbI_v(ones, VectorPair(low: row, high: Vector()), 0)
        #expect(product.high[w: 3] == -512 + 511 - 1)
        #expect(product.low[w: 3] == 0)
    }
}
