import Kernels
import Quantization
import Testing

/// A small generator of its own, so that a seed gives the same cases everywhere.
struct Randomness: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Random lanes, of which about half are the least or the greatest value.
    mutating func lanes<Lane: FixedWidthInteger>(_ count: Int, _ lane: Lane.Type = Lane.self) -> [Lane] {
        (0..<count).map { _ in
            let bits = next()
            switch bits >> 62 {
            case 0: return Lane.min
            case 1: return Lane.max
            default: return Lane(truncatingIfNeeded: bits)
            }
        }
    }

    mutating func channels(_ count: Int) throws -> [Requantization] {
        try lanes(count, Int32.self).map {
            try Requantization(
                multiplier: $0,
                leftShift: Int32.random(in: 0...31, using: &self),
                rightShift: Int32.random(in: 0...31, using: &self)
            )
        }
    }
}

@Suite("Every variant equals the reference in every byte")
struct KernelPropertyTests {
    static let sizes = [0, 1, 3, 4, 31, 32, 33, 127, 128, 129, 255, 256, 257]

    @Test("Sums over all widths, signed weights", arguments: sizes)
    func widths(_ inputCount: Int) throws {
        for outputCount in [1, 5, 33] {
            try check(rows: 3, inputCount: inputCount, outputCount: outputCount, seed: UInt64(inputCount))
        }
    }

    @Test("Sums over all heights, signed weights", arguments: sizes)
    func heights(_ outputCount: Int) throws {
        try check(rows: 2, inputCount: 9, outputCount: outputCount, seed: UInt64(outputCount) + 1000)
    }

    @Test("Sums over all row counts", arguments: [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17])
    func rows(_ rows: Int) throws {
        try check(rows: rows, inputCount: 13, outputCount: 35, seed: UInt64(rows) + 2000)
    }

    @Test("Unsigned weights with any zero point", arguments: [UInt8(0), 1, 127, 128, 129, 255])
    func unsignedWeights(_ zeroPoint: UInt8) throws {
        var random = Randomness(state: 3000 + UInt64(zeroPoint))
        for inputCount in [0, 1, 31, 129] {
            let weights = WeightMatrix.uint8(random.lanes(34 * inputCount), zeroPoint: zeroPoint)
            try check(rows: 2, weights: weights, inputCount: inputCount, outputCount: 34, random: &random)
        }
    }

    @Test("Largest sums of a long row wrap as the instruction does")
    func largest() throws {
        // 70,000 · 255 · -128 leaves 32 bits.
        let inputCount = 70_000
        let layer = try FullyConnected(
            weights: .int8([Int8](repeating: -128, count: inputCount)),
            biases: [.min],
            inputCount: inputCount,
            outputCount: 1,
            inputZeroPoint: 0
        )
        let sum = Int32(truncatingIfNeeded: Int64(inputCount) * 255 * -128 + Int64(Int32.min))
        for variant in KernelVariant.available {
            let input = [UInt8](repeating: 255, count: inputCount)
            #expect(try layer.accumulators(input, rows: 1, variant: variant) == [sum])
        }
    }

    @Test("Starts that are not aligned", arguments: 0..<8)
    func unaligned(_ start: Int) throws {
        var random = Randomness(state: 4000 + UInt64(start))
        let memory: [UInt8] = random.lanes(start + 5 * 67)
        let layer = try FullyConnected(
            weights: .int8(random.lanes(37 * 67)),
            biases: random.lanes(37),
            inputCount: 67,
            outputCount: 37,
            inputZeroPoint: 3
        )
        let expected = try layer.accumulators([UInt8](memory[start...]), rows: 5, variant: .scalar)
        for variant in KernelVariant.available {
            let sums = try memory.withUnsafeBufferPointer {
                try layer.signedAccumulators(UnsafeBufferPointer(rebasing: $0[start...]), rows: 5, variant: variant)
            }
            #expect(sums == expected)
        }
    }

