/// Weights and biases of one fully-connected layer as integers: weights s8 with a scale for each output, biases s32.
public struct ChannelWeights: Sendable, Hashable {
    /// `[outputs, inputs]` row-major, in -127...127.
    public private(set) var weights: [Int8]
    /// `real = scale[n] * weights[n, k]`
    public let scales: [Float]
    /// `round(bias[n] / (inputScale * scales[n]))`
    public let biases: [Int32]

    /// A bias takes at most this many bits of the 32-bit sum, so that the products have room.
    public static let biasBits = 29

    /// Quantizes the weights of each output symmetrically to its largest weight, ties away from zero.
    ///
    /// An output whose bias would need more than ``biasBits`` at that scale gets a coarser scale that fits it: next to
    /// such a bias the weights hardly count, and an output without weights keeps a precise bias.
    ///
    /// - Parameters:
    ///   - weights: `[outputs, inputs]` row-major, finite.
    ///   - biases: `[outputs]`, finite.
    ///   - inputScale: The scale of the input's encoding.
    ///   - inputReach: The greatest distance of an input from its zero point; weights become coarser until no sum can leave
    ///     32 bits.
    /// - Throws: ``QuantizationError/invalidRange(min:max:)`` when a weight or bias is not finite,
    ///   ``QuantizationError/invalidEncoding(scale:zeroPoint:)`` when a scale leaves the range of 32-bit floats.
    /// - Precondition: `weights` holds whole rows, one for each bias.
    public init(weights: [Float], biases: [Float], inputScale: Float, inputReach: Int = 255) throws(QuantizationError) {
        precondition(biases.isEmpty ? weights.isEmpty : weights.count % biases.count == 0, "weights are no whole rows")
        let inputs = biases.isEmpty ? 0 : weights.count / biases.count
        var bytes: [Int8] = []
        bytes.reserveCapacity(weights.count)
        var scales: [Float] = []
        var words: [Int32] = []
        for (output, bias) in biases.enumerated() {
            let row = weights[output * inputs..<(output + 1) * inputs]
            let largest = row.reduce(Float(0)) { Swift.max($0, $1.magnitude) }
            guard row.allSatisfy(\.isFinite), bias.isFinite else {
                throw .invalidRange(min: bias, max: row.first { !$0.isFinite } ?? bias)
            }
            let forBias = Double(bias.magnitude) / (Double(inputScale) * Double(1 << ChannelWeights.biasBits))
            // With a bias of at most 2^30 there is room for products of 2^30; rounding adds half a step to each.
            let total = row.reduce(0.0) { $0 + Double($1.magnitude) }
            let room = 0x1p30 / Double(inputReach) - Double(inputs) / 2
            let forSum = room > 0 ? total / room : 0
            let wanted = Float(Swift.max(Double(largest) / 127, forBias, forSum))
            let scale = wanted == 0 ? 1 : Swift.max(wanted, .leastNormalMagnitude)
            guard scale.isFinite else { throw .invalidEncoding(scale: scale, zeroPoint: 0) }
            scales.append(scale)
            for weight in row {
                let steps = (weight / scale).rounded(.toNearestOrAwayFromZero)
                bytes.append(Int8(Swift.min(Swift.max(steps, -127), 127)))
            }
            let steps = (Double(bias) / (Double(inputScale) * Double(scale))).rounded(.toNearestOrAwayFromZero)
            words.append(Int32(Swift.min(Swift.max(steps, -0x1p30), 0x1p30)))
        }
        self.weights = bytes
        self.scales = scales
        self.biases = words
    }

    /// The same with other integers for the weights, each the one above or below where this has the nearest.
    ///
    /// - Precondition: As many, in -127...127.
    public func replacing(weights: [Int8]) -> ChannelWeights {
        precondition(weights.count == self.weights.count, "\(weights.count) weights for \(self.weights.count)")
        var other = self
        other.weights = weights
        return other
    }
}
