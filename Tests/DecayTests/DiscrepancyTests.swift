import Decay
import Testing

@Suite("Maximum mean discrepancy")
struct DiscrepancyTests {
    /// Rows of two numbers around `center`.
    private func rows(_ count: Int, center: Double, seed: UInt64) -> [[Double]] {
        var generator = CounterGenerator(seed: seed)
        return (0..<count).map { _ in (0..<2).map { _ in center + Double.random(in: -1...1, using: &generator) } }
    }

    @Test("Permuting rows tells a moved set from one that is the same, and the same seed gives the same answer")
    func permutation() {
        let before = rows(40, center: 0, seed: 1)
        let same = MeanDiscrepancy.permutationTest(before, rows(30, center: 0, seed: 2), gamma: 1)
        let moved = MeanDiscrepancy.permutationTest(before, rows(30, center: 1, seed: 3), gamma: 1)
        #expect(same.pValue > 0.05)
        #expect(moved.pValue == 1.0 / 201)
        #expect(moved == MeanDiscrepancy.permutationTest(before, rows(30, center: 1, seed: 3), gamma: 1))
    }
}
