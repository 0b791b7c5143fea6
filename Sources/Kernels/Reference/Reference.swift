extension Operator {
    /// The output by the definition: the operator written with HVX instructions, one file for each family.
    ///
    /// It is what every other implementation must equal, and is written to be read; models run through
    /// ``PreparedOperator``.
    ///
    /// - Parameters:
    ///   - inputs: `rows` rows of each input.
    ///   - rows: The batch.
    /// - Returns: `rows` rows.
    /// - Throws: ``KernelError/invalidShape(_:)``, ``KernelError/count(what:expected:actual:)``.
    public func reference(_ inputs: [[UInt8]], rows: Int) throws(KernelError) -> [UInt8] {
        let widths = try inputBytes()
        guard inputs.count == widths.count else {
            throw .count(what: "inputs", expected: widths.count, actual: inputs.count)
        }
        for (input, width) in zip(inputs, widths) {
            let expected = try elementCount(rows, width)
            guard input.count == expected else {
                throw .count(what: "input", expected: expected, actual: input.count)
            }
        }
        _ = try elementCount(rows, outputBytes())
        return switch self {
        case .convolution(let operation): try operation.reference(inputs[0], rows: rows)
        case .wideConvolution(let operation): try operation.reference(inputs[0], rows: rows)
        case .addition(let operation): operation.reference(inputs[0], inputs[1])
        case .multiplication(let operation): operation.reference(inputs[0], inputs[1])
        case .table(let operation): operation.reference(inputs[0])
        case .softmax(let operation): operation.reference(inputs[0])
        case .maximumPool(let operation): try operation.reference(inputs[0], rows: rows)
        case .averagePool(let operation): try operation.reference(inputs[0], rows: rows)
        case .concatenation(let operation): operation.reference(inputs, rows: rows)
        case .border(let operation): operation.reference(inputs[0], rows: rows)
        case .transposition(let operation): operation.reference(inputs[0], rows: rows)
        case .slice(let operation): operation.reference(inputs[0], rows: rows)
        case .resize(let operation): operation.reference(inputs[0], rows: rows)
        case .gather(let operation): operation.reference(inputs[0])
        }
    }
}
