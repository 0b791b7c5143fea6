import Kernels
import ModelGraph
import Quantization

/// The weights and biases of a node as they were given.
struct FixedWeights {
    /// Why they cannot stay.
    struct Refusal: Error { let reason: String }

    let matrix: WeightMatrix
    /// One for each output.
    let scales: [Float]
    let biases: [Int32]
    /// Whether the biases are the integers that were given, not ones made of floats.
    let hasGivenBiases: Bool

    /// Whether the weights are signed bytes.
    var isSigned: Bool {
        if case .int8 = matrix { true } else { false }
    }

    /// A given bias counts in these steps when they differ by less than such a part.
    private static let stepTolerance = 1e-4

    /// - Parameters:
    ///   - weights: `[outputs, ...]`
    ///   - bias: `[outputs]`
    ///   - biases: The real biases, one for each output.
    ///   - inputScale: The scale of the input's encoding.
    ///   - reach: The greatest distance of an input from its zero point.
    init(
        _ weights: FixedEncodings.Constant,
        bias: FixedEncodings.Constant?,
        biases reals: [Float],
        inputScale: Float,
        reach: Int64
    ) throws(Refusal) {
        let outputs = reals.count
        guard outputs > 0, weights.integers.elementCount % outputs == 0,
            [1, outputs].contains(weights.scales.count), weights.zeroPoints.count == weights.scales.count
        else { throw Refusal(reason: "it has \(weights.scales.count) scales for \(outputs) outputs") }
        let scales = (0..<outputs).map { weights.scales[weights.scales.count == 1 ? 0 : $0] }
        guard scales.allSatisfy({ $0.isFinite && $0 >= .leastNormalMagnitude }) else {
            throw Refusal(reason: "a scale of its weights is not positive")
        }
        self.scales = scales
        matrix = try FixedWeights.matrix(weights, outputs: outputs)
        let given: [Int32]? = bias.flatMap { try? $0.integers.int32s }
        let steps = scales.map { Double(inputScale) * Double($0) }
        hasGivenBiases =
            given?.count == outputs
            && steps.indices.allSatisfy { index in
                guard let bias else { return false }
                let step = Double(bias.scales[bias.scales.count == 1 ? 0 : index])
                let isSame = (step - steps[index]).magnitude <= FixedWeights.stepTolerance * steps[index]
                return isSame && bias.zeroPoints.allSatisfy { $0 == 0 }
            }
        if let given, hasGivenBiases {
            self.biases = given
        } else {
            var words: [Int32] = []
            for (real, step) in zip(reals, steps) {
                guard let word = Int32(exactly: (Double(real) / step).rounded(.toNearestOrAwayFromZero)) else {
                    throw Refusal(reason: "a bias of \(real) leaves 32 bits at these scales")
                }
                words.append(word)
            }
            self.biases = words
        }
        for output in 0..<outputs {
            let bound = SumBounds.bound(weights: matrix, biases: self.biases, reach: reach, output: output)
            guard bound <= Int64(Int32.max) else {
                throw Refusal(reason: "its sum of output \(output) could leave 32 bits")
            }
        }
    }

    /// Signed bytes where the distances from the zero points fit, or else unsigned ones with one zero point.
    private static func matrix(
        _ weights: FixedEncodings.Constant,
        outputs: Int
    ) throws(Refusal) -> WeightMatrix {
        let integers: [Int]
        let isSigned: Bool
        do throws(GraphError) {
            switch weights.integers.dataType {
            case .int8: (integers, isSigned) = (try weights.integers.int8s.map { Int($0) }, true)
            case .uint8: (integers, isSigned) = (try weights.integers.uint8s.map { Int($0) }, false)
            default: throw .dataType(expected: .int8, actual: weights.integers.dataType)
            }
        } catch { throw Refusal(reason: "\(error)") }
        let width = integers.count / outputs
        let zeroPoints = weights.zeroPoints
        let distances = integers.enumerated().map { index, integer in
            integer - Int(zeroPoints[zeroPoints.count == 1 ? 0 : index / max(width, 1)])
        }
        if distances.allSatisfy({ (-128...127).contains($0) }) { return .int8(distances.map { Int8($0) }) }
        let up = isSigned ? 128 : 0
        guard let zeroPoint = zeroPoints.first, zeroPoints.allSatisfy({ $0 == zeroPoint }),
            let byte = UInt8(exactly: Int(zeroPoint) + up)
        else {
            throw Refusal(
                reason: "its zero points differ by output, and are too far from some weights for signed bytes"
            )
        }
        return .uint8(integers.map { UInt8($0 + up) }, zeroPoint: byte)
    }
}
