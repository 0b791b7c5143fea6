import FoundationEssentials
import Glibc

/// An array in a file: NumPy's `.npy`, or its bare elements, little-endian.
struct ArrayFile {
    enum Element: String, CaseIterable {
        case float32 = "f32"
        case uint8 = "u8"

        var byteCount: Int { self == .float32 ? 4 : 1 }
        fileprivate var description: String { self == .float32 ? "<f4" : "|u1" }
    }

    enum Form: String, CaseIterable {
        case npy, raw
    }

    let element: Element
    /// The dimensions; one, of all elements, for bare elements.
    let shape: [Int]
    /// The elements, row-major.
    let bytes: [UInt8]

    /// What `numpy.save` writes first.
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The header is filled up to a multiple of this.
    private static let alignment = 64
    /// More dimensions than this are refused.
    private static let rankMax = 32

    /// The contents of a file are an `.npy` file.
    static func isNpy(_ contents: [UInt8]) -> Bool { contents.starts(with: magic) }

    init(element: Element, shape: [Int], bytes: [UInt8]) {
        self.element = element
        self.shape = shape
        self.bytes = bytes
    }

    /// Bare elements.
    init(raw bytes: [UInt8], element: Element) throws(CommandError) {
        guard bytes.count % element.byteCount == 0 else {
            throw CommandError("\(bytes.count) bytes are no whole number of \(element.rawValue) elements")
        }
        self.init(element: element, shape: [bytes.count / element.byteCount], bytes: bytes)
    }

    /// A file that `numpy.save` wrote, versions 1 to 3.
    init(npy contents: [UInt8]) throws(CommandError) {
        guard Self.isNpy(contents), contents.count >= 12 else { throw CommandError("it is no .npy file") }
        let isShort = contents[6] == 1
        guard (1...3).contains(contents[6]) else {
            throw CommandError("it is an .npy file of version \(contents[6]); 1 to 3 are known")
        }
        let lengthBytes = contents[8..<(isShort ? 10 : 12)]
        let start = lengthBytes.endIndex
        let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= contents.count - start else { throw CommandError("its .npy header is cut off") }
        let header = NpyHeader(String(decoding: contents[start..<start + length], as: UTF8.self))
        guard let description = header.string("descr"), let order = header.word("fortran_order"),
            let shape = header.tuple("shape"), shape.count <= Self.rankMax
        else { throw CommandError("its .npy header is malformed") }
        guard order == "False" else {
            throw CommandError("it is in Fortran's order; save numpy.ascontiguousarray of it")
        }
        switch description {
        case "<f4": element = .float32
        case "|u1", "<u1", "u1": element = .uint8
        default: throw CommandError("its elements are '\(description)'; float32 ('<f4') and uint8 ('|u1') are read")
        }
        var count = element.byteCount
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw CommandError("its shape \(shape) is too large") }
            count = product
        }
        guard contents.count - start - length == count else {
            throw CommandError(
                "its shape \(shape) takes \(count) bytes and \(contents.count - start - length) follow the header"
            )
        }
        self.shape = shape
        bytes = Array(contents[(start + length)...])
    }

    /// The contents of a file.
    func contents(_ form: Form) -> [UInt8] {
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
    var floats: [Float] {
        guard element == .float32 else { return bytes.map(Float.init) }
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            let pattern = bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Float(bitPattern: pattern)
        }
    }

    init(floats: [Float], shape: [Int]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(floats.count * 4)
        for float in floats { withUnsafeBytes(of: float.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        self.init(element: .float32, shape: shape, bytes: bytes)
    }
}

/// The dictionary of an `.npy` header: Python's literals, of which it holds a string, a boolean and a tuple.
struct NpyHeader {
    private let text: Substring

    init(_ text: String) { self.text = text[...] }

    private func value(_ key: String) -> Substring? {
        for quote in ["'", "\""] {
            if let range = text.firstRange(of: "\(quote)\(key)\(quote):") {
                return text[range.upperBound...].drop { $0 == " " }
            }
        }
        return nil
    }

    func string(_ key: String) -> String? {
        guard let value = value(key), let quote = value.first, quote == "'" || quote == "\"" else { return nil }
        return String(value.dropFirst().prefix { $0 != quote })
    }

    func word(_ key: String) -> Substring? { value(key)?.prefix { $0.isLetter } }

    func tuple(_ key: String) -> [Int]? {
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

/// Files by path, with `-` for standard input and output.
enum Stream {
    /// More than this is not read.
    static let bytesMax = 1 << 32

    static func read(_ path: String) throws(CommandError) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be read: \(reason)") }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandError("\(path) cannot be read: \(reason)") }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= bytesMax else { throw CommandError("\(path) has more than \(bytesMax) bytes") }
            bytes.append(contentsOf: part.prefix(count))
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws(CommandError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let descriptor = path == "-" ? STDOUT_FILENO : open(path, flags, 0o644)
        guard descriptor >= 0 else { throw CommandError("\(path) cannot be written: \(reason)") }
        var rest = bytes[...]
        var failure: String?
        while !rest.isEmpty, failure == nil {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count > 0 { rest = rest.dropFirst(count) } else { failure = reason }
        }
        if path != "-", close(descriptor) != 0, failure == nil { failure = reason }
        if let failure { throw CommandError("\(path) cannot be written: \(failure)") }
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
