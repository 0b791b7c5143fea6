import HVX
import Testing

@Suite("Gathers and scatters stay in their region")
struct GatherScatterTests {
    private let region = (0..<256).map { UInt8($0) }

    @Test("What lies beyond the region is not read, and the register keeps its bytes")
    func gatherLimit() {
        var a = Q6.Vb_vsplat_R(7)
        // Halfword i at 4i, in a region whose last byte is 101: halfwords up to 25 are there.
        Q6.vgather_ARMVh(&a, region, 101, Vector(UInt16.self) { UInt16(4 * $0) })
        #expect(a[uh: 25] == 101 << 8 | 100)
        #expect(a[uh: 26] == 7 << 8 | 7)
        Q6.vgather_ARMVw(&a, region, 255, Q6.V_vsplat_R(-4))
        #expect(a[uh: 26] == 7 << 8 | 7)
    }

    @Test("A region ends with a whole element")
    func wholeElements() {
        var a = Vector()
        Q6.vgather_ARMVw(&a, region, 96, Q6.V_vsplat_R(96))
        #expect(a[uw: 0] == 0x6362_6160)
    }

    @Test("A mask chooses bytes, not lanes")
    func masked() {
        var a = Vector()
        Q6.vgather_AQRMWw(
            &a,
            Predicate(bits: 0b0110),
            region,
            255,
            VectorPair(low: Q6.V_vsplat_R(16), high: Q6.V_vsplat_R(32))
        )
        #expect(a.words == Q6.Vw_vinsert_VwR(Vector(), 0x0020_1100).words)
        var memory = [UInt8](repeating: 9, count: 128)
        Q6.vscatter_QRMVhV(Predicate(bits: 0b10), &memory, 127, Vector(), Q6.Vh_vsplat_R(0x0304))
        #expect(memory[0] == 9)
        #expect(memory[1] == 3)
    }

    @Test("Of equal offsets the last one stays, and sums take all")
    func equal() {
        var memory = [UInt8](repeating: 0, count: 128)
        let values = Vector(Int16.self) { Int16($0) }
        Q6.vscatter_RMVhV(&memory, 127, Q6.Vh_vsplat_R(10), values)
        #expect(memory[10] == 63)
        Q6.vscatteracc_RMVhV(&memory, 127, Q6.Vh_vsplat_R(11), values)
        #expect(UInt16(memory[11]) << 8 | UInt16(memory[10]) == 63 + 63 * 32)
        let before = memory
        Q6.vscatter_RMVwV(&memory, 127, Q6.V_vsplat_R(128), values)
        Q6.vscatteracc_RMVwV(&memory, 127, Q6.V_vsplat_R(Int32.min), values)
        #expect(memory == before)
    }

    @Test("A region larger than its memory is a programmer's mistake")
    func tooLarge() async {
        await #expect(processExitsWith: .failure) {
            var a = Vector()
            Q6.vgather_ARMVh(&a, [UInt8](repeating: 0, count: 128), 128, Vector())
        }
        await #expect(processExitsWith: .failure) {
            var memory = [UInt8](repeating: 0, count: 128)
            Q6.vscatter_RMVwV(&memory, -1, Vector(), Vector())
        }
    }
}
