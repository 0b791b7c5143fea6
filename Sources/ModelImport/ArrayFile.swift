import FoundationEssentials

/// Why a file is no array that is read.
public struct ArrayFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One line for a person, without the name of the file.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// An array in a file: NumPy's `.npy`, or its bare elements, little-endian.
public struct ArrayFile: Sendable {
    /// The elements that are read.
    public enum Element: String, Sendable, CaseIterable {
        case float32 = "f32"
        case uint8 = "u8"
        case int8 = "i8"

        /// The size of an element.
        public var byteCount: Int { self == .float32 ? 4 : 1 }

        fileprivate var description: String {
            switch self {
            case .float32: "<f4"
            case .uint8: "|u1"
            case .int8: "|i1"
            }
        }
    }

    /// How an array stands in a file.
    public enum Form: String, Sendable, CaseIterable {
        case npy, raw
    }

    /// What the elements are.
    public let element: Element
    /// The dimensions; one, of all elements, for bare elements.
    public let shape: [Int]
    /// The elements, row-major.
    public let bytes: [UInt8]

    /// What `numpy.save` writes first.
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The header is filled up to a multiple of this.
    private static let alignment = 64
    /// More dimensions than this are refused.
    private static let rankMax = 32

    /// Whether the contents of a file are an `.npy` file.
    public static func isNpy(_ contents: [UInt8]) -> Bool { contents.starts(with: magic) }

    /// An array of its elements.
    public init(element: Element, shape: [Int], bytes: [UInt8]) {
        self.element = element
        self.shape = shape
        self.bytes = bytes
    }

    /// Bare elements.
    /// - Throws: ``ArrayFileError`` when an element is cut.
    public init(raw bytes: [UInt8], element: Element) throws(ArrayFileError) {
        guard bytes.count % element.byteCount == 0 else {
            throw ArrayFileError("\(bytes.count) bytes are no whole number of \(element.rawValue) elements")
        }
        self.init(element: element, shape: [bytes.count / element.byteCount], bytes: bytes)
    }

