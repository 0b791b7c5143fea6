import Kernels
import Quantization

/// A network of 3x3 convolutions with residuals, each layer's output to be looked at: does an error grow with depth?
///
/// It has the structure in which users of another simulator measured how it departs from the device, 0.0012 (mean
/// absolute difference) after one layer and 0.2153 after 29: convolution, batch normalization, relu6, every second layer
/// added to what came before the two (qualcomm/aimet, issue 3978). Weights are random; the float network is quantized the
/// way the converter does it.
public struct DepthChain: Sendable {
    /// The first is the input, the others are results of ``steps``.
    let encodings: [Encoding]
    let steps: [Step]
    /// For each layer the value behind it, residual included.
    let layers: [Int]
    let input: [UInt8]
    /// The values that the float network gives.
    let real: [[Float]]

    /// One operator of the chain, as integers and as floats.
    struct Step: Sendable {
        let operation: Operator
        /// The values that it takes.
        let inputs: [Int]
        let real: Real

        enum Real: Sendable {
            /// Real weights of the integers, and the float biases.
            case convolution(weights: [Float], biases: [Float])
            case addition
        }
    }

    /// Makes random weights, runs the float network for its ranges, and quantizes it.
    ///
    /// - Parameters:
    ///   - layers: 1 or more.
    ///   - channels: Of all layers, 1 or more.
    ///   - size: Height and width of the map, 1 or more.
    /// - Throws: ``/Kernels/KernelError``, or an error of quantization, for shapes that cannot be.
    public init(layers: Int, channels: Int, size: Int, using random: inout some RandomNumberGenerator) throws {
        var builder = try ChainBuilder(FeatureMap(height: size, width: size, channels: channels), using: &random)
        var depths = [try builder.addLayer(to: 0, using: &random)]
        while depths.count < layers {
            let before = depths[depths.count - 1]
            depths.append(try builder.addLayer(to: before, using: &random))
            guard depths.count < layers else { break }
            let branch = try builder.addLayer(to: depths[depths.count - 1], using: &random)
            depths.append(try builder.addSum(before, branch))
        }
        encodings = builder.encodings
        steps = builder.steps
        real = builder.values
        input = builder.input
        self.layers = depths
    }

    /// All values by an implementation, the input first.
    func values(_ run: (Operator, [[UInt8]]) throws -> [UInt8]) rethrows -> [[UInt8]] {
        try steps.reduce(into: [input]) { values, step in
            values.append(try run(step.operation, step.inputs.map { values[$0] }))
        }
    }
}

/// Grows a chain: the float network computes a value, its range becomes an encoding, and the encoding integers.
private struct ChainBuilder {
    let map: FeatureMap
    let input: [UInt8]
    var encodings: [Encoding]
    var values: [[Float]]
    var steps: [DepthChain.Step] = []

    init(_ map: FeatureMap, using random: inout some RandomNumberGenerator) throws {
        self.map = map
        _ = try Window().output(of: map, channels: map.channels)
        let image = (0..<map.count).map { _ in Float.normal(using: &random) }
        var observer = MinMaxObserver()
        observer.observe(image)
        let encoding = try observer.encoding()
        input = image.map { encoding.quantize($0) }
        encodings = [encoding]
        values = [input.map { encoding.dequantize($0) }]
    }

