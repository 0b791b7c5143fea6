import HexagonCode
import HexagonTools
import Kernels
import Quantization
import Testing

/// A small generator of its own, so that a seed gives the same model everywhere.
struct Randomness: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Elements of which about a quarter are the least or the greatest.
    mutating func elements<Element: FixedWidthInteger>(_ count: Int) -> [Element] {
        (0..<count).map { _ in
            let bits = next()
            return bits >> 60 == 0 ? .min : bits >> 60 < 4 ? .max : Element(truncatingIfNeeded: bits)
        }
    }

    mutating func range() -> ClosedRange<UInt8> {
        let low = UInt8.random(in: 0...60, using: &self)
        return low...UInt8.random(in: 150...255, using: &self)
    }

    /// Channels whose real multiplier brings a sum of that many products to about a byte.
    mutating func stage(_ count: Int, products: Int) throws -> RequantizeStage {
        let channels = try (0..<count).map { _ in
            try Requantization(realMultiplier: Double.random(in: 0.2...2, using: &self) / (32 * Double(products)))
        }
        return RequantizeStage(channels: channels, zeroPoint: UInt8(truncatingIfNeeded: next()), range: range())
    }

    /// A convolution with random weights; `unsigned` ones have a zero point.
    mutating func convolution(
        _ input: FeatureMap,
        _ window: Window = Window(),
        outputs: Int,
        groups: Int = 1,
        unsigned: Bool = false,
        sums: Bool = false
    ) throws -> Operator {
        let reduction = window.taps * input.channels / groups
        let weights: WeightMatrix =
            unsigned
            ? .uint8(elements(outputs * reduction), zeroPoint: UInt8(truncatingIfNeeded: next()))
            : .int8(elements(outputs * reduction))
        let biases = (0..<outputs).map { _ in Int32.random(in: -100_000...100_000, using: &self) }
        return .convolution(
            Convolution(
                input: input,
                window: window,
                groups: groups,
                weights: weights,
                biases: biases,
                inputZeroPoint: UInt8(truncatingIfNeeded: next()),
                result: sums ? .sums : .bytes(try stage(outputs, products: reduction))
            )
        )
    }

    mutating func addition(_ count: Int, shift: Int32) throws -> Operator {
        let multipliers: [Int16] = elements(2)
        let zeroPoints: [UInt8] = elements(3)
        return .addition(
            try Addition(
                count: count,
                aMultiplier: multipliers[0],
                bMultiplier: multipliers[1],
                aZeroPoint: zeroPoints[0],
                bZeroPoint: zeroPoints[1],
                shift: shift,
                zeroPoint: zeroPoints[2],
                range: range()
            )
        )
    }

    mutating func average(_ input: FeatureMap, _ window: Window, countsPadding: Bool = false) throws -> Operator {
        let zeroPoint = UInt8(truncatingIfNeeded: next())
        let isUniform = countsPadding || window.padding == Window.Edges()
        let channels = try (isUniform ? window.taps...window.taps : 1...window.taps).map {
            try Requantization(realMultiplier: 1.3 / Double($0))
        }
        let stage = RequantizeStage(channels: channels, zeroPoint: UInt8(truncatingIfNeeded: next()), range: range())
        return .averagePool(
            AveragePool(
                input: input,
                window: window,
                countsPadding: countsPadding,
                inputZeroPoint: zeroPoint,
                counts: stage
            )
        )
    }
}

