/// Learns for each weight of an output whether rounding it down or up serves the sums better.
///
/// The nearest integer of each weight is not the best of a sum: errors add up that could cancel. AdaRound (Nagel and others,
/// 2020, arXiv:2004.10568) lets each weight lie `h` of the way from the integer below to the one above,
/// `h = clamp(1.2 / (1 + exp(-v)) - 0.1, 0...1)`, and moves all `v` by Adam towards a small mean square of the difference of
/// the sums, while a growing penalty `1 - |2h - 1|^β` drives each `h` to 0 or 1. Sums are those before the activation and in
/// steps of the weights, so that outputs are independent of each other.
///
/// Nothing is random and nothing comes from the C library: the same numbers give the same bits on every machine. What was
/// learned counts only if it is better than the nearest integers on all samples.
public struct AdaptiveRounding: Sendable {
    /// What rounding the weights of one output gave.
    public struct Result: Sendable, Hashable {
        /// In -127...127.
        public var weights: [Int8]
        /// The sum of the squared differences over all samples, in squared steps, with the nearest integers.
        public var nearestError: Double
        /// The same with ``weights``; never greater.
        public var error: Double
    }

    /// Samples that a step looks at.
    private static let batch = 32
    /// Of all penalties on inputs whose channels go together, and of all steps, these left the least error from 60
    /// iterations on.
    private static let penalty: Float = 1
    private static let rate: Float = 1
    /// The share of the iterations without a penalty.
    private static let warmth = 0.2

    private let count: Int
    private let samples: Int
    /// Vectors of eight in a sample.
    private let width: Int
    /// What the quantized layer reads, divided by its root of mean squares.
    private let inputs: [SIMD8<Float>]
    /// By how much that is greater than what the float layer reads.
    private let differences: [SIMD8<Float>]

    /// - Parameters:
    ///   - inputs: `[samples, count]` row-major: what the quantized layer reads.
    ///   - originals: As many: what the float layer reads.
    ///   - count: The weights of an output, at least 1.
    /// - Precondition: Both hold the same number of whole samples.
    public init(inputs: [Float], originals: [Float], count: Int) {
        precondition(count > 0 && inputs.count % count == 0 && inputs.count == originals.count, "no whole samples")
        self.count = count
        samples = inputs.count / count
        width = (count + 7) / 8
        let power = inputs.reduce(0.0) { $0 + Double($1) * Double($1) }
        let root = power > 0 ? (power / Double(inputs.count)).squareRoot() : 1
        let factor = Float(1 / root)
        var scaled = [SIMD8<Float>](repeating: .zero, count: samples * width)
        var differences = scaled
        for sample in 0..<samples {
            for index in 0..<count {
                let (value, original) = (inputs[sample * count + index], originals[sample * count + index])
                scaled[sample * width + index / 8][index % 8] = value * factor
                differences[sample * width + index / 8][index % 8] = (value - original) * factor
            }
        }
        self.inputs = scaled
        self.differences = differences
    }

    /// Rounds the weights of one output.
    ///
    /// - Parameters:
    ///   - weights: `count` real weights.
    ///   - scale: The step of the integers.
    ///   - iterations: Steps of Adam.
    public func round(_ weights: [Float], scale: Float, iterations: Int) -> Result {
        precondition(weights.count == count, "\(weights.count) weights instead of \(count)")
        let steps = weights.map { min(max($0 / scale, -127), 127) }
        let nearest = steps.map { Int8($0.rounded(.toNearestOrAwayFromZero)) }
        let offsets = sums(of: steps, with: differences)
        let nearestError = error(of: nearest, steps, offsets)
        guard samples > 0, iterations > 0, nearestError > 0 else {
            return Result(weights: nearest, nearestError: nearestError, error: nearestError)
        }
        let below = steps.map { min($0.rounded(.down), 126) }
        let shares = learn(zip(steps, below).map { $0 - $1 }, offsets, iterations: iterations)
        let learned = zip(below, shares).map { Int8($0 + ($1 >= 0.5 ? 1 : 0)) }
        let learnedError = error(of: learned, steps, offsets)
        return learnedError < nearestError
            ? Result(weights: learned, nearestError: nearestError, error: learnedError)
            : Result(weights: nearest, nearestError: nearestError, error: nearestError)
    }

