import HVX

/// The fully-connected layer written with HVX instructions: what the fast kernels must equal.
///
/// `sum[r, n] = bias[n] + Σk (input[r, k] - inputZeroPoint) * (weights[n, k] - weightZeroPoint)`, wrapping at 32 bits.
///
/// Signed weights go through `vrmpy` of unsigned by signed bytes, unsigned weights through `vrmpy` of unsigned bytes.
/// With zero points a and w the sum is `Σ x·y - a·Σ y - w·Σ x + K·a·w`.
public enum ReferenceFullyConnected {
    /// The sums of each row, `[rows, outputCount]` row-major.
    ///
    /// - Parameters:
    ///   - input: `[rows, inputCount]` row-major.
    ///   - weights: `outputCount * inputCount` elements.
    ///   - biases: `outputCount` elements.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public static func accumulators(
        _ input: [UInt8],
        rows: Int,
        weights: WeightMatrix,
        biases: [Int32],
        inputCount: Int,
        outputCount: Int,
        inputZeroPoint: UInt8
    ) throws(KernelError) -> [Int32] {
        try check("input", input.count, elementCount(rows, inputCount))
        try check("weights", weights.count, elementCount(outputCount, inputCount))
        try check("biases", biases.count, outputCount)
        let steps = (inputCount + 3) / 4
        var sums = [Int32](repeating: 0, count: rows * outputCount)
        for group in 0..<(outputCount + 31) / 32 {
            let tile = WeightTile(
                weights,
                group: group,
                inputCount: inputCount,
                outputCount: outputCount,
                steps: steps
            )
            let bias = Vector(Int32.self) { group * 32 + $0 < outputCount ? biases[group * 32 + $0] : 0 }
            let start = Q6.Vw_vsub_VwVw(bias, tile.columnSums(times: Int32(inputZeroPoint)))
            for row in 0..<rows {
                var sum = start
                var inputSum = Vector()
                for step in 0..<steps {
                    let four = Q6.V_vsplat_R(fourInputs(input, row: row, step: step, inputCount: inputCount))
                    sum = tile.multiply(sum, four, step: step)
                    inputSum = Q6.Vw_vrmpyacc_VwVubVb(inputSum, four, Q6.Vb_vsplat_R(1))
                }
                // w·(K·a - Σ x): the zero point of the weights.
                let all = Q6.V_vsplat_R(Int32(truncatingIfNeeded: inputCount) &* Int32(inputZeroPoint))
                let correction = Q6.Vw_vmpyie_VwVuh(
                    Q6.Vw_vsub_VwVw(all, inputSum),
                    Q6.V_vsplat_R(Int32(tile.zeroPoint))
                )
                sum = Q6.Vw_vadd_VwVw(sum, correction)
                for lane in 0..<min(32, outputCount - group * 32) {
                    sums[row * outputCount + group * 32 + lane] = sum[w: lane]
                }
            }
        }
        return sums
    }

    private static func check(_ what: String, _ actual: Int, _ expected: Int) throws(KernelError) {
        guard actual == expected else { throw .count(what: what, expected: expected, actual: actual) }
    }

    /// Inputs 4·step... of a row as a little-endian word; beyond the row zeros.
    private static func fourInputs(_ input: [UInt8], row: Int, step: Int, inputCount: Int) -> Int32 {
        var word: UInt32 = 0
        for offset in 0..<min(4, inputCount - 4 * step) {
            word |= UInt32(input[row * inputCount + 4 * step + offset]) << (8 * offset)
        }
        return Int32(bitPattern: word)
    }
}

/// The weights of 32 outputs, one register for each 4 inputs: byte 4n+j is output n, input k+j.
private struct WeightTile {
    let vectors: [Vector]
    let isSigned: Bool
    let zeroPoint: UInt8
    let inputCount: Int

    init(_ weights: WeightMatrix, group: Int, inputCount: Int, outputCount: Int, steps: Int) {
        self.inputCount = inputCount
        let bytes: (Int) -> UInt8
        switch weights {
        case .int8(let weights):
            isSigned = true
            zeroPoint = 0
            bytes = { UInt8(bitPattern: weights[$0]) }
        case .uint8(let weights, let zeroPoint):
            isSigned = false
            self.zeroPoint = zeroPoint
            bytes = { weights[$0] }
        }
        vectors = (0..<steps).map { step in
            Vector(UInt8.self) { lane in
                let output = group * 32 + lane / 4
                let input = 4 * step + lane % 4
                return output < outputCount && input < inputCount ? bytes(output * inputCount + input) : 0
            }
        }
    }

    /// Adds the products of four inputs, repeated in every word, to the sums.
    func multiply(_ sums: Vector, _ four: Vector, step: Int) -> Vector {
        isSigned
            ? Q6.Vw_vrmpyacc_VwVubVb(sums, four, vectors[step])
            : Q6.Vuw_vrmpyacc_VuwVubVub(sums, four, vectors[step])
    }

    /// `factor * Σk weights[n, k]` in word n, for a factor in 0...255.
    func columnSums(times factor: Int32) -> Vector {
        let ones = Q6.Vb_vsplat_R(1)
        let sums = vectors.indices.reduce(Vector()) { multiply($0, ones, step: $1) }
        return Q6.Vw_vmpyie_VwVuh(sums, Q6.V_vsplat_R(factor))
    }
}
