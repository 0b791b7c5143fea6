/// A constant as it stands in a file: row-major, little-endian, with the type that the file gives it.
public struct SourceTensor: Sendable, Hashable {
    /// The type of the elements.
    public let type: ElementType
    /// The dimensions, outermost first; all of them, the batch too.
    public let shape: [Int]
    /// `shape.reduce(1, *) * type.byteCount` bytes, shared with the file where possible.
    public let bytes: ArraySlice<UInt8>

    /// Makes a tensor of bytes that come from outside.
    ///
    /// - Throws: ``ImportError/damaged(field:reason:)`` when the bytes do not fill the shape exactly.
    public init(type: ElementType, shape: [Int], bytes: ArraySlice<UInt8>, field: String) throws(ImportError) {
        guard let count = SourceTensor.elementCount(shape), shape.count <= ImportLimits.rankMax else {
            throw .damaged(field: field, reason: "shape \(shape) is not possible")
        }
        let (expected, overflow) = count.multipliedReportingOverflow(by: type.byteCount)
        guard !overflow, bytes.count == expected else {
            throw .damaged(field: field, reason: "\(bytes.count) bytes do not fill shape \(shape) of \(type.rawValue)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// Makes a tensor of numbers.
    ///
    /// - Precondition: There are as many as `shape` says.
    public init(shape: [Int], floats: [Float]) {
        precondition(SourceTensor.elementCount(shape) == floats.count, "element count differs from the shape")
        self.type = .float32
        self.shape = shape
        bytes = SourceTensor.littleEndian(floats.map(\.bitPattern))
    }

    /// Makes a tensor of integers, cut to the bits of the type.
    ///
    /// - Precondition: There are as many as `shape` says, and `type` is an integer.
    public init(shape: [Int], integers: [Int], type: ElementType = .int64) {
        precondition(SourceTensor.elementCount(shape) == integers.count, "element count differs from the shape")
        precondition(!type.isFloat, "not an integer")
        self.type = type
        self.shape = shape
        switch type.byteCount {
        case 1: bytes = integers.map { UInt8(truncatingIfNeeded: $0) }[...]
        case 2: bytes = SourceTensor.littleEndian(integers.map { UInt16(truncatingIfNeeded: $0) })
        case 4: bytes = SourceTensor.littleEndian(integers.map { UInt32(truncatingIfNeeded: $0) })
        default: bytes = SourceTensor.littleEndian(integers.map { UInt64(truncatingIfNeeded: $0) })
        }
    }

    private init(_ type: ElementType, _ shape: [Int], _ bytes: ArraySlice<UInt8>) {
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// The product of all dimensions.
    public var elementCount: Int { bytes.count / type.byteCount }

    /// The elements as 32-bit floats: rounded where they have more bits, integers too.
    public var floats: [Float] {
        switch type {
        case .float32: patterns(UInt32.self).map(Float.init(bitPattern:))
        case .float16: patterns(UInt16.self).map(Half.decode)
        case .bfloat16: patterns(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        case .float64: patterns(UInt64.self).map { Float(Double(bitPattern: $0)) }
        case .float8e4m3, .float8e4m3z, .float8e5m2, .float8e5m2z: bytes.map { Float8.decode($0, type) }
        default: integers.map { Float($0) }
        }
    }

    /// The elements as integers; floats are cut to whole numbers, and what no integer can hold becomes the nearest.
    public var integers: [Int] {
        switch type {
        case .int8, .int4: bytes.map { Int(Int8(bitPattern: $0)) }
        case .uint8, .uint4, .bool: bytes.map(Int.init)
        case .int16: patterns(UInt16.self).map { Int(Int16(bitPattern: $0)) }
        case .uint16: patterns(UInt16.self).map(Int.init)
        case .int32: patterns(UInt32.self).map { Int(Int32(bitPattern: $0)) }
        case .uint32: patterns(UInt32.self).map(Int.init)
        case .int64: patterns(UInt64.self).map { Int(Int64(bitPattern: $0)) }
        case .uint64: patterns(UInt64.self).map { Int(clamping: $0) }
        default: floats.map(SourceTensor.whole)
        }
    }

    /// The same bytes under another shape.
    ///
    /// - Precondition: The shape has as many elements.
    func reshaped(_ shape: [Int]) -> SourceTensor {
        precondition(SourceTensor.elementCount(shape) == elementCount, "element count differs from the shape")
        return SourceTensor(type, shape, bytes)
    }

    /// Dimension `i` of the result is dimension `permutation[i]` of this one.
    ///
    /// - Precondition: `permutation` orders the dimensions.
    func transposed(_ permutation: [Int]) -> SourceTensor {
        guard permutation != Array(shape.indices) else { return self }
        let strides = SourceTensor.strides(shape)
        return picked(permutation.map { shape[$0] }, permutation.map { strides[$0] }, start: 0)
    }

    /// Elements `begin`, `begin + stride`, ... of each dimension; strides may be negative.
    ///
    /// - Precondition: All lie inside.
    func sliced(begin: [Int], counts: [Int], stride: [Int]) -> SourceTensor {
        let strides = SourceTensor.strides(shape)
        let start = zip(begin, strides).reduce(0) { $0 + $1.0 * $1.1 }
        return picked(counts, zip(stride, strides).map { $0 * $1 }, start: start)
    }

    /// Repeated to a larger shape, aligned at the last dimensions.
    ///
    /// - Precondition: The shapes fit, as in NumPy.
    func broadcast(to target: [Int]) -> SourceTensor {
        guard target != shape else { return self }
        let missing = target.count - shape.count
        let strides = SourceTensor.strides(shape)
        let steps = target.indices.map { $0 < missing || shape[$0 - missing] == 1 ? 0 : strides[$0 - missing] }
        return picked(target, steps, start: 0)
    }

    /// Rows of a dimension in any order.
    ///
    /// - Precondition: The indices lie inside.
    func gathered(_ indices: [Int], axis: Int) -> SourceTensor {
        let outer = shape[..<axis].reduce(1, *)
        let inner = shape[(axis + 1)...].reduce(1, *) * type.byteCount
        var result: [UInt8] = []
        result.reserveCapacity(outer * indices.count * inner)
        for block in 0..<outer {
            for index in indices {
                let start = bytes.startIndex + (block * shape[axis] + index) * inner
                result += bytes[start..<start + inner]
            }
        }
        return SourceTensor(type, shape[..<axis] + [indices.count] + shape[(axis + 1)...], result[...])
    }

    /// All one after the other along a dimension.
    ///
    /// - Precondition: They have one type and fit; there is at least one.
    static func concatenated(_ tensors: [SourceTensor], axis: Int) -> SourceTensor {
        var shape = tensors[0].shape
        shape[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
        let outer = shape[..<axis].reduce(1, *)
        var result: [UInt8] = []
        for block in 0..<outer {
            for tensor in tensors {
                let length = tensor.shape[axis...].reduce(1, *) * tensor.type.byteCount
                let start = tensor.bytes.startIndex + block * length
                result += tensor.bytes[start..<start + length]
            }
        }
        return SourceTensor(tensors[0].type, shape, result[...])
    }

    /// The product of the dimensions, or nil when one is negative or the product overflows.
    static func elementCount(_ shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
        return strides
    }

    /// The whole number nearer to zero, or the nearest that there is; NaN gives 0.
    static func whole(_ value: Float) -> Int {
        if value.isNaN { return 0 }
        return value >= 0x1p63 ? .max : value < -0x1p63 ? .min : Int(value)
    }

    /// Elements at `start` and so many steps from there along each dimension.
    private func picked(_ target: [Int], _ steps: [Int], start: Int) -> SourceTensor {
        let width = type.byteCount
        let count = target.reduce(1, *)
        var result: [UInt8] = []
        result.reserveCapacity(count * width)
        var index = [Int](repeating: 0, count: target.count)
        var element = start
        for _ in 0..<count {
            let first = bytes.startIndex + element * width
            if width == 1 { result.append(bytes[first]) } else { result += bytes[first..<first + width] }
            for axis in target.indices.reversed() {
                index[axis] += 1
                element += steps[axis]
                if index[axis] < target[axis] { break }
                element -= steps[axis] * target[axis]
                index[axis] = 0
            }
        }
        return SourceTensor(type, target, result[...])
    }

    private func patterns<Pattern: FixedWidthInteger & UnsignedInteger>(_: Pattern.Type) -> [Pattern] {
        let width = Pattern.bitWidth / 8
        return [Pattern](unsafeUninitializedCapacity: bytes.count / width) { target, filled in
            // Safety: the capacity is as many bytes as are copied, and any bytes are an integer.
            UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes.prefix(bytes.count / width * width))
            #if _endian(big)
            for index in 0..<bytes.count / width { target[index] = Pattern(littleEndian: target[index]) }
            #endif
            filled = bytes.count / width
        }
    }

    private static func littleEndian<Integer: FixedWidthInteger>(_ integers: [Integer]) -> ArraySlice<UInt8> {
        // Safety: the bytes are copied while the buffer lives.
        integers.map(\.littleEndian).withUnsafeBytes { [UInt8]($0) }[...]
    }
}

/// 16-bit floats; written out, because `Float16` is not on every platform.
enum Half {
    /// The nearest 16-bit float, ties to even.
    static func rounded(_ value: Float) -> Float {
        guard value.isFinite, value != 0 else { return value }
        // The distance of neighbours: 11 significant bits, and none under 2^-24.
        let step = Float(sign: .plus, exponent: max(Int(value.exponent), -14) - 10, significand: 1)
        let result = (value / step).rounded(.toNearestOrEven) * step
        return result.magnitude >= 65520 ? (value < 0 ? -.infinity : .infinity) : result
    }

    /// The nearest float with the exponent of 32 bits and 8 significant ones, ties to even.
    static func roundedToBrain(_ value: Float) -> Float {
        guard value.isFinite else { return value }
        let pattern = value.bitPattern
        return Float(bitPattern: (pattern &+ 0x7fff &+ (pattern >> 16 & 1)) & 0xffff_0000)
    }

    static func decode(_ pattern: UInt16) -> Float {
        let sign: Float = pattern & 0x8000 == 0 ? 1 : -1
        let exponent = Int(pattern >> 10 & 31)
        let fraction = Float(pattern & 0x3ff) / 1024
        switch exponent {
        case 0: return sign * Float(sign: .plus, exponent: -14, significand: fraction)
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
        }
    }
}