@Suite(
    "A program for Hexagon gives the bytes of our engine",
    .enabled(if: HexagonTools.arePresent, "\(HexagonTools.comment)"),
    .timeLimit(.minutes(3))
)
struct HexagonProgramTests {
    /// Each operator on inputs of its own, all in one program, against the definition and the fastest path here.
    private func check(_ operators: [Operator], seed: UInt64, rows: Int = 2, version: Int = 66) async throws {
        var random = Randomness(state: seed)
        var valueBytes: [Int] = []
        var steps: [HexagonProgram.Step] = []
        var inputs: [Int] = []
        for (number, operation) in operators.enumerated() {
            let bytes = try operation.inputBytes() + [operation.outputBytes()]
            let values = Array(valueBytes.count..<valueBytes.count + bytes.count)
            valueBytes += bytes
            inputs += values.dropLast()
            steps.append(
                HexagonProgram.Step(
                    operation,
                    inputs: Array(values.dropLast()),
                    output: values[bytes.count - 1],
                    name: "operator \(number)"
                )
            )
        }
        let program = try HexagonProgram(
            valueBytes: valueBytes,
            inputs: inputs,
            outputs: steps.map(\.output),
            steps: steps
        )
        var memory: [UInt8] = []
        var expected: [[UInt8]] = []
        for _ in 0..<rows {
            for step in steps {
                let values: [[UInt8]] = step.inputs.map { random.elements(valueBytes[$0]) }
                memory += values.joined()
                expected.append(try step.operation.reference(values, rows: 1))
            }
        }
        let output = try await HexagonTools.run(program.source(), input: memory, version: version)
        #expect(output.count == expected.joined().count)
        // A model that only gives its limits would show nothing.
        #expect(Set(expected.joined()).count > 100)
        var offset = 0
        for (index, bytes) in expected.enumerated() {
            let actual = Array(output.dropFirst(offset).prefix(bytes.count))
            offset += bytes.count
            #expect(
                actual == bytes,
                "operator \(index % operators.count), row \(index / operators.count), seed \(seed)"
            )
        }
    }

    @Test("Fully-connected layers of any width, signed and unsigned weights", arguments: [65, 66, 67])
    func fullyConnected(_ version: Int) async throws {
        var random = Randomness(state: UInt64(version))
        let widths = [(1, 1), (3, 5), (4, 32), (17, 33), (64, 127), (128, 128), (129, 10), (255, 257)]
        let operators = try widths.flatMap { inputs, outputs in
            let map = FeatureMap(height: 1, width: 1, channels: inputs)
            return [
                try random.convolution(map, outputs: outputs),
                try random.convolution(map, outputs: outputs, unsigned: true),
                try random.convolution(map, outputs: outputs, sums: true),
            ]
        }
        try await check(operators, seed: 1, version: version)
    }

    @Test("Convolutions with strides, padding, dilation and groups")
    func convolutions() async throws {
        var random = Randomness(state: 2)
        let small = FeatureMap(height: 6, width: 7, channels: 3)
        let wide = FeatureMap(height: 4, width: 5, channels: 36)
        let around = Window.Edges(top: 1, left: 1, bottom: 1, right: 1)
        let uneven = Window.Edges(top: 0, left: 2, bottom: 3, right: 1)
        try await check(
            [
                random.convolution(small, Window(height: 3, width: 3, padding: around), outputs: 8),
                random.convolution(small, Window(height: 3, width: 3, strideY: 2, strideX: 2), outputs: 33),
                random.convolution(small, Window(height: 2, width: 3, dilationY: 2, dilationX: 3), outputs: 5),
                random.convolution(small, Window(height: 5, width: 4, strideX: 3, padding: uneven), outputs: 130),
                random.convolution(wide, Window(height: 1, width: 1), outputs: 64),
                random.convolution(wide, Window(height: 3, width: 3, padding: around), outputs: 12, groups: 4),
                random.convolution(
                    wide,
                    Window(height: 3, width: 3, padding: around),
                    outputs: 72,
                    groups: 2,
                    unsigned: true
                ),
                random.convolution(wide, Window(height: 2, width: 2), outputs: 40, sums: true),
                random.convolution(wide, Window(height: 2, width: 2), outputs: 40, unsigned: true, sums: true),
            ],
            seed: 3
        )
    }

    @Test("Depthwise convolutions with any multiplier")
    func depthwise() async throws {
        var random = Randomness(state: 4)
        let around = Window.Edges(top: 1, left: 1, bottom: 1, right: 1)
        let three = Window(height: 3, width: 3, padding: around)
        func map(_ channels: Int) -> FeatureMap { FeatureMap(height: 5, width: 4, channels: channels) }
        try await check(
            [
                random.convolution(map(8), three, outputs: 8, groups: 8),
                random.convolution(map(128), three, outputs: 128, groups: 128),
                random.convolution(map(131), Window(height: 2, width: 3, strideY: 2), outputs: 131, groups: 131),
                random.convolution(map(70), three, outputs: 140, groups: 70),
                random.convolution(map(50), three, outputs: 150, groups: 50, unsigned: true),
                random.convolution(map(2), Window(height: 5, width: 4), outputs: 300, groups: 2),
                random.convolution(
                    map(33),
                    Window(height: 3, width: 1, dilationY: 2),
                    outputs: 33,
                    groups: 33,
                    unsigned: true
                ),
                random.convolution(map(130), three, outputs: 130, groups: 130, sums: true),
                random.convolution(map(43), three, outputs: 86, groups: 43, unsigned: true, sums: true),
            ],
            seed: 5
        )
    }

    @Test("Additions, pools and tables")
    func elementwise() async throws {
        var random = Randomness(state: 6)
        let around = Window.Edges(top: 1, left: 1, bottom: 1, right: 1)
        let map = FeatureMap(height: 6, width: 5, channels: 130)
        let small = FeatureMap(height: 7, width: 7, channels: 3)
        let table: [UInt8] = random.elements(256)
        try await check(
            [
                random.addition(1, shift: 0), random.addition(127, shift: 7), random.addition(128, shift: 15),
                random.addition(257, shift: 14), random.addition(1000, shift: 8),
                .maximumPool(MaximumPool(input: map, window: Window(height: 2, width: 2, strideY: 2, strideX: 2))),
                .maximumPool(
                    MaximumPool(input: small, window: Window(height: 3, width: 3, padding: around), range: 30...200)
                ),
                random.average(map, Window(height: 6, width: 5)),
                random.average(small, Window(height: 3, width: 3, strideY: 2, padding: around)),
                random.average(small, Window(height: 3, width: 3, padding: around), countsPadding: true),
                .table(ByteTable(count: 300, table: table)),
            ],
            seed: 7
        )
    }

    @Test("A residual network: values that are read twice, and logits as sums")
    func residual() async throws {
        var random = Randomness(state: 8)
        let map = FeatureMap(height: 8, width: 8, channels: 16)
        let around = Window.Edges(top: 1, left: 1, bottom: 1, right: 1)
        let three = Window(height: 3, width: 3, padding: around)
        let operators: [(Operator, [Int], Int)] = [
            (try random.convolution(FeatureMap(height: 8, width: 8, channels: 3), three, outputs: 16), [0], 1),
            (try random.convolution(map, three, outputs: 16, groups: 16), [1], 2),
            (try random.convolution(map, outputs: 16), [2], 3),
            (try random.addition(map.count, shift: 14), [1, 3], 4),
            (try random.average(map, Window(height: 8, width: 8)), [4], 5),
            (try random.convolution(FeatureMap(height: 1, width: 1, channels: 16), outputs: 10, sums: true), [5], 6),
        ]
        let program = try HexagonProgram(
            valueBytes: [192, 1024, 1024, 1024, 1024, 16, 40],
            inputs: [0],
            outputs: [6, 4],
            steps: operators.map { HexagonProgram.Step($0.0, inputs: $0.1, output: $0.2) }
        )
        let rows: [[UInt8]] = (0..<3).map { _ in random.elements(192) }
        var expected: [UInt8] = []
        for row in rows {
            var values: [Int: [UInt8]] = [0: row]
            for (operation, inputs, output) in operators {
                values[output] = try operation.reference(inputs.map { values[$0] ?? [] }, rows: 1)
            }
            expected += (values[6] ?? []) + (values[4] ?? [])
        }
        #expect(try await HexagonTools.run(program.source(), input: Array(rows.joined())) == expected)
    }

    @Test("A part of a row is refused, and no row gives nothing")
    func partialRows() async throws {
        var random = Randomness(state: 9)
        let operation = try random.convolution(FeatureMap(height: 1, width: 1, channels: 4), outputs: 2)
        let program = try HexagonProgram(
            valueBytes: [4, 2],
            inputs: [0],
            outputs: [1],
            steps: [HexagonProgram.Step(operation, inputs: [0], output: 1)]
        )
        #expect(try await HexagonTools.run(program.source(), input: []) == [])
        await #expect(throws: HexagonTools.Failure.self) {
            try await HexagonTools.run(program.source(), input: [1, 2, 3])
        }
    }
}

