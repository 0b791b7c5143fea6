import Kernels

/// Bytes that move.
extension Formula {
    static func concatenation(_ operation: Concatenation, _ inputs: [[UInt8]]) -> [UInt8] {
        var output: [UInt8] = []
        for outer in 0..<operation.outer {
            for (part, input) in zip(operation.parts, inputs) {
                for byte in input[outer * part.count..<(outer + 1) * part.count] {
                    output.append(part.table.map { $0[Int(byte)] } ?? byte)
                }
            }
        }
        return output
    }

    /// Every index of a shape in row-major order.
    static func indices(_ shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { prefixes, size in
            prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } }
        }
    }

    static func element(_ index: [Int], of shape: [Int]) -> Int {
        zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
    }

    static func border(_ operation: Border, _ input: [UInt8]) -> [UInt8] {
        indices(operation.outputShape).map { index in
            let inside = zip(index, operation.before).map { $0 - $1 }
            let isInside = zip(inside, operation.shape).allSatisfy { $0 >= 0 && $0 < $1 }
            return isInside ? input[element(inside, of: operation.shape)] : operation.value
        }
    }

    static func transposition(_ operation: Transposition, _ input: [UInt8]) -> [UInt8] {
        indices(operation.order.map { operation.shape[$0] }).map { index in
            var source = index
            for (d, from) in operation.order.enumerated() { source[from] = index[d] }
            return input[element(source, of: operation.shape)]
        }
    }

    static func slice(_ operation: Slice, _ input: [UInt8]) -> [UInt8] {
        indices(operation.outputShape).map { index in
            let source = index.indices.map { operation.start[$0] + index[$0] * operation.step[$0] }
            return input[element(source, of: operation.shape)]
        }
    }

    static func resize(_ operation: Resize, _ input: [UInt8]) -> [UInt8] {
        let map = operation.input
        return operation.rows.flatMap { line in
            operation.columns.flatMap { column in
                (0..<map.channels).map { channel -> UInt8 in
                    func at(_ y: Int, _ x: Int) -> Int { Int(input[(y * map.width + x) * map.channels + channel]) }
                    func across(_ y: Int) -> Int {
                        at(y, column.first) * (128 - column.fraction) + at(y, column.second) * column.fraction
                    }
                    let sum = across(line.first) * (128 - line.fraction) + across(line.second) * line.fraction
                    return UInt8((sum + 8192) >> 14)
                }
            }
        }
    }

    static func gather(_ operation: Gather, _ input: [UInt8]) -> [UInt8] {
        (0..<operation.indices).flatMap { i -> ArraySlice<UInt8> in
            let index = Int(Int32(bitPattern: input[4 * i..<4 * i + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }))
            let row = max(0, min(operation.rows - 1, index))
            return operation.table[row * operation.width..<(row + 1) * operation.width]
        }
    }
}
