/// The type of the elements of a tensor, as files name it.
public enum ElementType: String, Codable, Sendable, Hashable, CaseIterable {
    case float32, float16, bfloat16, float64
    /// Eight bits, four of them the exponent; no infinity. `Z` has no negative zero either.
    case float8e4m3, float8e4m3z
    /// Eight bits, five of them the exponent. `Z` has neither infinity nor negative zero.
    case float8e5m2, float8e5m2z
    case int8, uint8, int16, uint16, int32, uint32, int64, uint64, bool
    /// Four bits, which a ``SourceTensor`` keeps in a byte each.
    case int4, uint4

    /// The size of one element in a ``SourceTensor``.
    public var byteCount: Int {
        switch self {
        case .float8e4m3, .float8e4m3z, .float8e5m2, .float8e5m2z, .int8, .uint8, .bool, .int4, .uint4: 1
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// Whether the elements are real numbers.
    public var isFloat: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64, .float8e4m3, .float8e4m3z, .float8e5m2, .float8e5m2z: true
        default: false
        }
    }

    /// The least and the greatest integer, or nil for real numbers.
    public var range: ClosedRange<Int>? {
        switch self {
        case .int4: -8...7
        case .uint4: 0...15
        case .int8: -128...127
        case .uint8: 0...255
        case .int16: -32768...32767
        case .uint16: 0...65535
        case .int32: Int(Int32.min)...Int(Int32.max)
        case .uint32: 0...Int(UInt32.max)
        case .int64: Int.min...Int.max
        case .uint64: 0...Int.max
        case .bool: 0...1
        default: nil
        }
    }
}

/// The eight-bit floats of ONNX.
enum Float8 {
    /// The number that a byte stands for.
    static func decode(_ byte: UInt8, _ type: ElementType) -> Float {
        let sign: Float = byte & 0x80 == 0 ? 1 : -1
        let isUnsignedZero = type == .float8e4m3z || type == .float8e5m2z
        if isUnsignedZero, byte == 0x80 { return .nan }
        if type == .float8e4m3 || type == .float8e4m3z {
            if type == .float8e4m3, byte & 0x7f == 0x7f { return .nan }
            return sign * small(Int(byte >> 3 & 15), Int(byte & 7), bits: 3, bias: type == .float8e4m3 ? 7 : 8)
        }
        if type == .float8e5m2, byte & 0x7c == 0x7c { return byte & 3 == 0 ? sign * .infinity : .nan }
        return sign * small(Int(byte >> 2 & 31), Int(byte & 3), bits: 2, bias: type == .float8e5m2 ? 15 : 16)
    }

    private static func small(_ exponent: Int, _ fraction: Int, bits: Int, bias: Int) -> Float {
        let unit = Float(1 << bits)
        return exponent == 0
            ? Float(sign: .plus, exponent: 1 - bias, significand: Float(fraction) / unit)
            : Float(sign: .plus, exponent: exponent - bias, significand: 1 + Float(fraction) / unit)
    }

    /// The nearest byte, ties to the even one.
    ///
    /// - Parameter saturates: Whether what is too large becomes the greatest number rather than infinity or NaN.
    static func encode(_ value: Float, _ type: ElementType, saturates: Bool) -> UInt8 {
        let isUnsignedZero = type == .float8e4m3z || type == .float8e5m2z
        let nan: UInt8 = isUnsignedZero ? 0x80 : 0x7f
        guard !value.isNaN else { return nan }
        let sign: UInt8 = value.sign == .minus ? 0x80 : 0
        let largest: UInt8 =
            switch type {
            case .float8e4m3: 0x7e
            case .float8e5m2: 0x7b
            default: 0x7f
            }
        let overflow: UInt8 =
            switch type {
            case .float8e4m3: sign | 0x7f
            case .float8e5m2: sign | 0x7c
            default: 0x80
            }
        let magnitude = value.magnitude
        if magnitude.isInfinite { return saturates ? sign | largest : overflow }
        // Magnitudes grow with the byte, so the neighbours are found by halving.
        var (low, high) = (UInt8(0), largest)
        if magnitude >= decode(largest, type) {
            // What would round to the number after the greatest is too large.
            let step = decode(largest, type) - decode(largest - 1, type)
            let isNear = magnitude < decode(largest, type) + step / 2
            return isNear || saturates ? sign | largest : overflow
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if decode(middle, type) <= magnitude { low = middle } else { high = middle }
        }
        let (below, above) = (magnitude - decode(low, type), decode(high, type) - magnitude)
        let byte = below < above || (below == above && low % 2 == 0) ? low : high
        return byte == 0 && isUnsignedZero ? 0 : sign | byte
    }
}