    /// A file that `numpy.save` wrote, versions 1 to 3.
    /// - Throws: ``ArrayFileError`` that says what is damaged or not read.
    public init(npy contents: [UInt8]) throws(ArrayFileError) {
        guard Self.isNpy(contents), contents.count >= 12 else { throw ArrayFileError("it is no .npy file") }
        let isShort = contents[6] == 1
        guard (1...3).contains(contents[6]) else {
            throw ArrayFileError("it is an .npy file of version \(contents[6]); 1 to 3 are known")
        }
        let lengthBytes = contents[8..<(isShort ? 10 : 12)]
        let start = lengthBytes.endIndex
        let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= contents.count - start else { throw ArrayFileError("its .npy header is cut off") }
        let header = NpyHeader(String(decoding: contents[start..<start + length], as: UTF8.self))
        guard let description = header.string("descr"), let order = header.word("fortran_order"),
            let shape = header.tuple("shape"), shape.count <= Self.rankMax
        else { throw ArrayFileError("its .npy header is malformed") }
        guard order == "False" else {
            throw ArrayFileError("it is in Fortran's order; save numpy.ascontiguousarray of it")
        }
        guard let format = Format(description) else {
            throw ArrayFileError(
                "its elements are '\(description)'; read are float32 ('<f4'), uint8 ('|u1'), int8 ('|i1'), and as float32 float64 "
                    + "('<f8'), int32 ('<i4') and int64 ('<i8')"
            )
        }
        var count = format.byteCount
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw ArrayFileError("its shape \(shape) is too large") }
            count = product
        }
        guard contents.count - start - length == count else {
            throw ArrayFileError(
                "its shape \(shape) takes \(count) bytes and \(contents.count - start - length) follow the header"
            )
        }
        let data = contents[(start + length)...]
        switch format {
        case .float32: self.init(element: .float32, shape: shape, bytes: Array(data))
        case .uint8: self.init(element: .uint8, shape: shape, bytes: Array(data))
        case .int8: self.init(element: .int8, shape: shape, bytes: Array(data))
        case .float64: self.init(floats: Self.words(data, 8).map { Float(Double(bitPattern: $0)) }, shape: shape)
        case .int32:
            self.init(floats: Self.words(data, 4).map { Float(Int32(truncatingIfNeeded: $0)) }, shape: shape)
        case .int64: self.init(floats: Self.words(data, 8).map { Float(Int64(bitPattern: $0)) }, shape: shape)
        }
    }

    /// What `numpy.save` may have written.
    private enum Format {
        case float32, float64, uint8, int8, int32, int64

        init?(_ description: String) {
            switch description {
            case "<f4": self = .float32
            case "<f8": self = .float64
            case "|u1", "<u1", "u1": self = .uint8
            case "|i1", "<i1", "i1": self = .int8
            case "<i4": self = .int32
            case "<i8": self = .int64
            default: return nil
            }
        }

        var byteCount: Int {
            switch self {
            case .uint8, .int8: 1
            case .float32, .int32: 4
            case .float64, .int64: 8
            }
        }
    }

    /// Little-endian numbers of `byteCount` bytes.
    private static func words(_ data: ArraySlice<UInt8>, _ byteCount: Int) -> [UInt64] {
        stride(from: data.startIndex, to: data.endIndex, by: byteCount).map { start in
            data[start..<start + byteCount].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
    }

    /// The contents of a file.
    public func contents(_ form: Form) -> [UInt8] {
        guard form == .npy else { return bytes }
        let dimensions = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
        var header = "{'descr': '\(element.description)', 'fortran_order': False, 'shape': (\(dimensions)), }"
        let prefix = Self.magic.count + 4
        let whole = (prefix + header.utf8.count + 1 + Self.alignment - 1) / Self.alignment * Self.alignment
        header += String(repeating: " ", count: whole - prefix - header.utf8.count - 1) + "\n"
        let length = header.utf8.count
        return Self.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8) + bytes
    }

    /// The elements as floats; of bytes their numbers.
    public var floats: [Float] {
        switch element {
        case .float32: break
        case .uint8: return bytes.map(Float.init)
        case .int8: return bytes.map { Float(Int8(bitPattern: $0)) }
        }
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            let pattern = bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Float(bitPattern: pattern)
        }
    }

    /// An array of float32.
    public init(floats: [Float], shape: [Int]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(floats.count * 4)
        for float in floats { withUnsafeBytes(of: float.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        self.init(element: .float32, shape: shape, bytes: bytes)
    }
}

/// The dictionary of an `.npy` header: Python's literals, of which it holds a string, a boolean and a tuple.
public struct NpyHeader: Sendable {
    private let text: Substring

    /// A header of its text.
    public init(_ text: String) { self.text = text[...] }

    private func value(_ key: String) -> Substring? {
        for quote in ["'", "\""] {
            if let range = text.firstRange(of: "\(quote)\(key)\(quote):") {
                return text[range.upperBound...].drop { $0 == " " }
            }
        }
        return nil
    }

    /// The text of a key; nil when there is none.
    public func string(_ key: String) -> String? {
        guard let value = value(key), let quote = value.first, quote == "'" || quote == "\"" else { return nil }
        return String(value.dropFirst().prefix { $0 != quote })
    }

    /// The letters of a key, such as `True`; nil when there is none.
    public func word(_ key: String) -> Substring? { value(key)?.prefix { $0.isLetter } }

    /// The numbers of a key, none of them negative; nil when there are none.
    public func tuple(_ key: String) -> [Int]? {
        guard let value = value(key), value.first == "(", let end = value.firstIndex(of: ")") else { return nil }
        var numbers: [Int] = []
        for part in value[value.index(after: value.startIndex)..<end].split(separator: ",") {
            let digits = part.filter { $0 != " " }
            if digits.isEmpty { continue }
            guard let number = Int(digits), number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}
