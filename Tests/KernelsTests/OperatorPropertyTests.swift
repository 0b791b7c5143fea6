import Conformance
import Kernels
import Quantization
import Testing

@Suite("Reference, naive formula and every variant agree in every byte", .timeLimit(.minutes(3)))
struct OperatorPropertyTests {
    @Test("Convolutions of bytes", arguments: 0..<160)
    func convolution(_ seed: Int) throws {
        try check(seed) { try .convolution($0.convolution()) }
    }

    @Test("Convolutions of bytes by 3x3 kernels", arguments: 0..<24)
    func usualConvolution(_ seed: Int) throws {
        try check(seed) { try .convolution($0.usualConvolution()) }
    }

    @Test("Convolutions of halfwords", arguments: 0..<40)
    func wideConvolution(_ seed: Int) throws {
        try check(seed) { try .wideConvolution($0.wideConvolution()) }
    }

    @Test("Additions", arguments: 0..<30)
    func addition(_ seed: Int) throws {
        try check(seed) { try .addition($0.addition()) }
    }

    @Test("Multiplications", arguments: 0..<30)
    func multiplication(_ seed: Int) throws {
        try check(seed) { try .multiplication($0.multiplication()) }
    }

    @Test("Tables", arguments: 0..<15)
    func table(_ seed: Int) throws {
        try check(seed) { try .table(ByteTable(count: $0.count(), table: $0.table())) }
    }

    @Test("Softmax", arguments: 0..<20)
    func softmax(_ seed: Int) throws {
        try check(seed) { try .softmax($0.softmax()) }
    }

    @Test("Greatest of windows", arguments: 0..<30)
    func maximumPool(_ seed: Int) throws {
        try check(seed) { .maximumPool($0.maximumPool()) }
    }

    @Test("Means of windows", arguments: 0..<30)
    func averagePool(_ seed: Int) throws {
        try check(seed) { try .averagePool($0.averagePool()) }
    }

    @Test("Concatenations", arguments: 0..<20)
    func concatenation(_ seed: Int) throws {
        try check(seed) { try .concatenation($0.concatenation()) }
    }

    @Test("Borders", arguments: 0..<15)
    func border(_ seed: Int) throws {
        try check(seed) { try .border($0.border()) }
    }

    @Test("Transpositions", arguments: 0..<20)
    func transposition(_ seed: Int) throws {
        try check(seed) { try .transposition($0.transposition()) }
    }

    @Test("Slices", arguments: 0..<20)
    func slice(_ seed: Int) throws {
        try check(seed) { try .slice($0.slice()) }
    }

    @Test("Resized maps", arguments: 0..<20)
    func resize(_ seed: Int) throws {
        try check(seed) { try .resize($0.resize()) }
    }

    @Test("Rows of tables", arguments: 0..<15)
    func gather(_ seed: Int) throws {
        try check(seed) { try .gather($0.gather()) }
    }

    private func check(_ seed: Int, _ make: (inout Randomness) throws -> Operator) throws {
        var random = Randomness(state: UInt64(seed))
        let operation = try make(&random)
        try expectAgreement(operation, rows: random.pick([0, 1, 1, 1, 2, 3]), &random, "seed \(seed)")
    }
}

@Suite("Operators at the ends of their ranges", .timeLimit(.minutes(1)))
struct OperatorExtremeTests {
    @Test("Sums that leave 32 bits wrap", arguments: [UInt8(0), 255])
    func wrappingSums(_ zeroPoint: UInt8) throws {
        var random = Randomness(state: 1)
        // 8448 · 255 · -128 leaves 31 bits, and so does 8448 · 255 · 255 against a bias at the end.
        let inputs = 8448
        let filled: [(WeightMatrix, UInt8)] = [
            (.int8([Int8](repeating: -128, count: inputs)), 255),
            (.int8([Int8](repeating: 127, count: inputs)), 255),
            (.uint8([UInt8](repeating: 255, count: inputs), zeroPoint: 0), 255),
            (.uint8([UInt8](repeating: 0, count: inputs), zeroPoint: 255), 255),
            (.int8([Int8](repeating: -128, count: inputs)), 0),
        ]
        for (weights, input) in filled {
            for bias in [Int32.min, .max] {
                let layer = Convolution.fullyConnected(
                    inputs: inputs,
                    weights: weights,
                    biases: [bias],
                    inputZeroPoint: zeroPoint,
                    result: .sums
                )
                try expectAgreement(
                    .convolution(layer),
                    inputs: [[UInt8](repeating: input, count: inputs)],
                    rows: 1,
                    &random,
                    "\(input), \(bias)"
                )
            }
        }
    }

