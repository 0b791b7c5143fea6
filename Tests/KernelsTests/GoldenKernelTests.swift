import Kernels
import Quantization
import Testing

@Suite("Kernels give the bytes of the emulator")
struct GoldenKernelTests {
    @Test("All cases are there")
    func count() throws {
        #expect(try GoldenKernel.all("matmul").count == 16)
        #expect(try GoldenKernel.all("requant").count == 3)
    }

    @Test("Fully connected, reference and every fast variant", arguments: try GoldenKernel.all("matmul"))
    func fullyConnected(_ golden: GoldenKernel) throws {
        let rows = try golden.number("M")
        let inputCount = try golden.number("K")
        let outputCount = try golden.number("N")
        let inputZeroPoint = UInt8(try golden.number("input_zero_point"))
        let weights: WeightMatrix =
            try golden.word("weight_type") == "s8"
            ? .int8(try golden.signedBytes("weights"))
            : .uint8(try golden.bytes("weights"), zeroPoint: UInt8(try golden.number("weight_zero_point")))
        let input = try golden.bytes("input")
        let biases = try golden.words("bias")
        let expected = try golden.words("accumulator")
        let sums = try ReferenceFullyConnected.accumulators(
            input,
            rows: rows,
            weights: weights,
            biases: biases,
            inputCount: inputCount,
            outputCount: outputCount,
            inputZeroPoint: inputZeroPoint
        )
        #expect(sums == expected)
        let layer = try FullyConnected(
            weights: weights,
            biases: biases,
            inputCount: inputCount,
            outputCount: outputCount,
            inputZeroPoint: inputZeroPoint
        )
        for variant in KernelVariant.available {
            #expect(try layer.accumulators(input, rows: rows, variant: variant) == expected, "\(variant)")
        }
        try checkRequantization(golden, sums: expected, rows: rows)
    }

    @Test("Requantization alone, reference and every fast variant", arguments: try GoldenKernel.all("requant"))
    func requantize(_ golden: GoldenKernel) throws {
        // Each element has parameters of its own: one row of as many channels.
        let sums = try golden.words("accumulator")
        try checkRequantization(golden, sums: sums, rows: 1)
        let words = try golden.words("word_before_narrowing")
        for (index, channel) in try channels(golden).enumerated() {
            #expect(channel.scale(sums[index]) == words[index])
        }
    }

    private func channels(_ golden: GoldenKernel) throws -> [Requantization] {
        let left = try golden.words("left_shift")
        let right = try golden.words("right_shift")
        return try golden.words("multiplier").enumerated().map {
            try Requantization(multiplier: $1, leftShift: left[$0], rightShift: right[$0])
        }
    }

    private func checkRequantization(_ golden: GoldenKernel, sums: [Int32], rows: Int) throws {
        let channels = try channels(golden)
        let zeroPoint = UInt8(try golden.number("output_zero_point"))
        let range = UInt8(try golden.number("out_min"))...UInt8(try golden.number("out_max"))
        let expected = try golden.bytes("output")
        let reference = try ReferenceRequantize.bytes(
            sums,
            rows: rows,
            channels: channels,
            zeroPoint: zeroPoint,
            range: range
        )
        #expect(reference == expected)
        let stage = RequantizeStage(channels: channels, zeroPoint: zeroPoint, range: range)
        for variant in KernelVariant.available {
            #expect(try stage.bytes(sums, rows: rows, variant: variant) == expected, "\(variant)")
        }
        let scalar = sums.indices.map {
            channels[$0 % channels.count].byte(sums[$0], zeroPoint: Int32(zeroPoint), range: range)
        }
        #expect(scalar == expected)
    }
}
