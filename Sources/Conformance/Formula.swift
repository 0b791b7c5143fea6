public import Kernels
import Quantization

/// The operators by their doc comments, element by element in 64-bit arithmetic.
///
/// A third opinion beside the definition in HVX instructions and the fast kernels, so that those two cannot share a
/// misreading. It shares no code with them, not even the walk of a window, and is slow.
public enum Formula {
    /// The output of an operator.
    ///
    /// - Parameter inputs: `rows` rows of each input.
    /// - Throws: ``/Kernels/KernelError`` when a part of the operator is invalid or a count differs.
    public static func output(
        _ operation: Operator,
        _ inputs: [[UInt8]],
        rows: Int
    ) throws(KernelError) -> [UInt8] {
        let widths = try operation.inputBytes()
        guard inputs.count == widths.count else {
            throw .count(what: "inputs", expected: widths.count, actual: inputs.count)
        }
        for (input, width) in zip(inputs, widths) {
            let (expected, overflow) = rows.multipliedReportingOverflow(by: width)
            guard rows >= 0, !overflow else { throw .invalidShape([rows, width]) }
            guard input.count == expected else {
                throw .count(what: "input", expected: expected, actual: input.count)
            }
        }
        var output: [UInt8] = []
        for row in 0..<rows {
            let parts = zip(inputs, widths).map { input, width in Array(input[row * width..<(row + 1) * width]) }
            output += self.row(operation, parts)
        }
        return output
    }

    private static func row(_ operation: Operator, _ inputs: [[UInt8]]) -> [UInt8] {
        switch operation {
        case .convolution(let operation): convolution(operation, inputs[0])
        case .wideConvolution(let operation): wideConvolution(operation, inputs[0])
        case .addition(let operation): addition(operation, inputs[0], inputs[1])
        case .multiplication(let operation): multiplication(operation, inputs[0], inputs[1])
        case .table(let operation): inputs[0].map { operation.table[Int($0)] }
        case .softmax(let operation): softmax(operation, inputs[0])
        case .maximumPool(let operation): maximumPool(operation, inputs[0])
        case .averagePool(let operation): averagePool(operation, inputs[0])
        case .concatenation(let operation): concatenation(operation, inputs)
        case .border(let operation): border(operation, inputs[0])
        case .transposition(let operation): transposition(operation, inputs[0])
        case .slice(let operation): slice(operation, inputs[0])
        case .resize(let operation): resize(operation, inputs[0])
        case .gather(let operation): gather(operation, inputs[0])
        }
    }
}

extension Formula {
    /// The nearest signed number of that many bits.
    public static func saturated(_ value: Int, bits: Int) -> Int {
        max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, value))
    }

    /// `z` of the requantization.
    static func scaled(_ sum: Int, _ channel: Requantization) -> Int {
        let (left, right) = (Int(channel.leftShift), Int(channel.rightShift))
        let t = Int(Int32(truncatingIfNeeded: sum << left))
        let p = saturated((t * Int(channel.multiplier) + (1 << 30)) >> 31, bits: 32)
        return saturated(p + (right > 0 ? 1 << (right - 1) : 0), bits: 32) >> right
    }

    static func byte(_ sum: Int, _ channel: Requantization, zeroPoint: UInt8, range: ClosedRange<UInt8>) -> UInt8 {
        narrowed(scaled(sum, channel), zeroPoint: zeroPoint, range: range)
    }

    /// The byte of a scaled sum.
    public static func narrowed(_ scaled: Int, zeroPoint: UInt8, range: ClosedRange<UInt8>) -> UInt8 {
        let half = saturated(saturated(scaled, bits: 16) + Int(zeroPoint), bits: 16)
        let byte = max(0, min(255, half))
        return UInt8(max(Int(range.lowerBound), min(Int(range.upperBound), byte)))
    }

    static func byte(_ sum: Int, _ stage: RequantizeStage, channel: Int) -> UInt8 {
        byte(sum, stage.channels[channel], zeroPoint: stage.zeroPoint, range: stage.range)
    }

    static func wrapped(_ sum: Int) -> Int { Int(Int32(truncatingIfNeeded: sum)) }

    /// The lowest bytes of a number, the least first.
    public static func littleEndian(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
