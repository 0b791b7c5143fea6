/// One integer operator of a model with everything that decides its bytes.
///
/// Values are bytes in memory: u8 elements, or s16 and s32 ones in little-endian order. The batch is an implicit leading
/// dimension: an operator describes one row and is run on any number of them. There are three implementations, equal in
/// every byte: the definition in HVX instructions (`Reference/`), portable C, and vector code (``PreparedOperator``).
public enum Operator: Sendable, Hashable {
    case convolution(Convolution)
    case wideConvolution(WideConvolution)
    case addition(Addition)
    case multiplication(Multiplication)
    case table(ByteTable)
    case softmax(TableSoftmax)
    case maximumPool(MaximumPool)
    case averagePool(AveragePool)
    case concatenation(Concatenation)
    case border(Border)
    case transposition(Transposition)
    case slice(Slice)
    case resize(Resize)
    case gather(Gather)

    /// The bytes of one row of each input.
    ///
    /// - Throws: ``KernelError`` when a part of the operator is invalid.
    public func inputBytes() throws(KernelError) -> [Int] {
        switch self {
        case .convolution(let operation):
            try operation.shape()
            return [operation.input.count]
        case .wideConvolution(let operation):
            try operation.shape()
            return [2 * operation.input.count]
        case .addition(let operation): return [operation.count, operation.count]
        case .multiplication(let operation): return [operation.count, operation.count]
        case .table(let operation): return [operation.count]
        case .softmax(let operation): return [operation.outer * operation.channels]
        case .maximumPool(let operation):
            try operation.shape()
            return [operation.input.count]
        case .averagePool(let operation):
            try operation.shape()
            return [operation.input.count]
        case .concatenation(let operation): return operation.parts.map { operation.outer * $0.count }
        case .border(let operation): return [try count(operation.shape)]
        case .transposition(let operation): return [try count(operation.shape)]
        case .slice(let operation): return [try count(operation.shape)]
        case .resize(let operation): return [operation.input.count]
        case .gather(let operation): return [4 * operation.indices]
        }
    }

    /// The bytes of one row of the output.
    ///
    /// - Throws: ``KernelError`` when a part of the operator is invalid.
    public func outputBytes() throws(KernelError) -> Int {
        switch self {
        case .convolution(let operation):
            let shape = try operation.shape()
            if case .sums = operation.result { return 4 * shape.count }
            return shape.count
        case .wideConvolution(let operation):
            let shape = try operation.shape()
            if case .sums = operation.result { return 4 * shape.count }
            return 2 * shape.count
        case .addition(let operation): return operation.count
        case .multiplication(let operation): return operation.count
        case .table(let operation): return operation.count
        case .softmax(let operation): return operation.outer * operation.channels
        case .maximumPool(let operation): return try operation.shape().count
        case .averagePool(let operation): return try operation.shape().count
        case .concatenation(let operation): return operation.outer * operation.width
        case .border(let operation): return try count(operation.outputShape)
        case .transposition(let operation): return try count(operation.shape)
        case .slice(let operation): return try count(operation.outputShape)
        case .resize(let operation): return operation.output.count
        case .gather(let operation): return operation.indices * operation.width
        }
    }

    /// The multiply-adds of one row by the definition, padding included.
    ///
    /// - Throws: ``KernelError`` when a part of the operator is invalid.
    public func multiplyAdds() throws(KernelError) -> Int {
        switch self {
        case .convolution(let operation): try elementCount(operation.shape().count, operation.reduction)
        case .wideConvolution(let operation):
            try elementCount(
                operation.shape().count,
                operation.window.taps * (operation.input.channels / operation.groups)
            )
        default: 0
        }
    }
}
