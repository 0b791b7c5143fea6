import Testing

@testable import Quantization

@Suite("A histogram gives the range that an encoding should cover")
struct RangeTests {
    private static let methods: [RangeMethod] = [.minMax, .percentile(99.9), .meanSquaredError, .entropy]

    /// Sums of twelve uniform numbers, about normal with deviation 1.
    private static func bells(_ count: Int, seed: UInt64 = 1) -> [Float] {
        var state = seed
        func uniform() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24)
        }
        return (0..<count).map { _ in (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
    }

    private static func histogram(_ values: [Float]) -> ValueHistogram {
        var histogram = ValueHistogram()
        histogram.observe(values)
        return histogram
    }

    @Test("Order and parts do not matter")
    func merging() throws {
        // Magnitudes far apart, so that bins merge many times, zeros, and numbers that are none.
        var values = Self.bells(4000).enumerated().map { index, value in value * (index % 7 == 0 ? 1000 : 0.001) }
        values += [0, -0.0, .nan, .infinity, 0x1p-140, -0x1p-149, 0]
        let whole = Self.histogram(values)
        #expect(whole.extent.count == values.count - 2)
        #expect(whole.extent.nonFiniteCount == 2)
        #expect(whole.cells(withZeros: true).reduce(0) { $0 + $1.count } == Double(values.count - 2))
        for part in [1, 7, 100, 1999] {
            var forwards = ValueHistogram()
            var merged = ValueHistogram()
            for start in stride(from: 0, to: values.count, by: part) {
                let piece = Array(values[start..<min(start + part, values.count)])
                forwards.observe(piece)
                var reversed = Self.histogram(piece.reversed())
                reversed.merge(merged)
                merged = reversed
            }
            #expect(forwards == whole, "\(part)")
            #expect(merged == whole, "\(part)")
        }
    }

    @Test(
        "Each value lies in the bin that counts it",
        arguments: [1, -1, 0.3, -4095.5, 4096, 0x1p-149, 0x1p127] as [Float]
    )
    func bins(value: Float) throws {
        let cells = Self.histogram([value, value / 3 * 2, value / 1000]).cells(withZeros: true)
        #expect(cells.contains { $0.low <= Double(value) && Double(value) <= $0.high })
        #expect(cells.reduce(0) { $0 + $1.count } == 3)
        #expect(cells.allSatisfy { $0.low <= $0.high })
    }

    @Test("A range lies within what was seen", arguments: methods)
    func within(method: RangeMethod) throws {
        for values in [Self.bells(5000), Self.bells(5000).map { max($0, 0) }, Self.bells(5000).map { min($0, 0) }] {
            let (low, high) = (try #require(values.min()), try #require(values.max()))
            let range = try Self.histogram(values).range(by: method)
            #expect(low <= range.min && range.min <= range.max && range.max <= high)
            _ = try Encoding(min: range.min, max: range.max)
        }
        // One value, zeros only, and nothing.
        let zero = try Self.histogram([0, 0]).range(by: method)
        #expect(zero.min == 0 && zero.max == 0)
        let five = try Self.histogram([5]).range(by: method)
        #expect(five.max == 5)
        #expect(throws: QuantizationError.noValues) { try Self.histogram([.nan]).range(by: method) }
    }

    @Test("Everything seen is the range of min-max and of all percent")
    func everything() throws {
        let values = Self.bells(1000)
        for method in [RangeMethod.minMax, .percentile(100)] {
            let range = try Self.histogram(values).range(by: method)
            #expect(range.min == values.min())
            #expect(range.max == values.max())
        }
    }

    @Test("A percentile cuts the same share at each end")
    func percentile() throws {
        let values = (0...10_000).map { Float($0) - 5000 }
        let range = try Self.histogram(values).range(by: .percentile(98))
        // A hundred values at each end, and bins of 2.
        #expect((range.min + 4900).magnitude <= 2)
        #expect((range.max - 4900).magnitude <= 2)
        #expect(throws: QuantizationError.invalidPercentile(50)) {
            try Self.histogram(values).range(by: .percentile(50))
        }
        #expect(throws: QuantizationError.self) { try Self.histogram(values).range(by: .percentile(.nan)) }
    }

    @Test("One value far out widens the range of min-max, not the others", arguments: methods.dropFirst())
    func outlier(method: RangeMethod) throws {
        let values = Self.bells(20_000).map { max($0, 0) } + [40]
        let range = try Self.histogram(values).range(by: method)
        #expect(range.min == 0)
        // For the squared error the one value counts as much as the rounding of half of all others.
        #expect(range.max < (method == .meanSquaredError ? 40 : 20) && range.max > 1, "\(range)")
    }

    @Test("No other range of the grid has less mean squared error")
    func leastError() throws {
        let values = Self.bells(100_000).map { max($0, 0) } + [12]
        func error(_ high: Float) throws -> Double {
            let encoding = try Encoding(min: 0, max: high)
            return values.reduce(0) { sum, value in
                let difference = Double(value) - Double(encoding.dequantize(encoding.quantize(value)))
                return sum + difference * difference
            }
        }
        let range = try Self.histogram(values).range(by: .meanSquaredError)
        #expect(range.max < 11.5 && range.max > 6)
        let found = try error(range.max)
        // The search sees the middles of bins, so that its errors are near the true ones.
        for step in 1...64 {
            let other = try error(12 * Float(step) / 64)
            #expect(found <= 1.02 * other, "\(step)")
        }
    }

    @Test("The logarithm is one", arguments: [1, 2, 0.1, 1e-300, 12345.678] as [Double])
    func logarithm(value: Double) {
        // e^(ln x) by its series, after halving.
        let natural = Logarithm.natural(value)
        let small = natural / 1024
        var power = 1.0
        for n in stride(from: 20.0, through: 1.0, by: -1.0) { power = 1 + power * small / n }
        for _ in 0..<10 { power *= power }
        #expect((power - value).magnitude <= 1e-6 * value)
        #expect((Logarithm.base10(1000) - 3).magnitude < 1e-8)
    }
}
