import HVX
import Kernels
import Quantization
import Testing

@Suite("Packets that a Hexagon needs at least")
struct HexagonCostTests {
    private static func stage(_ channels: Int, range: ClosedRange<UInt8> = 0...255) throws -> RequantizeStage {
        let one = try Requantization(multiplier: 1 << 30, leftShift: 0, rightShift: 4)
        return RequantizeStage(channels: [Requantization](repeating: one, count: channels), zeroPoint: 3, range: range)
    }

    @Test("A fully-connected layer counts its products, its weights and its requantization")
    func fullyConnected() throws {
        // 4 registers of 32 outputs times 32 words of inputs: 128 vrmpy, two in a packet. One load for the input and 128
        // for the weights, two in a packet. For each register of sums two multiplications of both units.
        let operation = try Convolution.fullyConnected(
            inputs: 128,
            weights: .int8([Int8](repeating: 1, count: 128 * 128)),
            biases: [Int32](repeating: 0, count: 128),
            inputZeroPoint: 0,
            result: .bytes(Self.stage(128))
        )
        let packets = try Operator.convolution(operation).hexagonPackets()
        #expect(packets.packets == (128 + 4 * 4) / 2)
        // Products, loads and the store, four instructions for each register of sums, and their narrowing.
        #expect(packets.instructions == 128 + 129 + 1 + 4 * 4 + 2 * 2 + 1)
        var sums = operation
        sums.result = .sums
        #expect(try Operator.convolution(sums).hexagonPackets().packets == (129 + 4) / 2 + 1)
    }

    @Test("Every instruction that is counted is in the catalogue, for each operator")
    func all() throws {
        let map = FeatureMap(height: 4, width: 4, channels: 32)
        let window = Window(height: 2, width: 2, strideY: 2, strideX: 2)
        let one = try Self.stage(1, range: 1...200)
        let each = try Self.stage(32)
        let operators: [Operator] = [
            .convolution(
                Convolution(
                    input: map,
                    window: window,
                    groups: 32,
                    weights: .uint8([UInt8](repeating: 1, count: 128), zeroPoint: 1),
                    biases: [Int32](repeating: 0, count: 32),
                    inputZeroPoint: 0,
                    result: .bytes(each)
                )
            ),
            .wideConvolution(
                WideConvolution(
                    input: map,
                    weights: [Int8](repeating: 1, count: 32 * 32),
                    biases: [Int32](repeating: 0, count: 32),
                    result: .halfwords(each.channels, range: -5...5)
                )
            ),
            .addition(
                try Addition(
                    count: 500,
                    aMultiplier: 3,
                    bMultiplier: 3,
                    aZeroPoint: 0,
                    bZeroPoint: 0,
                    shift: 3,
                    zeroPoint: 0
                )
            ),
            .multiplication(try Multiplication(count: 500, aZeroPoint: 0, bZeroPoint: 0, stage: one)),
            .table(try ByteTable(count: 500, table: [UInt8](repeating: 0, count: 256))),
            .softmax(
                try TableSoftmax(
                    outer: 1,
                    channels: 500,
                    exponentials: [UInt16](repeating: 1, count: 256)
                )
            ),
            .maximumPool(MaximumPool(input: map, window: window, range: 1...9)),
            .averagePool(AveragePool(input: map, window: window, inputZeroPoint: 0, counts: one)),
            .concatenation(
                try Concatenation(
                    outer: 2,
                    parts: [
                        Concatenation.Part(count: 200),
                        Concatenation.Part(count: 300, table: [UInt8](repeating: 0, count: 256)),
                    ]
                )
            ),
            .transposition(try Transposition(shape: [2, 250], order: [1, 0])),
            .resize(
                try Resize(
                    input: map,
                    rows: [Resize.Source(first: 0, second: 1, fraction: 64)],
                    columns: [Resize.Source(first: 0, second: 1, fraction: 64)]
                )
            ),
            .gather(try Gather(indices: 3, width: 64, table: [UInt8](repeating: 0, count: 640))),
        ]
        for operation in operators {
            let packets = try operation.hexagonPackets()
            #expect(packets.packets > 0 && packets.packets <= packets.instructions, "\(operation)")
        }
    }

    @Test("A variant does as many multiply-adds as it says, in proportion to the turns")
    func peak() {
        for variant in KernelVariant.allCases where variant.isSupported {
            let one = variant.multiplyAdds(turns: 1)
            #expect(one > 0)
            #expect(variant.multiplyAdds(turns: 1000) == 1000 * one)
            #expect(variant.multiplyAdds(turns: 0) == 0)
        }
    }
}