@Suite("A program is made of operators that are translated, and that fit their values")
struct HexagonProgramErrorTests {
    @Test("Other operators are refused by name")
    func untranslated() throws {
        let source = Resize.Source(first: 0, second: 0, fraction: 0)
        let map = FeatureMap(height: 2, width: 2, channels: 1)
        let resize = try Resize(
            input: map,
            rows: Array(repeating: source, count: 4),
            columns: Array(repeating: source, count: 4)
        )
        let program = try HexagonProgram(
            valueBytes: [4, 16],
            inputs: [0],
            outputs: [1],
            steps: [HexagonProgram.Step(.resize(resize), inputs: [0], output: 1, name: "upsample")]
        )
        let error = try #require(throws: HexagonCodeError.self) { try program.source() }
        #expect(error.description.hasPrefix("upsample: not translated"))
    }

    @Test("Values must be there and have the bytes that an operator needs")
    func values() throws {
        let table = Operator.table(try ByteTable(count: 4, table: Array(0...255)))
        for (bytes, inputs, output) in [
            ([4, 5], [0], 1), ([4, 4], [2], 1), ([4, 4], [0, 0], 1), ([4, -1], [0], 1),
        ] {
            #expect(throws: HexagonCodeError.self) {
                try HexagonProgram(
                    valueBytes: bytes,
                    inputs: [0],
                    outputs: [0],
                    steps: [HexagonProgram.Step(table, inputs: inputs, output: output)]
                )
            }
        }
        #expect(throws: HexagonCodeError.self) {
            try HexagonProgram(valueBytes: [4], inputs: [1], outputs: [], steps: [])
        }
    }

    @Test("A name cannot end its comment")
    func names() throws {
        let program = try HexagonProgram(
            valueBytes: [1, 1],
            inputs: [0],
            outputs: [1],
            steps: [
                HexagonProgram.Step(
                    .table(try ByteTable(count: 1, table: Array(0...255))),
                    inputs: [0],
                    output: 1,
                    name: "evil\n#error\r\n\\"
                )
            ]
        )
        #expect(try program.source().contains("// evil#error\n"))
    }
}