    @Test("Sums of halfwords that leave 32 bits wrap")
    func wrappingWideSums() throws {
        var random = Randomness(state: 2)
        // 514 · 32767 · 127 and 514 · -32768 · -128 leave 31 bits; the sum of a pair of the latter does not fit 16 bits.
        for (half, weight) in [(Int16.min, Int8.min), (.min, .max), (.max, .min), (.max, .max)] {
            let layer = WideConvolution(
                input: FeatureMap(height: 1, width: 1, channels: 514),
                weights: [Int8](repeating: weight, count: 514),
                biases: [weight < 0 ? .max : .min],
                result: .sums
            )
            let input = (0..<514).flatMap { _ in Formula.littleEndian(Int(half), bytes: 2) }
            try expectAgreement(.wideConvolution(layer), inputs: [input], rows: 1, &random, "\(half), \(weight)")
        }
    }

    @Test("The one product that saturates, and every shift")
    func requantization() throws {
        var random = Randomness(state: 3)
        var (biases, channels) = ([Int32](), [Requantization]())
        for multiplier in [Int32.min, .min + 1, -1, 0, 1, 1 << 30, .max] {
            for bias in [Int32.min, .min + 1, -1 << 30, -1, 0, 1, 1 << 30, .max - 1, .max] {
                for (left, right) in [(0, 0), (0, 1), (0, 16), (0, 30), (0, 31), (1, 0), (31, 31), (31, 0), (8, 15)] {
                    biases.append(bias)
                    channels.append(
                        try Requantization(multiplier: multiplier, leftShift: Int32(left), rightShift: Int32(right))
                    )
                }
            }
        }
        // A layer without products: its sums are the biases.
        for zeroPoint: UInt8 in [0, 128, 255] {
            let layer = Convolution.fullyConnected(
                inputs: 1,
                weights: .int8([Int8](repeating: 0, count: biases.count)),
                biases: biases,
                inputZeroPoint: 7,
                result: .bytes(RequantizeStage(channels: channels, zeroPoint: zeroPoint))
            )
            try expectAgreement(.convolution(layer), inputs: [[9]], rows: 1, &random, "zero point \(zeroPoint)")
        }
    }

    @Test("Every pair of bytes", arguments: [Int32(0), 1, 14, 15])
    func everyPair(_ shift: Int32) throws {
        var random = Randomness(state: 4)
        let a = (0..<65536).map { UInt8(truncatingIfNeeded: $0) }
        let b = (0..<65536).map { UInt8(truncatingIfNeeded: $0 >> 8) }
        let addition = try Addition(
            count: 65536,
            aMultiplier: .min,
            bMultiplier: shift == 0 ? 1 : .max,
            aZeroPoint: 3,
            bZeroPoint: 250,
            shift: shift,
            zeroPoint: 128
        )
        try expectAgreement(.addition(addition), inputs: [a, b], rows: 1, &random, "shift \(shift)")
        let stage = RequantizeStage(
            channels: [try Requantization(realMultiplier: 0.004 * Double(shift + 1))],
            zeroPoint: 100
        )
        let product = try Multiplication(count: 65536, aZeroPoint: 0, bZeroPoint: 255, stage: stage)
        try expectAgreement(.multiplication(product), inputs: [a, b], rows: 1, &random, "shift \(shift)")
    }