    /// Convolution, batch normalization by the statistics of this input, relu6.
    ///
    /// - Returns: The index of the value.
    mutating func addLayer(to source: Int, using random: inout some RandomNumberGenerator) throws -> Int {
        let channels = map.channels
        let window = Window(
            height: 3,
            width: 3,
            padding: Window.Edges(top: 1, left: 1, bottom: 1, right: 1)
        )
        let row = window.taps * channels
        var weights = (0..<channels * row).map { _ in Float.normal(using: &random) / Float(row).squareRoot() }
        var biases = [Float](repeating: 0, count: channels)
        let sums = RealNumbers.convolution(values[source], map, weights: weights, biases: biases)
        for channel in 0..<channels {
            let seen = stride(from: channel, to: sums.count, by: channels).map { Double(sums[$0]) }
            let mean = seen.reduce(0, +) / Double(seen.count)
            let variance = seen.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(seen.count)
            let factor = Float(Double.random(in: 0.5...1.5, using: &random) / (variance + 1e-5).squareRoot())
            for k in channel * row..<(channel + 1) * row { weights[k] *= factor }
            biases[channel] = Float.normal(using: &random) / 4 - Float(mean) * factor
        }
        let result = RealNumbers.convolution(values[source], map, weights: weights, biases: biases)
            .map { min(max($0, 0), 6) }
        let encoding = try append(result)
        let packed = try ChannelWeights(weights: weights, biases: biases, inputScale: encodings[source].scale)
        let stage = RequantizeStage(
            channels: try packed.scales.map {
                let product = Double(encodings[source].scale) * Double($0)
                return try Requantization(realMultiplier: product / Double(encoding.scale))
            },
            zeroPoint: UInt8(encoding.zeroPoint),
            range: encoding.quantize(0)...encoding.quantize(6)
        )
        let operation = Convolution(
            input: map,
            window: window,
            weights: .int8(packed.weights),
            biases: packed.biases,
            inputZeroPoint: UInt8(encodings[source].zeroPoint),
            result: .bytes(stage)
        )
        let realWeights = packed.weights.enumerated().map { Float($1) * packed.scales[$0 / row] }
        steps.append(
            DepthChain.Step(
                operation: .convolution(operation),
                inputs: [source],
                real: .convolution(weights: realWeights, biases: biases)
            )
        )
        return values.count - 1
    }

    /// - Returns: The index of the value.
    mutating func addSum(_ a: Int, _ b: Int) throws -> Int {
        let encoding = try append(zip(values[a], values[b]).map { $0 + $1 })
        let factors = [a, b].map { Double(encodings[$0].scale) / Double(encoding.scale) }
        // The largest shift at which both multipliers have 16 bits.
        let shift = (0...15).last { shift in factors.allSatisfy { $0 * Double(1 << shift) <= 32767 } } ?? 0
        let multipliers = factors.map { Int16(clamping: Int(($0 * Double(1 << shift)).rounded())) }
        let operation = try Addition(
            count: map.count,
            aMultiplier: multipliers[0],
            bMultiplier: multipliers[1],
            aZeroPoint: UInt8(encodings[a].zeroPoint),
            bZeroPoint: UInt8(encodings[b].zeroPoint),
            shift: Int32(shift),
            zeroPoint: UInt8(encoding.zeroPoint)
        )
        steps.append(DepthChain.Step(operation: .addition(operation), inputs: [a, b], real: .addition))
        return values.count - 1
    }

    private mutating func append(_ value: [Float]) throws -> Encoding {
        var observer = MinMaxObserver()
        observer.observe(value)
        let encoding = try observer.encoding()
        encodings.append(encoding)
        values.append(value)
        return encoding
    }
}

/// The convolution of the chain in 32-bit floats.
enum RealNumbers {
    static func convolution(_ input: [Float], _ map: FeatureMap, weights: [Float], biases: [Float]) -> [Float] {
        let channels = map.channels
        var output: [Float] = []
        output.reserveCapacity(input.count)
        for y in 0..<map.height {
            for x in 0..<map.width {
                for n in 0..<channels {
                    var sum = biases[n]
                    for i in max(0, 1 - y)..<min(3, map.height + 1 - y) {
                        for j in max(0, 1 - x)..<min(3, map.width + 1 - x) {
                            let from = ((y + i - 1) * map.width + x + j - 1) * channels
                            let weight = ((n * 3 + i) * 3 + j) * channels
                            for c in 0..<channels { sum += input[from + c] * weights[weight + c] }
                        }
                    }
                    output.append(sum)
                }
            }
        }
        return output
    }
}

extension Float {
    /// A number with mean 0 and variance 1, the sum of twelve uniform ones: no function of the C library.
    fileprivate static func normal(using random: inout some RandomNumberGenerator) -> Float {
        (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &random) }
    }
}
