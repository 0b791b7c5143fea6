import Kernels

/// Sums, products, softmax.
extension Formula {
    static func addition(_ operation: Addition, _ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        let shift = Int(operation.shift)
        return a.indices.map { i in
            let x =
                (Int(a[i]) - Int(operation.aZeroPoint)) * Int(operation.aMultiplier)
                + (Int(b[i]) - Int(operation.bZeroPoint)) * Int(operation.bMultiplier)
            let h = saturated((x + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift, bits: 16)
            let byte = max(0, min(255, saturated(h + Int(operation.zeroPoint), bits: 16)))
            return UInt8(max(Int(operation.range.lowerBound), min(Int(operation.range.upperBound), byte)))
        }
    }

    static func multiplication(_ operation: Multiplication, _ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        a.indices.map { i in
            let product = (Int(a[i]) - Int(operation.aZeroPoint)) * (Int(b[i]) - Int(operation.bZeroPoint))
            return byte(product, operation.stage, channel: 0)
        }
    }

    static func softmax(_ operation: TableSoftmax, _ input: [UInt8]) -> [UInt8] {
        (0..<operation.outer).flatMap { outer -> [UInt8] in
            let vector = input[outer * operation.channels..<(outer + 1) * operation.channels]
            let greatest = vector.max() ?? 0
            let powers = vector.map { Int(operation.exponentials[Int(greatest - $0)]) }
            let sum = powers.reduce(0, +)
            return powers.map { UInt8(min(255, (256 * $0 + sum / 2) / sum)) }
        }
    }
}
