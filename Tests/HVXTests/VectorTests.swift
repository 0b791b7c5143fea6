import HVX
import Testing

@Suite("A register shows its bytes as lanes of any width")
struct VectorTests {
    private let ramp = Vector(UInt8.self) { UInt8($0) }

    @Test("Lanes are little-endian, signed and unsigned")
    func lanes() {
        let vector = Vector(UInt8.self) { UInt8(255 - $0) }
        #expect(vector[ub: 0] == 255)
        #expect(vector[b: 0] == -1)
        #expect(vector[uh: 0] == 0xfeff)
        #expect(vector[h: 0] == -257)
        #expect(vector[uw: 0] == 0xfcfd_feff)
        #expect(vector[w: 31] == Int32(bitPattern: 0x8081_8283))
        #expect(vector[ub: 127] == 128)
    }

    @Test("A vmem load drops the low address bits, a vmemu load does not")
    func loads() {
        let memory = (0..<384).map { UInt8(truncatingIfNeeded: $0 / 2) }
        #expect(Vector(aligned: memory, at: 200)[ub: 0] == 64)
        #expect(Vector(unaligned: memory, at: 200)[ub: 0] == 100)
    }

    @Test("Stores are the counterparts of loads")
    func stores() {
        var memory = [UInt8](repeating: 7, count: 384)
        ramp.store(aligned: &memory, at: 129)
        #expect(Vector(unaligned: memory, at: 128) == ramp)
        ramp.store(unaligned: &memory, at: 5)
        #expect(Vector(unaligned: memory, at: 5) == ramp)
        #expect(memory[4] == 7)
        #expect(memory[133] == 5)
    }

    @Test("A load from outside the memory is a programmer's mistake")
    func outside() async {
        await #expect(processExitsWith: .failure) {
            _ = Vector(unaligned: [UInt8](repeating: 0, count: 130), at: 3)
        }
        await #expect(processExitsWith: .failure) {
            var memory = [UInt8](repeating: 0, count: 128)
            Vector().store(aligned: &memory, at: -1)
        }
    }

    @Test("A lane that is not there is a programmer's mistake")
    func noLane() async {
        await #expect(processExitsWith: .failure) { _ = Vector()[w: 32] }
        await #expect(processExitsWith: .failure) { _ = Vector()[b: -1] }
    }

    @Test("A pair keeps the even register low")
    func pairs() {
        let pair = Q6.W_vcombine_VV(ramp, Q6.V_vzero())
        #expect(Q6.V_hi_W(pair) == ramp)
        #expect(Q6.V_lo_W(pair) == Vector())
    }
}

@Suite("Instructions follow their formulas where mistakes are easy")
struct InstructionTests {
    @Test("vrmpy wraps and never saturates")
    func wrapping() {
        let most = Q6.V_vsplat_R(.max)
        let sum = Q6.Vw_vrmpyacc_VwVubVb(most, Q6.Vb_vsplat_R(255), Q6.Vb_vsplat_R(127))
        #expect(sum[w: 0] == Int32.max &+ 4 * 255 * 127)
    }

    @Test("The pair vmpye and vmpyo is one rounded product")
    func highProduct() {
        let values: [Int32] = [.min, -1, 0, 1, 0x7fff, 0x8000, 0x1234_5678, .max]
        for x in values {
            for m in values {
                let (u, v) = (Q6.V_vsplat_R(x), Q6.V_vsplat_R(m))
                let product = Q6.Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(Q6.Vw_vmpye_VwVuh(u, v), u, v)
                let exact = Int32(clamping: (Int64(x) * Int64(m) + (1 << 30)) >> 31)
                #expect(product[w: 5] == exact)
            }
        }
    }

    @Test("Variable shifts by negative amounts go the other way")
    func shifts() {
        let minusEight = Q6.V_vsplat_R(-8)
        #expect(Q6.Vw_vasl_VwVw(minusEight, Q6.V_vsplat_R(-2))[w: 0] == -2)
        #expect(Q6.Vw_vasr_VwVw(minusEight, Q6.V_vsplat_R(-2))[w: 0] == -32)
        #expect(Q6.Vw_vasl_VwVw(minusEight, Q6.V_vsplat_R(-32))[w: 0] == -1)
        #expect(Q6.Vw_vasr_VwVw(minusEight, Q6.V_vsplat_R(-32))[w: 0] == 0)
        #expect(Q6.Vw_vasl_VwVw(minusEight, Q6.V_vsplat_R(65))[w: 0] == -16)
    }

    @Test("Packing puts the second argument into the low half")
    func packing() {
        let packed = Q6.Vh_vpack_VwVw_sat(Q6.V_vsplat_R(.max), Q6.V_vsplat_R(.min))
        #expect(packed[h: 31] == .min)
        #expect(packed[h: 32] == .max)
    }
}
