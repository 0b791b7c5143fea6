import Quantization

/// Compares a variant with the portable kernels on operators with and without remainders and on extreme values.
///
/// It runs once per process and variant, before the variant is used for the first time, and takes a few milliseconds.
enum SelfTest {
    static func passes(_ variant: KernelVariant) -> Bool {
        var random = Extremes()
        do {
            for operation in try operators(&random) {
                let rows = 2
                let inputs = try operation.inputBytes().map { width in (0..<rows * width).map { _ in random.byte() } }
                let expected = try PreparedOperator(untested: operation, variant: .scalar)(inputs, rows: rows)
                let actual = try PreparedOperator(untested: operation, variant: variant)(inputs, rows: rows)
                guard expected == actual else { return false }
            }
        } catch {
            return false
        }
        return true
    }

    /// One operator for each way that vector code can take.
    private static func operators(_ random: inout Extremes) throws -> [Operator] {
        let line = FeatureMap(height: 1, width: 1, channels: 129)
        let map = FeatureMap(height: 5, width: 9, channels: 20)
        let same = Window(height: 3, width: 3, padding: Window.Edges(top: 1, left: 1, bottom: 1, right: 1))
        let strided = Window(height: 3, width: 2, strideY: 2, strideX: 2, dilationX: 2)
        let half = try Requantization(realMultiplier: 0.37)
        let one = RequantizeStage(channels: [half], zeroPoint: 117, range: 3...250)
        let table = (0..<256).map { _ in random.byte() }
        let exponentials = [UInt16.max] + (1..<256).map { _ in UInt16(random.byte()) }
        return [
            try convolution(line, Window(), outputs: 83, &random),
            try convolution(map, Window(), outputs: 40, &random),
            try convolution(map, same, outputs: 17, &random),
            try convolution(map, strided, groups: 2, outputs: 10, &random),
            try convolution(map, same, groups: 20, outputs: 20, &random),
            try convolution(map, strided, groups: 20, outputs: 40, &random),
            .wideConvolution(
                WideConvolution(
                    input: map,
                    window: same,
                    weights: (0..<9 * 20 * 3).map { _ in Int8(bitPattern: random.byte()) },
                    biases: [0, 1, -1],
                    result: .halfwords([half, half, half], range: -30000...32767)
                )
            ),
            .addition(
                try Addition(
                    count: 131,
                    aMultiplier: 32767,
                    bMultiplier: -29000,
                    aZeroPoint: 3,
                    bZeroPoint: 250,
                    shift: 15,
                    zeroPoint: 90
                )
            ),
            .multiplication(try Multiplication(count: 131, aZeroPoint: 4, bZeroPoint: 200, stage: one)),
            .table(try ByteTable(count: 300, table: table)),
            .softmax(try TableSoftmax(outer: 3, channels: 37, exponentials: exponentials)),
            .maximumPool(MaximumPool(input: map, window: same, range: 3...250)),
            .averagePool(
                AveragePool(
                    input: map,
                    window: same,
                    inputZeroPoint: 100,
                    counts: RequantizeStage(
                        channels: (1...9).map { _ in half },
                        zeroPoint: 100
                    )
                )
            ),
            .resize(
                try Resize(
                    input: map,
                    rows: [Resize.Source(first: 0, second: 1, fraction: 17)],
                    columns: (0..<9).map { Resize.Source(first: $0, second: 8, fraction: 127) }
                )
            ),
        ]
    }

    /// A convolution whose first channels have the requantization that is proven to be simple, or one that is not.
    private static func convolution(
        _ input: FeatureMap,
        _ window: Window,
        groups: Int = 1,
        outputs: Int,
        _ random: inout Extremes
    ) throws -> Operator {
        let reduction = window.taps * (input.channels / groups)
        let channels = try (0..<outputs).map { channel in
            try Requantization(realMultiplier: 0.3 / Double(reduction) / Double(1 + channel % 7))
        }
        return .convolution(
            Convolution(
                input: input,
                window: window,
                groups: groups,
                weights: .int8((0..<outputs * reduction).map { _ in Int8(bitPattern: random.byte()) }),
                biases: (0..<outputs).map { _ in Int32(random.byte()) &* 1001 },
                inputZeroPoint: 131,
                result: .bytes(RequantizeStage(channels: channels, zeroPoint: 117, range: 3...250))
            )
        )
    }

    /// Bytes that are the least or the greatest in a quarter of the cases each, else random.
    private struct Extremes {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15

        mutating func byte() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            switch state >> 62 {
            case 0: return 0x80
            case 1: return state & 1 << 40 == 0 ? 0xff : 0x7f
            default: return UInt8(truncatingIfNeeded: state >> 32)
            }
        }
    }
}
