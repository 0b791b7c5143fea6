/// A dense constant array: row-major, elements in little-endian byte order.
public struct Tensor: Sendable, Hashable {
    /// The dimensions, outermost first; empty for a single element.
    public let shape: [Int]
    /// The type of the elements.
    public let dataType: DataType
    /// The elements, `elementCount * dataType.byteCount` bytes.
    public let bytes: [UInt8]

    /// Makes a tensor of 32-bit floats.
    ///
    /// - Precondition: `floats` holds as many elements as `shape` says.
    public init(shape: [Int], floats: [Float]) {
        self.init(shape: shape, dataType: .float32, integers: floats.map(\.bitPattern))
    }

    /// Makes a tensor of signed bytes.
    ///
    /// - Precondition: `int8s` holds as many elements as `shape` says.
    public init(shape: [Int], int8s: [Int8]) {
        self.init(shape: shape, dataType: .int8, integers: int8s)
    }

    /// Makes a tensor of unsigned bytes.
    ///
    /// - Precondition: `uint8s` holds as many elements as `shape` says.
    public init(shape: [Int], uint8s: [UInt8]) {
        self.init(shape: shape, dataType: .uint8, integers: uint8s)
    }

    /// Makes a tensor of 32-bit signed integers.
    ///
    /// - Precondition: `int32s` holds as many elements as `shape` says.
    public init(shape: [Int], int32s: [Int32]) {
        self.init(shape: shape, dataType: .int32, integers: int32s)
    }

    /// Makes a tensor of bytes that come from outside, for instance from a file.
    ///
    /// - Throws: ``GraphError/invalidShape(_:)`` for a negative or overflowing shape,
    ///   ``GraphError/byteCount(expected:actual:)`` when the bytes do not fill the shape exactly.
    public init(shape: [Int], dataType: DataType, bytes: [UInt8]) throws(GraphError) {
        guard let count = Tensor.elementCount(of: shape) else { throw .invalidShape(shape) }
        let (expected, overflow) = count.multipliedReportingOverflow(by: dataType.byteCount)
        guard !overflow else { throw .invalidShape(shape) }
        guard bytes.count == expected else { throw .byteCount(expected: expected, actual: bytes.count) }
        self.shape = shape
        self.dataType = dataType
        self.bytes = bytes
    }

    private init<Integer: FixedWidthInteger>(shape: [Int], dataType: DataType, integers: [Integer]) {
        precondition(Tensor.elementCount(of: shape) == integers.count, "element count differs from the shape \(shape)")
        self.shape = shape
        self.dataType = dataType
        // Safety: the bytes of integers are copied while the buffer lives.
        self.bytes = unsafe integers.map(\.littleEndian).withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// The product of all dimensions.
    public var elementCount: Int { bytes.count / dataType.byteCount }

    /// The elements of a `.float32` tensor, row-major.
    ///
    /// - Throws: ``GraphError/dataType(expected:actual:)`` when the tensor holds another type; likewise below.
    public var floats: [Float] {
        get throws(GraphError) {
            let patterns: [UInt32] = try integers(.float32)
            return patterns.map(Float.init(bitPattern:))
        }
    }

    /// The elements of an `.int8` tensor, row-major.
    public var int8s: [Int8] {
        get throws(GraphError) { try integers(.int8) }
    }

    /// The elements of a `.uint8` tensor, row-major.
    public var uint8s: [UInt8] {
        get throws(GraphError) { try integers(.uint8) }
    }

    /// The elements of an `.int32` tensor, row-major.
    public var int32s: [Int32] {
        get throws(GraphError) { try integers(.int32) }
    }

    /// The product of the dimensions, or nil when one is negative or the product overflows.
    public static func elementCount(of shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    private func integers<Integer: FixedWidthInteger>(_ expected: DataType) throws(GraphError) -> [Integer] {
        guard dataType == expected else { throw .dataType(expected: expected, actual: dataType) }
        let count = elementCount
        // Safety: the capacity is as many bytes as there are, and any bytes are an integer.
        let integers = unsafe [Integer](unsafeUninitializedCapacity: count) { target, filled in
            unsafe UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes)
            filled = count
        }
        #if _endian(big)
        return integers.map(Integer.init(littleEndian:))
        #else
        return integers
        #endif
    }
}