    /// How far up each weight ends.
    ///
    /// - Parameter parts: How far above the integer below each weight lies.
    private func learn(_ parts: [Float], _ offsets: [Float], iterations: Int) -> [Float] {
        let parts = vectors(parts)
        var v = parts.map { part -> SIMD8<Float> in
            var start = SIMD8<Float>.zero
            for lane in 0..<8 {
                let share = (Double(part[lane]) + 0.1) / 1.2
                start[lane] = Float(Logarithm.natural(share / (1 - share)))
            }
            return start
        }
        var shares = [SIMD8<Float>](repeating: .zero, count: width)
        var slopes = shares
        var gradients = shares
        var means = shares
        var squares = shares
        let batch = min(AdaptiveRounding.batch, samples)
        let warm = Int(Double(iterations) * AdaptiveRounding.warmth)
        // What the means of Adam lack of the first steps.
        var (meanLack, squareLack) = (Float(1), Float(1))
        inputs.withUnsafeBufferPointer { inputs in
            for iteration in 0..<iterations {
                for index in 0..<width {
                    (shares[index], slopes[index]) = AdaptiveRounding.share(v[index])
                    gradients[index] = .zero
                }
                for part in 0..<batch {
                    let sample = (iteration * batch + part) % samples
                    var sum = SIMD8<Float>.zero
                    for index in 0..<width {
                        sum += (shares[index] - parts[index]) * inputs[sample * width + index]
                    }
                    let pull = (sum.sum() + offsets[sample]) * (2 / Float(batch))
                    for index in 0..<width { gradients[index] += inputs[sample * width + index] * pull }
                }
                meanLack *= 0.9
                squareLack *= 0.999
                let isWarm = iteration < warm
                let progress = isWarm ? 0 : Double(iteration - warm) / Double(max(iterations - warm, 1))
                let exponent = Int(20 - 18 * progress)
                for index in 0..<width {
                    var gradient = gradients[index]
                    if !isWarm {
                        gradient -= AdaptiveRounding.penaltySlope(shares[index], exponent) * AdaptiveRounding.penalty
                    }
                    gradient *= slopes[index]
                    means[index] = means[index] * 0.9 + gradient * 0.1
                    squares[index] = squares[index] * 0.999 + gradient * gradient * 0.001
                    let root = (squares[index] / (1 - squareLack)).squareRoot() + 1e-8
                    v[index] -= means[index] / (1 - meanLack) / root * AdaptiveRounding.rate
                }
            }
        }
        return (0..<count).map { AdaptiveRounding.share(v[$0 / 8]).share[$0 % 8] }
    }

    /// `h` and its derivative.
    private static func share(_ v: SIMD8<Float>) -> (share: SIMD8<Float>, slope: SIMD8<Float>) {
        let sigmoid = 1 / (1 + exp(-v))
        let raw = sigmoid * 1.2 - 0.1
        let share = raw.clamped(lowerBound: SIMD8<Float>.zero, upperBound: SIMD8<Float>.one)
        let slope = (sigmoid * (1 - sigmoid) * 1.2).replacing(with: SIMD8<Float>.zero, where: share .!= raw)
        return (share, slope)
    }

    /// The derivative of `|2h - 1|^exponent`.
    private static func penaltySlope(_ share: SIMD8<Float>, _ exponent: Int) -> SIMD8<Float> {
        let side = share * 2 - 1
        let magnitude = side.replacing(with: -side, where: side .< SIMD8<Float>.zero)
        var power = SIMD8<Float>.one
        for _ in 0..<exponent - 2 { power *= magnitude }
        return power * side * Float(2 * exponent)
    }

    /// `e^x`, exact to about 2^-20: a power of two times a polynomial.
    private static func exp(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let bound = SIMD8<Float>(repeating: 80)
        let t = x.clamped(lowerBound: -bound, upperBound: bound) * 1.442695
        // Added, it leaves the nearest whole number in the last bits.
        let magic: Float = 12_582_912
        let shifted = t + magic
        let f = (t - (shifted - magic)) * 0.693147181
        var series = SIMD8<Float>.one
        for n in stride(from: Float(6), through: 1, by: -1) { series = 1 + f / n * series }
        let exponent = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23
        return unsafeBitCast(unsafeBitCast(series, to: SIMD8<UInt32>.self) &+ exponent, to: SIMD8<Float>.self)
    }

    private func vectors(_ values: [Float]) -> [SIMD8<Float>] {
        var result = [SIMD8<Float>](repeating: .zero, count: width)
        for (index, value) in values.enumerated() { result[index / 8][index % 8] = value }
        return result
    }

    /// For each sample the sum of products.
    private func sums(of values: [Float], with samples: [SIMD8<Float>]) -> [Float] {
        let values = vectors(values)
        return (0..<self.samples).map { sample in
            var sum = SIMD8<Float>.zero
            for index in 0..<width { sum += values[index] * samples[sample * width + index] }
            return sum.sum()
        }
    }

    private func error(of weights: [Int8], _ steps: [Float], _ offsets: [Float]) -> Double {
        zip(sums(of: zip(weights, steps).map { Float($0) - $1 }, with: inputs), offsets).reduce(0.0) {
            $0 + Double($1.0 + $1.1) * Double($1.0 + $1.1)
        }
    }
}