    @Test("Requantization of extreme sums, multipliers and shifts", arguments: sizes)
    func requantize(_ channelCount: Int) throws {
        var random = Randomness(state: 5000 + UInt64(channelCount))
        let channels = try random.channels(channelCount)
        let sums: [Int32] = random.lanes(3 * channelCount)
        let zeroPoint = UInt8.random(in: 0...255, using: &random)
        let low = UInt8.random(in: 0...255, using: &random)
        let range = low...UInt8.random(in: low...255, using: &random)
        let expected = try ReferenceRequantize.bytes(
            sums,
            rows: 3,
            channels: channels,
            zeroPoint: zeroPoint,
            range: range
        )
        let stage = RequantizeStage(channels: channels, zeroPoint: zeroPoint, range: range)
        for variant in KernelVariant.available {
            #expect(try stage.bytes(sums, rows: 3, variant: variant) == expected, "\(variant)")
        }
        let scalar = sums.indices.map {
            channels[$0 % channels.count].byte(sums[$0], zeroPoint: Int32(zeroPoint), range: range)
        }
        #expect(scalar == expected)
    }

    @Test("The one product that saturates")
    func saturatingProduct() throws {
        let channel = try Requantization(multiplier: .min, leftShift: 0, rightShift: 0)
        #expect(channel.scale(.min) == .max)
        let stage = RequantizeStage(channels: Array(repeating: channel, count: 16), zeroPoint: 0)
        for variant in KernelVariant.available {
            let sums = [Int32](repeating: .min, count: 16)
            #expect(try stage.bytes(sums, rows: 1, variant: variant) == Array(repeating: 255, count: 16))
        }
    }

    private func check(rows: Int, inputCount: Int, outputCount: Int, seed: UInt64) throws {
        var random = Randomness(state: seed)
        let weights = WeightMatrix.int8(random.lanes(outputCount * inputCount))
        try check(rows: rows, weights: weights, inputCount: inputCount, outputCount: outputCount, random: &random)
    }

    private func check(
        rows: Int,
        weights: WeightMatrix,
        inputCount: Int,
        outputCount: Int,
        random: inout Randomness
    ) throws {
        let input: [UInt8] = random.lanes(rows * inputCount)
        let biases: [Int32] = random.lanes(outputCount)
        let zeroPoint = UInt8.random(in: 0...255, using: &random)
        let expected = try ReferenceFullyConnected.accumulators(
            input,
            rows: rows,
            weights: weights,
            biases: biases,
            inputCount: inputCount,
            outputCount: outputCount,
            inputZeroPoint: zeroPoint
        )
        let layer = try FullyConnected(
            weights: weights,
            biases: biases,
            inputCount: inputCount,
            outputCount: outputCount,
            inputZeroPoint: zeroPoint
        )
        for variant in KernelVariant.available {
            #expect(try layer.accumulators(input, rows: rows, variant: variant) == expected, "\(variant)")
        }
    }
}

@Suite("Operators refuse what does not fit")
struct KernelErrorTests {
    @Test("Counts and shapes are checked")
    func counts() throws {
        #expect(throws: KernelError.count(what: "weights", expected: 6, actual: 5)) {
            try FullyConnected(
                weights: .int8([1, 2, 3, 4, 5]),
                biases: [0, 0],
                inputCount: 3,
                outputCount: 2,
                inputZeroPoint: 0
            )
        }
        #expect(throws: KernelError.invalidShape([-1, 3])) {
            try FullyConnected(weights: .int8([]), biases: [], inputCount: 3, outputCount: -1, inputZeroPoint: 0)
        }
        let layer = try FullyConnected(
            weights: .int8([1, 2, 3]),
            biases: [0],
            inputCount: 3,
            outputCount: 1,
            inputZeroPoint: 0
        )
        #expect(throws: KernelError.count(what: "input", expected: 6, actual: 3)) {
            try layer.accumulators([1, 2, 3], rows: 2)
        }
        #expect(throws: KernelError.invalidShape([.max, 3])) { try layer.accumulators([1, 2, 3], rows: .max) }
        let stage = RequantizeStage(channels: [try Requantization(realMultiplier: 0.5)], zeroPoint: 0)
        #expect(throws: KernelError.count(what: "accumulators", expected: 2, actual: 1)) {
            try stage.bytes([1], rows: 2)
        }
    }

    @Test("The variants of this machine pass their self-test")
    func selfTest() {
        #expect(KernelVariant.available.first == .scalar)
        #expect(KernelVariant.failed.isEmpty)
        #expect(KernelVariant.available == KernelVariant.allCases.filter(\.isSupported))
        #expect(KernelVariant.available.contains(.best))
    }
}
