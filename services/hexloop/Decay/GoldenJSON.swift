#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// JSON of recorded vectors: large arrays of numbers, read fast, with every double exact.
///
/// Not finite numbers are written as the strings `NaN`, `Infinity` and `-Infinity`, which ``number`` understands.
enum GoldenJSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([GoldenJSON])
    case object([String: GoldenJSON])

    /// How deep values may lie in each other.
    static let depthMax = 64

    /// What was not JSON, and where.
    struct SyntaxError: Error, CustomStringConvertible {
        let offset: Int
        var description: String { "no JSON at byte \(offset)" }
    }

    init(parsing bytes: [UInt8]) throws(SyntaxError) {
        var parser = Parser(bytes: bytes + [0])
        self = try parser.value(0)
        parser.skipBlanks()
        guard parser.offset == bytes.count else { throw SyntaxError(offset: parser.offset) }
    }

    subscript(key: String) -> GoldenJSON {
        guard case .object(let members) = self else { return .null }
        return members[key] ?? .null
    }

    var number: Double? {
        switch self {
        case .number(let value): value
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        default: nil
        }
    }

    var integer: Int? { number.flatMap { Int(exactly: $0) } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var elements: [GoldenJSON]? { if case .array(let values) = self { values } else { nil } }
    var members: [String: GoldenJSON]? { if case .object(let values) = self { values } else { nil } }
    var isNull: Bool { self == .null }

    /// An array whose elements are numbers, or nil.
    var numbers: [Double]? {
        guard case .array(let values) = self else { return nil }
        var result: [Double] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let number = value.number else { return nil }
            result.append(number)
        }
        return result
    }

    /// An array of rows of numbers, or nil.
    var rows: [[Double]]? {
        guard case .array(let values) = self else { return nil }
        var result: [[Double]] = []
        for value in values {
            guard let row = value.numbers else { return nil }
            result.append(row)
        }
        return result
    }

    private struct Parser {
        let bytes: [UInt8]
        var offset = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func skipBlanks() {
            while bytes[offset] == 0x20 || (0x09...0x0D).contains(bytes[offset]) { offset += 1 }
        }

        mutating func value(_ depth: Int) throws(SyntaxError) -> GoldenJSON {
            guard depth < GoldenJSON.depthMax else { throw SyntaxError(offset: offset) }
            skipBlanks()
            switch bytes[offset] {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try array(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return .number(try number())
            }
        }

        private mutating func word(_ text: StaticString, _ value: GoldenJSON) throws(SyntaxError) -> GoldenJSON {
            let matches = text.withUTF8Buffer { bytes[offset...].starts(with: $0) }
            guard matches else { throw SyntaxError(offset: offset) }
            offset += text.utf8CodeUnitCount
            return value
        }

        private mutating func number() throws(SyntaxError) -> Double {
            let start = offset
            var whole = 0
            var isWhole = true
            var digits = 0
            let isNegative = bytes[offset] == UInt8(ascii: "-")
            if isNegative { offset += 1 }
            while true {
                let byte = bytes[offset]
                if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                    digits += 1
                    if digits < 16 { whole = whole * 10 + Int(byte - UInt8(ascii: "0")) }
                } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
                    || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
                {
                    isWhole = false
                } else {
                    break
                }
                offset += 1
            }
            guard digits > 0 else { throw SyntaxError(offset: start) }
            if isWhole, digits < 16 { return Double(isNegative ? -whole : whole) }
            guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
                throw SyntaxError(offset: start)
            }
            return value
        }

        private mutating func string() throws(SyntaxError) -> String {
            offset += 1
            let start = offset
            while bytes[offset] != UInt8(ascii: "\""), bytes[offset] != UInt8(ascii: "\\"), bytes[offset] >= 0x20 {
                offset += 1
            }
            if bytes[offset] == UInt8(ascii: "\"") {
                offset += 1
                return String(decoding: bytes[start..<offset - 1], as: UTF8.self)
            }
            var units = Array(bytes[start..<offset])
            while bytes[offset] != UInt8(ascii: "\"") {
                guard bytes[offset] >= 0x20 else { throw SyntaxError(offset: offset) }
                if bytes[offset] != UInt8(ascii: "\\") {
                    units.append(bytes[offset])
                    offset += 1
                    continue
                }
                offset += 2
                switch bytes[offset - 1] {
                case UInt8(ascii: "n"): units.append(0x0A)
                case UInt8(ascii: "t"): units.append(0x09)
                case UInt8(ascii: "r"): units.append(0x0D)
                case UInt8(ascii: "b"): units.append(0x08)
                case UInt8(ascii: "f"): units.append(0x0C)
                case UInt8(ascii: "u"):
                    var unit = try hexadecimal()
                    if (0xD800..<0xDC00).contains(unit), bytes[offset] == UInt8(ascii: "\\"),
                        bytes[offset + 1] == UInt8(ascii: "u")
                    {
                        offset += 2
                        unit = 0x10000 + (unit - 0xD800) << 10 + (try hexadecimal() & 0x3FF)
                    }
                    units.append(contentsOf: String(UnicodeScalar(unit) ?? "\u{FFFD}").utf8)
                case let byte where byte >= 0x20: units.append(byte)
                default: throw SyntaxError(offset: offset - 1)
                }
            }
            offset += 1
            return String(decoding: units, as: UTF8.self)
        }

        private mutating func hexadecimal() throws(SyntaxError) -> UInt32 {
            guard offset + 4 < bytes.count,
                let value = UInt32(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
            else { throw SyntaxError(offset: offset) }
            offset += 4
            return value
        }

        private mutating func array(_ depth: Int) throws(SyntaxError) -> GoldenJSON {
            offset += 1
            var values: [GoldenJSON] = []
            skipBlanks()
            if bytes[offset] == UInt8(ascii: "]") {
                offset += 1
                return .array([])
            }
            while true {
                values.append(try value(depth + 1))
                skipBlanks()
                offset += 1
                if bytes[offset - 1] == UInt8(ascii: "]") { return .array(values) }
                guard bytes[offset - 1] == UInt8(ascii: ",") else { throw SyntaxError(offset: offset - 1) }
            }
        }

        private mutating func object(_ depth: Int) throws(SyntaxError) -> GoldenJSON {
            offset += 1
            var members: [String: GoldenJSON] = [:]
            skipBlanks()
            if bytes[offset] == UInt8(ascii: "}") {
                offset += 1
                return .object([:])
            }
            while true {
                skipBlanks()
                guard bytes[offset] == UInt8(ascii: "\"") else { throw SyntaxError(offset: offset) }
                let key = try string()
                skipBlanks()
                guard bytes[offset] == UInt8(ascii: ":") else { throw SyntaxError(offset: offset) }
                offset += 1
                members[key] = try value(depth + 1)
                skipBlanks()
                offset += 1
                if bytes[offset - 1] == UInt8(ascii: "}") { return .object(members) }
                guard bytes[offset - 1] == UInt8(ascii: ",") else { throw SyntaxError(offset: offset - 1) }
            }
        }
    }
}

extension GoldenJSON: ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(stringLiteral value: String) { self = .string(value) }
    init(arrayLiteral elements: GoldenJSON...) { self = .array(elements) }
    init(nilLiteral: ()) { self = .null }
    init(dictionaryLiteral elements: (String, GoldenJSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }

    init(_ value: Double) { self = .number(value) }
    init(_ value: Int) { self = .number(Double(value)) }
    init(_ value: Bool) { self = .bool(value) }
    init(_ value: Double?) { self = value.map(GoldenJSON.number) ?? .null }
    init(_ values: [Double]) { self = .array(values.map(GoldenJSON.number)) }
    init(_ values: [Int]) { self = .array(values.map { .number(Double($0)) }) }
    init(_ values: [Bool]) { self = .array(values.map(GoldenJSON.bool)) }
    init(_ rows: [[Double]]) { self = .array(rows.map { GoldenJSON($0) }) }
    init(_ rows: [[Int]]) { self = .array(rows.map { GoldenJSON($0) }) }
}
