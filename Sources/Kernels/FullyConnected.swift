/// A fully-connected layer of bytes, its weights packed for the fast kernels.
///
/// `sum[r, n] = bias[n] + Σk (input[r, k] - inputZeroPoint) * (weights[n, k] - weightZeroPoint)`, wrapping at 32 bits.
///
/// The zero points are folded: that of the input into the initial sums, that of unsigned weights, which are stored as
/// signed by subtracting 128, into a multiple of the row's sum. The definition is ``ReferenceFullyConnected``.
public struct FullyConnected: Sendable, Hashable {
    /// The number of inputs of each row.
    public let inputCount: Int
    /// The number of sums of each row.
    public let outputCount: Int
    private let weights: PackedWeights
    private let initial: [Int32]
    private let rowSumFactor: Int32

    /// Packs weights.
    ///
    /// - Parameters:
    ///   - weights: `outputCount * inputCount` elements.
    ///   - biases: `outputCount` elements.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public init(
        weights: WeightMatrix,
        biases: [Int32],
        inputCount: Int,
        outputCount: Int,
        inputZeroPoint: UInt8
    ) throws(KernelError) {
        let elements = try elementCount(outputCount, inputCount)
        guard weights.count == elements else {
            throw .count(what: "weights", expected: elements, actual: weights.count)
        }
        guard biases.count == outputCount else {
            throw .count(what: "biases", expected: outputCount, actual: biases.count)
        }
        let signed: [Int8]
        let offset: Int32
        switch weights {
        case .int8(let bytes):
            signed = bytes
            offset = 0
        case .uint8(let bytes, let zeroPoint):
            signed = bytes.map { Int8(bitPattern: $0 ^ 0x80) }
            offset = 128 - Int32(zeroPoint)
        }
        self.inputCount = inputCount
        self.outputCount = outputCount
        self.weights = PackedWeights(signed, outputs: outputCount, inputs: inputCount)
        self.rowSumFactor = offset
        let width = Int32(truncatingIfNeeded: inputCount)
        var initial = [Int32](repeating: 0, count: self.weights.paddedOutputs)
        for output in 0..<outputCount {
            let row = signed[output * inputCount..<(output + 1) * inputCount]
            let sum = row.reduce(Int32(0)) { $0 &+ Int32($1) } &+ width &* offset
            initial[output] = biases[output] &- Int32(inputZeroPoint) &* sum
        }
        self.initial = initial
    }

    /// The sums of each row, `[rows, outputCount]` row-major.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``,
    ///   ``KernelError/unavailable(_:)``.
    public func accumulators(
        _ input: [UInt8],
        rows: Int,
        variant: KernelVariant = .best
    ) throws(KernelError) -> [Int32] {
        try check(input.count, rows: rows, variant: variant)
        var sums = Dispatch.fullyConnected(
            variant,
            rows: rows,
            inputs: inputCount,
            outputs: outputCount,
            input: input,
            weights: weights.bytes,
            initial: initial
        )
        if rowSumFactor != 0 {
            Dispatch.addRowSums(
                rows: rows,
                inputs: inputCount,
                outputs: outputCount,
                input: input,
                factor: rowSumFactor,
                to: &sums
            )
        }
        return sums
    }

    /// As ``accumulators(_:rows:variant:)`` without the zero point of unsigned weights, on memory of any alignment.
    package func signedAccumulators(
        _ input: UnsafeBufferPointer<UInt8>,
        rows: Int,
        variant: KernelVariant
    ) throws(KernelError) -> [Int32] {
        try check(input.count, rows: rows, variant: variant)
        return unsafe Dispatch.fullyConnected(
            variant,
            rows: rows,
            inputs: inputCount,
            outputs: outputCount,
            input: input,
            weights: weights.bytes,
            initial: initial
        )
    }

    private func check(_ count: Int, rows: Int, variant: KernelVariant) throws(KernelError) {
        let expected = try elementCount(rows, inputCount)
        _ = try elementCount(rows, outputCount)
        guard count == expected else { throw .count(what: "input", expected: expected, actual: count) }
        guard variant == .scalar || KernelVariant.available.contains(variant) else { throw .unavailable(variant) }
    }
}

/// The product of two dimensions, with room for elements of 4 bytes.
func elementCount(_ rows: Int, _ columns: Int) throws(KernelError) -> Int {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow, count <= Int.max / 4 else { throw .invalidShape([rows, columns]) }
    return count
}
