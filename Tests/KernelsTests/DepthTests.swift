import Conformance
import Kernels
import Testing

@Suite("Depth")
struct DepthTests {
    @Test("Definition, formula and every variant differ by nothing after 1 to 29 layers")
    func noErrorGrows() throws {
        var random = Randomness(state: 29)
        let chain = try DepthChain(layers: 29, channels: 9, size: 5, using: &random)
        let depths = try chain.compare()
        #expect(depths.map(\.depth) == Array(1...29))
        for depth in depths {
            #expect(depth.byteCount == 5 * 5 * 9)
            #expect(depth.differing.map(\.implementation) == ["formula"] + KernelVariant.available.map(\.rawValue))
            #expect(depth.differing.allSatisfy { $0.bytes == 0 }, "after \(depth.depth) layers: \(depth.differing)")
        }
        // The chain is not dead: quantization has its error, and a simulation in floats departs from the integers.
        let deepest = try #require(depths.last)
        #expect(deepest.unquantized.mean > 0 && deepest.unquantized.mean < 1)
        #expect(deepest.simulation.mean > 0 && deepest.simulation.mean < deepest.unquantized.mean)
    }
}
