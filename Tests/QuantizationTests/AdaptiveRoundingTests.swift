import Quantization
import Testing

@Suite("AdaRound learns which weights to round up")
struct AdaptiveRoundingTests {
    /// Uniform in -1..<1.
    private struct Noise {
        var state: UInt64

        mutating func floats(_ count: Int) -> [Float] {
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
            }
        }
    }

    private static func error(_ bytes: [Int8], _ weights: [Float], scale: Float, _ inputs: [Float]) -> Double {
        let count = weights.count
        return stride(from: 0, to: inputs.count, by: count).reduce(0.0) { sum, start in
            let difference = (0..<count).reduce(0.0) {
                $0 + Double(Float(bytes[$1]) - weights[$1] / scale) * Double(inputs[start + $1])
            }
            return sum + difference * difference
        }
    }

    @Test("The sums are nearer to the real ones than with the nearest integers", arguments: [1, 3, 9, 24])
    func better(_ count: Int) {
        var noise = Noise(state: UInt64(count))
        // Inputs that go together, as those of real layers do.
        let common = noise.floats(64)
        let inputs = common.flatMap { shared in noise.floats(count).map { shared + 0.3 * $0 + 0.5 } }
        let rounding = AdaptiveRounding(inputs: inputs, originals: inputs, count: count)
        var (nearest, learned) = (0.0, 0.0)
        for _ in 0..<4 {
            let weights = noise.floats(count)
            let scale: Float = 1 / 20
            let result = rounding.round(weights, scale: scale, iterations: 120)
            #expect(result == rounding.round(weights, scale: scale, iterations: 120))
            #expect(result.error <= result.nearestError)
            for (byte, weight) in zip(result.weights, weights) {
                let steps = weight / scale
                #expect(Float(byte) >= steps.rounded(.down) && Float(byte) <= steps.rounded(.up))
            }
            let bytes = weights.map { Int8(($0 / scale).rounded(.toNearestOrAwayFromZero)) }
            nearest += Self.error(bytes, weights, scale: scale, inputs)
            learned += Self.error(result.weights, weights, scale: scale, inputs)
        }
        #expect(learned <= nearest * 1.0001)
        if count >= 9 { #expect(learned < 0.5 * nearest) }
    }

    @Test("What the rounding of the inputs costs is made up for by the weights")
    func inputs() {
        var noise = Noise(state: 7)
        let originals = noise.floats(64 * 16).map { $0 + 1 }
        let rounded = originals.map { ($0 * 4).rounded(.down) / 4 }
        let weights = noise.floats(16)
        let rounding = AdaptiveRounding(inputs: rounded, originals: originals, count: 16)
        let result = rounding.round(weights, scale: 1 / 30, iterations: 200)
        #expect(result.error < result.nearestError)
    }

    @Test("Without iterations, inputs or errors the nearest integers stay")
    func nothing() {
        let rounding = AdaptiveRounding(inputs: [1, 2, 3, 4], originals: [1, 2, 3, 4], count: 2)
        #expect(rounding.round([0.4, 0.6], scale: 1, iterations: 0).weights == [0, 1])
        #expect(rounding.round([3, -4], scale: 1, iterations: 50).weights == [3, -4])
        #expect(rounding.round([300, -300], scale: 1, iterations: 50).weights == [127, -127])
        let empty = AdaptiveRounding(inputs: [], originals: [], count: 2)
        #expect(empty.round([0.4, 0.6], scale: 1, iterations: 10).weights == [0, 1])
    }
}
