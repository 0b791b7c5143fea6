import Quantization
import Testing

@Suite("An encoding maps real numbers to bytes")
struct EncodingTests {
    @Test(
        "0 is exact and the limits are reached",
        arguments: [(Float(-1), Float(3)), (0, 5), (-7, 0), (2, 9), (-9, -2)]
    )
    func zero(_ min: Float, _ max: Float) throws {
        let encoding = try Encoding(min: min, max: max)
        #expect(encoding.dequantize(encoding.quantize(0)) == 0)
        #expect((encoding.dequantize(encoding.quantize(max)) - max).magnitude <= encoding.scale / 2 * 1.001)
        #expect((encoding.dequantize(encoding.quantize(min)) - min).magnitude <= encoding.scale / 2 * 1.001)
    }

    @Test("Every byte survives the way there and back")
    func roundTrip() throws {
        let encoding = try Encoding(min: -0.37, max: 12.1)
        for byte in UInt8.min...UInt8.max {
            #expect(encoding.quantize(encoding.dequantize(byte)) == byte)
        }
    }

    @Test("Ties go away from zero, and what lies outside saturates")
    func rounding() throws {
        let encoding = try Encoding(scale: 1, zeroPoint: 100)
        #expect(encoding.quantize(0.5) == 101)
        #expect(encoding.quantize(-0.5) == 99)
        #expect(encoding.quantize(1.5) == 102)
        #expect(encoding.quantize(1e30) == 255)
        #expect(encoding.quantize(-.infinity) == 0)
        #expect(encoding.quantize(.nan) == 100)
    }

    @Test("A range without width, the widest and the smallest range encode")
    func extremes() throws {
        #expect(try Encoding(min: 0, max: 0).scale == Encoding.scaleWithoutRange)
        #expect(try Encoding(min: -.greatestFiniteMagnitude, max: .greatestFiniteMagnitude).scale.isFinite)
        #expect(try Encoding(min: 0, max: .leastNonzeroMagnitude).scale > 0)
    }

    @Test("What encodes nothing is refused")
    func refusals() {
        #expect(throws: QuantizationError.self) { try Encoding(min: .nan, max: 1) }
        #expect(throws: QuantizationError.self) { try Encoding(min: 2, max: 1) }
        #expect(throws: QuantizationError.self) { try Encoding(scale: 0, zeroPoint: 0) }
        #expect(throws: QuantizationError.self) { try Encoding(scale: .nan, zeroPoint: 0) }
        #expect(throws: QuantizationError.self) { try Encoding(scale: 1, zeroPoint: 256) }
    }

    @Test("Folding a standardization keeps the resolution of each feature")
    func folding() throws {
        let encoding = try Encoding(min: -4, max: 4)
        // One feature in thousands, one in thousandths.
        let input = InputEncoding(scale: [0.001, 1000], offset: [-2, -2], encoding: encoding)
        let bytes = input.quantize([1000, 0.001, 6100, 0.0061])
        #expect(bytes == [encoding.quantize(-1), encoding.quantize(-1), 255, 255])
    }
}

@Suite("A real multiplier becomes a multiplier and shifts")
struct RequantizationTests {
    @Test(
        "The nearest multiplier of 31 bits",
        arguments: [1, 0.5, 0.25, 0.3, 1e-6, 0.999_999_999_9, 1.5, 1000, 0x1p-31]
    )
    func nearest(_ real: Double) throws {
        let requantization = try Requantization(realMultiplier: real)
        #expect((requantization.realMultiplier - real).magnitude <= real * 0x1p-31)
        #expect(requantization.leftShift == 0 || requantization.rightShift == 0)
        #expect(requantization.multiplier >= 1 << 30)
    }

    @Test("Tiny multipliers end at 0, impossible ones are refused")
    func limits() throws {
        #expect(try Requantization(realMultiplier: 0).scale(.max) == 0)
        #expect(try Requantization(realMultiplier: 1e-300).scale(.max) == 0)
        #expect(try Requantization(realMultiplier: 0x1p-40).scale(.max) == 0)
        for real in [-1, .nan, .infinity, 0x1p31, 0x1.fffffffffffffp30] {
            #expect(throws: QuantizationError.self) { try Requantization(realMultiplier: real) }
        }
        #expect(throws: QuantizationError.self) { try Requantization(multiplier: 1, leftShift: 32, rightShift: 0) }
        #expect(throws: QuantizationError.self) { try Requantization(multiplier: 1, leftShift: 0, rightShift: -1) }
    }

    @Test("Ties go to +infinity in both roundings")
    func ties() throws {
        let half = try Requantization(multiplier: 1 << 30, leftShift: 0, rightShift: 0)
        #expect(half.scale(3) == 2)
        #expect(half.scale(-3) == -1)
        let shift = try Requantization(multiplier: 1 << 30, leftShift: 1, rightShift: 1)
        #expect(shift.scale(3) == 2)
        #expect(shift.scale(-3) == -1)
    }
}

@Suite("Weights become bytes with a scale for each output")
struct ChannelWeightsTests {
    @Test("The largest weight of an output is ±127")
    func largest() throws {
        let quantized = try ChannelWeights(weights: [1, -2, 0.5, 0.25], biases: [1, -1], inputScale: 0.1)
        #expect(quantized.weights == [64, -127, 127, 64])
        #expect(quantized.scales == [2 / 127, 0.5 / 127])
        #expect(quantized.biases == [635, -2540])
    }

    @Test("An output without weights keeps a precise bias, and a huge bias fits")
    func biases() throws {
        let quantized = try ChannelWeights(weights: [0, 1e-9, 0], biases: [0.123, 1000, 0], inputScale: 0.01)
        for (output, bias) in [Double(0.123), 1000, 0].enumerated() {
            let real = Double(quantized.biases[output]) * 0.01 * Double(quantized.scales[output])
            #expect((real - bias).magnitude <= bias * 1e-6)
            #expect(quantized.biases[output].magnitude <= 1 << 30)
        }
    }

    @Test("Weights that are not finite are refused")
    func refusals() {
        #expect(throws: QuantizationError.self) {
            try ChannelWeights(weights: [.infinity], biases: [0], inputScale: 1)
        }
        #expect(throws: QuantizationError.self) { try ChannelWeights(weights: [1], biases: [.nan], inputScale: 1) }
    }
}

@Suite("An observer keeps the range of what it saw")
struct MinMaxObserverTests {
    @Test("Values that are not finite are counted and left out")
    func nonFinite() throws {
        var observer = MinMaxObserver()
        #expect(throws: QuantizationError.noValues) { try observer.encoding() }
        observer.observe([1, .nan, -2, .infinity])
        #expect(observer.min == -2)
        #expect(observer.max == 1)
        #expect(observer.count == 2)
        #expect(observer.nonFiniteCount == 2)
        #expect(try observer.encoding() == Encoding(min: -2, max: 1))
    }
}
