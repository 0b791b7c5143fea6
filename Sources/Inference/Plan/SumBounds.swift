import Kernels

/// The greatest magnitude that a sum can have, for any input: `|bias[n]| + Σk |weights[n, k]| * reach`.
enum SumBounds {
    /// Checks that no sum can overflow, and with it that no left shift loses bits.
    ///
    /// - Parameters:
    ///   - reach: The greatest distance of an input from its zero point.
    ///   - leftShifts: One for each output, or none.
    /// - Throws: ``InferenceError/overflow(node:output:)``.
    static func check(
        node: String,
        weights: WeightMatrix,
        biases: [Int32],
        reach: Int64,
        leftShifts: [Int32]
    ) throws(InferenceError) {
        for output in biases.indices {
            let bound = bound(weights: weights, biases: biases, reach: reach, output: output)
            let shift = leftShifts.isEmpty ? 0 : leftShifts[output]
            guard bound <= Int64(Int32.max) >> Int64(shift) else { throw .overflow(node: node, output: output) }
        }
    }

    /// The greatest magnitude that the sum of an output can have.
    static func bound(weights: WeightMatrix, biases: [Int32], reach: Int64, output: Int) -> Int64 {
        let inputs = weights.count / biases.count
        let row = output * inputs..<(output + 1) * inputs
        // A row has fewer than 2^31 weights: what is loaded from a file of at most 1 GiB.
        var total: Int64 = 0
        switch weights {
        case .int8(let weights):
            for index in row { total += Int64(weights[index].magnitude) }
        case .uint8(let weights, let zeroPoint):
            for index in row { total += Int64((Int32(weights[index]) - Int32(zeroPoint)).magnitude) }
        }
        return Int64(biases[output].magnitude) + total * reach
    }
}
