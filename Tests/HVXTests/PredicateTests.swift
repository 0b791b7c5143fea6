import HVX
import Testing

@Suite("A predicate has a bit for each byte lane")
struct PredicateTests {
    @Test("Bits and masks are the same thing")
    func masks() {
        var random = Randomness(state: 21)
        for _ in 0..<20 {
            let q = random.predicate()
            #expect(Predicate(mask: q.mask) == q)
            #expect((0..<128).allSatisfy { q.mask[ub: $0] == (q[$0] ? 255 : 0) })
            let bytes = random.vector()
            let lowest = Predicate(mask: bytes)
            #expect((0..<128).allSatisfy { lowest[$0] == (bytes[ub: $0] & 1 == 1) })
        }
    }

    @Test("One bit is set and cleared")
    func bits() {
        var q = Predicate()
        q[127] = true
        q[0] = true
        #expect(q.bits == UInt128(1) << 127 | 1)
        q[0] = false
        #expect(q.bits == UInt128(1) << 127)
    }

    @Test("Comparisons set all bits of a lane")
    func comparisons() {
        var random = Randomness(state: 22)
        let (u, v) = (random.vector(), random.vector())
        let words = Q6.Q_vcmp_gt_VuwVuw(u, v)
        let halves = Q6.Q_vcmp_gt_VhVh(u, v)
        let bytes = Q6.Q_vcmp_eq_VbVb(u, v)
        for k in 0..<128 {
            #expect(words[k] == (u[uw: k / 4] > v[uw: k / 4]))
            #expect(halves[k] == (u[h: k / 2] > v[h: k / 2]))
            #expect(bytes[k] == (u[b: k] == v[b: k]))
        }
        let x = random.predicate()
        #expect(Q6.Q_vcmp_gtxacc_QVuwVuw(x, u, v).bits == x.bits ^ words.bits)
    }

    @Test("Prefix sums count the bits up to the end of a lane, and wrap")
    func prefixSums() {
        var random = Randomness(state: 23)
        let q = random.predicate()
        let (bytes, words) = (Q6.Vb_prefixsum_Q(q), Q6.Vw_prefixsum_Q(q))
        for k in 0..<128 {
            #expect(Int(bytes[ub: k]) == (0...k).filter { q[$0] }.count)
            #expect(Int(words[w: k / 4]) == (0...k / 4 * 4 + 3).filter { q[$0] }.count)
        }
        #expect(Q6.Vb_prefixsum_Q(Predicate(bits: .max))[ub: 127] == 128)
    }

    @Test("Shrinking takes every second bit of each")
    func shrinking() {
        var random = Randomness(state: 24)
        let (s, t) = (random.predicate(), random.predicate())
        let (bytes, halves) = (Q6.Qb_vshuffe_QhQh(s, t), Q6.Qh_vshuffe_QwQw(s, t))
        for k in 0..<128 {
            #expect(bytes[k] == (k & 1 == 1 ? s[k - 1] : t[k]))
            #expect(halves[k] == (k & 2 == 2 ? s[k - 2] : t[k]))
        }
    }

    @Test("A bit that is not there is a programmer's mistake")
    func outside() async {
        await #expect(processExitsWith: .failure) { _ = Predicate()[128] }
        await #expect(processExitsWith: .failure) {
            var q = Predicate()
            q[-1] = true
        }
    }
}
