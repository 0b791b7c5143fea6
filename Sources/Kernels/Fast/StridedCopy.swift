import CKernels

/// Which element of an output comes from which of an input, as strides.
struct StridedCopy {
    var inputCount: Int
    var size: [Int]
    var inStride: [Int]
    var outStride: [Int]
    var inStart = 0
    var outStart = 0
    var outputCount: Int
    var border: UInt8?

    init(_ operation: Border) throws(KernelError) {
        size = operation.shape
        inStride = StridedCopy.strides(operation.shape)
        outStride = StridedCopy.strides(operation.outputShape)
        inputCount = try count(operation.shape)
        outputCount = try count(operation.outputShape)
        outStart = zip(operation.before, outStride).reduce(0) { $0 + $1.0 * $1.1 }
        border = operation.value
    }

    init(_ operation: Transposition) throws(KernelError) {
        let strides = StridedCopy.strides(operation.shape)
        size = operation.order.map { operation.shape[$0] }
        inStride = operation.order.map { strides[$0] }
        outStride = StridedCopy.strides(size)
        inputCount = try count(operation.shape)
        outputCount = inputCount
    }

    init(_ operation: Slice) throws(KernelError) {
        let strides = StridedCopy.strides(operation.shape)
        size = operation.outputShape
        inStride = zip(operation.step, strides).map { $0 * $1 }
        outStride = StridedCopy.strides(operation.outputShape)
        inputCount = try count(operation.shape)
        outputCount = try count(operation.outputShape)
        // Without elements the start may lie outside, and nothing is read.
        inStart = outputCount == 0 ? 0 : zip(operation.start, strides).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for d in shape.indices.dropLast().reversed() { strides[d] = strides[d + 1] * shape[d + 1] }
        return strides
    }

    /// As C takes it: 6 dimensions, the missing ones outermost, neighbours that lie without gaps in both joined.
    var cValue: hxk_strided_copy {
        var dimensions = size.indices.map { (size[$0], inStride[$0], outStride[$0]) }
        var index = dimensions.count - 1
        while index > 0 {
            let (outer, inner) = (dimensions[index - 1], dimensions[index])
            if outer.1 == inner.1 * inner.0, outer.2 == inner.2 * inner.0 {
                dimensions[index - 1] = (outer.0 * inner.0, inner.1, inner.2)
                dimensions.remove(at: index)
            }
            index -= 1
        }
        dimensions = [(Int, Int, Int)](repeating: (1, 0, 0), count: 6 - dimensions.count) + dimensions
        let d = dimensions
        return hxk_strided_copy(
            input_bytes: inputCount,
            size: (d[0].0, d[1].0, d[2].0, d[3].0, d[4].0, d[5].0),
            in_stride: (d[0].1, d[1].1, d[2].1, d[3].1, d[4].1, d[5].1),
            out_stride: (d[0].2, d[1].2, d[2].2, d[3].2, d[4].2, d[5].2),
            in_start: inStart,
            out_start: outStart,
            out_bytes: outputCount,
            has_border: border == nil ? 0 : 1,
            value: border ?? 0
        )
    }
}