    @Test("A mean over a map as large as a camera's last one, all bytes the same", arguments: [UInt8(0), 255])
    func largeMean(_ zeroPoint: UInt8) throws {
        var random = Randomness(state: 5)
        let input = FeatureMap(height: 40, width: 40, channels: 3)
        let pool = AveragePool(
            input: input,
            window: Window(height: 40, width: 40),
            inputZeroPoint: zeroPoint,
            counts: RequantizeStage(channels: [try Requantization(realMultiplier: 1 / 1600)], zeroPoint: zeroPoint)
        )
        for byte: UInt8 in [0, 1, 254, 255] {
            let bytes = [UInt8](repeating: byte, count: input.count)
            try expectAgreement(.averagePool(pool), inputs: [bytes], rows: 1, &random, "\(byte)")
            #expect(try Operator.averagePool(pool).reference([bytes], rows: 1) == [byte, byte, byte])
        }
    }
}

@Suite("Operators refuse what they cannot compute, and trap at nothing")
struct OperatorRefusalTests {
    @Test("A slice of wild numbers")
    func slice() throws {
        for step in [Int.min, .min + 1, -1 << 40, 1 << 40, .max] {
            let one = try Slice(shape: [3, 5], start: [1, 2], step: [step, step], outputShape: [1, 1])
            #expect(try Operator.slice(one).reference([Array(0..<15)], rows: 1) == [7])
            #expect(throws: KernelError.self) {
                try Slice(shape: [3, 5], start: [1, 2], step: [step, 1], outputShape: [2, 1])
            }
            let none = try Slice(shape: [3, 5], start: [step, 0], step: [step, 1], outputShape: [0, 5])
            #expect(try Operator.slice(none).reference([Array(0..<15)], rows: 1) == [])
            for variant in KernelVariant.available {
                #expect(try PreparedOperator(.slice(one), variant: variant)([Array(0..<15)], rows: 1) == [7])
                #expect(try PreparedOperator(.slice(none), variant: variant)([Array(0..<15)], rows: 1) == [])
            }
        }
    }

    @Test("Inputs of another number or size, and batches that no memory holds")
    func counts() throws {
        let sum = try Addition(
            count: 2,
            aMultiplier: 1,
            bMultiplier: 1,
            aZeroPoint: 0,
            bZeroPoint: 0,
            shift: 0,
            zeroPoint: 0
        )
        let operation = Operator.addition(sum)
        let runs: [([[UInt8]], Int) throws -> [UInt8]] = [
            { try operation.reference($0, rows: $1) }, { try Formula.output(operation, $0, rows: $1) },
            { try PreparedOperator(operation)($0, rows: $1) },
        ]
        for run in runs {
            #expect(throws: KernelError.count(what: "inputs", expected: 2, actual: 1)) { try run([[1, 2]], 1) }
            #expect(throws: KernelError.count(what: "input", expected: 2, actual: 3)) {
                try run([[1, 2], [1, 2, 3]], 1)
            }
            #expect(throws: KernelError.self) { try run([[1, 2], [1, 2]], .max) }
            #expect(throws: KernelError.self) { try run([[1, 2], [1, 2]], -1) }
            #expect(try run([[1, 2], [250, 254]], 1) == [251, 255])
            #expect(try run([[], []], 0) == [])
        }
    }

    @Test("More multiply-adds than can be counted are an error")
    func multiplyAdds() throws {
        let huge = Convolution(
            input: FeatureMap(height: 1 << 20, width: 1 << 20, channels: 1 << 18),
            weights: .int8([Int8](repeating: 0, count: 1 << 18)),
            biases: [0],
            inputZeroPoint: 0,
            result: .sums
        )
        #expect(try Operator.convolution(huge).multiplyAdds() == 1 << 58)
        let larger = Convolution(
            input: FeatureMap(height: 1 << 20, width: 1 << 20, channels: 1 << 18),
            window: Window(height: 4, width: 4, padding: Window.Edges(top: 3, left: 3)),
            groups: 1 << 18,
            weights: .int8([Int8](repeating: 0, count: 1 << 22)),
            biases: [Int32](repeating: 0, count: 1 << 18),
            inputZeroPoint: 0,
            result: .sums
        )
        #expect(throws: KernelError.self) { try Operator.convolution(larger).multiplyAdds() }
    }

    @Test("The variants of this machine pass their self-test")
    func selfTest() {
        #expect(KernelVariant.available.first == .scalar)
        #expect(KernelVariant.failed.isEmpty)
        #expect(KernelVariant.available == KernelVariant.allCases.filter(\.isSupported))
        #expect(KernelVariant.available.contains(.best))
    }
}
