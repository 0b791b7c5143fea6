/// Signed weights in the order in which `vrmpy` consumes them.
///
/// For each group of 32 outputs and each 4 inputs 128 bytes: byte `4n+j` is output `n`, input `k+j`. Padded with zeros.
struct PackedWeights: Sendable, Hashable {
    let bytes: [Int8]
    /// Outputs rounded up to 32.
    let paddedOutputs: Int
    /// The vectors of 128 bytes in one group of 32 outputs.
    let vectorsPerGroup: Int

    /// - Parameter weights: `[outputs, inputs]` row-major.
    init(_ weights: [Int8], outputs: Int, inputs: Int) {
        let groups = (outputs + 31) / 32
        let steps = (inputs + 3) / 4
        var bytes = [Int8](repeating: 0, count: groups * steps * 128)
        for output in 0..<outputs {
            let first = output / 32 * steps * 128 + output % 32 * 4
            for input in 0..<inputs {
                bytes[first + input / 4 * 128 + input % 4] = weights[output * inputs + input]
            }
        }
        self.bytes = bytes
        paddedOutputs = groups * 32
        vectorsPerGroup = steps
    }
}
