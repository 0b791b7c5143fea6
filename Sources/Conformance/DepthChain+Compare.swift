import Kernels
import Quantization

extension DepthChain {
    /// What stands behind one layer.
    public struct Comparison: Sendable, Hashable {
        /// The layers so far.
        public let depth: Int
        /// The bytes of the layer's output.
        public let byteCount: Int
        /// For the formula and each variant of the fast kernels, how many bytes differ from the definition.
        public let differing: [Difference]
        /// A simulation of the same integers in 32-bit floats, quantized and dequantized after each operator.
        public let simulation: Distance
        /// The network before it was quantized.
        public let unquantized: Distance
    }

    /// How many bytes an implementation has other than the definition.
    public struct Difference: Sendable, Hashable {
        /// `formula`, or a variant of the fast kernels.
        public let implementation: String
        /// Of the bytes of the layer's output.
        public let bytes: Int
    }

    /// How far real numbers are from those of the definition.
    public struct Distance: Sendable, Hashable {
        /// The mean of the absolute differences.
        public let mean: Double
        /// The mean of the squared differences.
        public let meanSquare: Double

        init(_ numbers: [Float], _ bytes: [UInt8], _ encoding: Encoding) {
            let differences = zip(numbers, bytes).map { Double($0) - Double(encoding.dequantize($1)) }
            let count = Double(max(differences.count, 1))
            mean = differences.reduce(0) { $0 + abs($1) } / count
            meanSquare = differences.reduce(0) { $0 + $1 * $1 } / count
        }
    }

    /// Runs the chain by every implementation, each on what it computed itself, and compares them behind each layer.
    ///
    /// - Throws: ``/Kernels/KernelError``.
    public func compare() throws -> [Comparison] {
        let definition = try values { try $0.reference($1, rows: 1) }
        var others = [("formula", try values { try Formula.output($0, $1, rows: 1) })]
        for variant in KernelVariant.available {
            others.append((variant.rawValue, try values { try PreparedOperator($0, variant: variant)($1, rows: 1) }))
        }
        let simulation = simulate()
        return layers.enumerated().map { index, value in
            let expected = definition[value]
            return Comparison(
                depth: index + 1,
                byteCount: expected.count,
                differing: others.map { name, values in
                    Difference(
                        implementation: name,
                        bytes: zip(values[value], expected).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
                    )
                },
                simulation: Distance(simulation[value], expected, encodings[value]),
                unquantized: Distance(real[value], expected, encodings[value])
            )
        }
    }

    /// The same network as simulators of quantization compute it: real weights of the integers, sums in 32-bit floats, and
    /// each result to the nearest step of its encoding, ties to even.
    private func simulate() -> [[Float]] {
        var values = [input.map { encodings[0].dequantize($0) }]
        for (index, step) in steps.enumerated() {
            let sources = step.inputs.map { values[$0] }
            let result: [Float] =
                switch (step.real, step.operation) {
                case (.convolution(let weights, let biases), .convolution(let operation)):
                    RealNumbers.convolution(sources[0], operation.input, weights: weights, biases: biases)
                        .map { min(max($0, 0), 6) }
                default: zip(sources[0], sources[1]).map { $0 + $1 }
                }
            let encoding = encodings[index + 1]
            values.append(
                result.map { number in
                    let steps = (number / encoding.scale).rounded(.toNearestOrEven) + Float(encoding.zeroPoint)
                    return encoding.dequantize(UInt8(min(max(steps, 0), 255)))
                }
            )
        }
        return values
    }
}
