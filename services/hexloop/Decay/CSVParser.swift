/// Takes the bytes of a CSV file in parts of any size and gives its rows.
///
/// RFC 4180 and what is found beside it: fields in quotes with separators, line ends and doubled quotes in them; lines
/// that end with LF, CRLF or CR; a byte order mark; empty lines. It holds one row at a time.
struct CSVParser {
    /// The bytes of a row's fields, one after the other, and where each ends.
    struct Row {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        /// The line it begins in, from 1.
        var line = 1

        var count: Int { ends.count }

        subscript(field: Int) -> ArraySlice<UInt8> { bytes[(field == 0 ? 0 : ends[field - 1])..<ends[field]] }

        func text(_ field: Int) -> String { String(decoding: self[field], as: UTF8.self) }
    }

    /// A row of more bytes is refused: a quote that is not closed would take the rest of the file.
    static let rowBytesMax = 1 << 22

    let separator: UInt8
    private var row = Row()
    private var line = 1
    private var state = State.field
    private var mark = 0
    private var isQuoted = false
    private var endedWithCR = false

    private enum State { case field, quoted, quoteInQuoted }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(separator: UInt8 = UInt8(ascii: ",")) { self.separator = separator }

    /// The separator that the first line of a file has most of: comma, semicolon, tab or bar.
    static func separator(of start: ArraySlice<UInt8>) -> UInt8 {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in start {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
            counts[byte, default: 0] += 1
        }
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")]
        return candidates.max { counts[$0, default: 0] < counts[$1, default: 0] }.flatMap {
            counts[$0, default: 0] > 0 ? $0 : nil
        } ?? candidates[0]
    }

    /// Takes the next bytes.
    /// - Parameter take: Called with each row that is complete.
    /// - Throws: ``CommandError`` for a row that is too long, and what `take` throws.
    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, take: (Row) throws -> Void) throws {
        for byte in bytes {
            // The mark may only be at the very start.
            if mark < 3 {
                if byte == Self.byteOrderMark[mark] {
                    mark += 1
                    if mark == 3 { row.bytes.removeAll(keepingCapacity: true) } else { row.bytes.append(byte) }
                    continue
                }
                mark = 3
            }
            try add(byte, take)
        }
    }

    /// Says that the file is over: its last line may have no end.
    mutating func finish(take: (Row) throws -> Void) throws {
        guard state != .quoted else {
            throw CommandError("the row that begins in line \(row.line) has a quote that is not closed")
        }
        try endRow(take)
    }

    @inline(__always)
    private mutating func add(_ byte: UInt8, _ take: (Row) throws -> Void) throws {
        switch state {
        case .quoted:
            if byte == UInt8(ascii: "\"") {
                state = .quoteInQuoted
                return
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            row.bytes.append(byte)
        case .quoteInQuoted where byte == UInt8(ascii: "\""):
            row.bytes.append(byte)
            state = .quoted
        case .field, .quoteInQuoted:
            let afterCR = endedWithCR
            endedWithCR = false
            switch byte {
            case separator:
                row.ends.append(row.bytes.count)
                isQuoted = false
                state = .field
            case UInt8(ascii: "\n"):
                if afterCR { return }
                try endRow(take)
            case UInt8(ascii: "\r"):
                try endRow(take)
                endedWithCR = true
            case UInt8(ascii: "\"")
            where state == .field && !isQuoted && row.bytes.count == (row.ends.last ?? 0):
                state = .quoted
                isQuoted = true
            default: row.bytes.append(byte)
            }
        }
        guard row.bytes.count <= Self.rowBytesMax else {
            throw CommandError(
                "the row that begins in line \(row.line) has more than \(Self.rowBytesMax) bytes; "
                    + "is a quote in it not closed?"
            )
        }
    }

    private mutating func endRow(_ take: (Row) throws -> Void) throws {
        state = .field
        line += 1
        defer {
            row.bytes.removeAll(keepingCapacity: true)
            row.ends.removeAll(keepingCapacity: true)
            row.line = line
            isQuoted = false
        }
        if row.ends.isEmpty, row.bytes.isEmpty, !isQuoted { return }
        row.ends.append(row.bytes.count)
        try take(row)
    }
}

/// What a field of a CSV file holds.
enum CSVField {
    /// Words for a cell without a value, in small letters.
    private static let missing: Set<[UInt8]> = Set(
        ["", "na", "n/a", "nan", "null", "none", "-nan", "#n/a", "<na>"].map { Array($0.utf8) }
    )

    static func isMissing(_ field: ArraySlice<UInt8>) -> Bool {
        guard field.count <= 5 else { return false }
        if let first = field.first, (0x30...0x39).contains(first) { return false }
        let trimmed = trimmed(field)
        return trimmed.isEmpty || missing.contains(trimmed.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 })
    }

    static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var field = field
        while let first = field.first, first == 0x20 || first == 0x09 { field.removeFirst() }
        while let last = field.last, last == 0x20 || last == 0x09 { field.removeLast() }
        return field
    }

    /// The number that a field is; nil for anything else.
    ///
    /// Up to 15 digits and a power of ten up to 22 are exact in one step; the rest is left to the library.
    static func number(_ field: ArraySlice<UInt8>) -> Double? {
        let text = trimmed(field)
        var place = text.startIndex
        let end = text.endIndex
        var isNegative = false
        if place < end, text[place] == UInt8(ascii: "-") || text[place] == UInt8(ascii: "+") {
            isNegative = text[place] == UInt8(ascii: "-")
            place += 1
        }
        var mantissa: UInt64 = 0
        var (digits, scale) = (0, 0)
        var hasPoint = false
        while place < end {
            let byte = text[place]
            if byte >= 0x30, byte <= 0x39 {
                mantissa = mantissa &* 10 &+ UInt64(byte - 0x30)
                digits += 1
                if hasPoint { scale += 1 }
                if digits > 15 { break }
            } else if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else {
                break
            }
            place += 1
        }
        if place == end, digits > 0, scale <= 22 {
            let value = Double(mantissa) / powers[scale]
            return isNegative ? -value : value
        }
        // Double would take hexadecimal and words; a table has neither for numbers.
        guard text.count <= 64,
            text.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) })
                || isInfinity(text)
        else { return nil }
        return Double(String(decoding: text, as: UTF8.self))
    }

    private static func isInfinity(_ text: ArraySlice<UInt8>) -> Bool {
        let word = String(decoding: text, as: UTF8.self).lowercased()
        return ["inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"].contains(word)
    }

    private static let powers: [Double] = {
        var powers = [1.0]
        for _ in 0..<22 { powers.append((powers.last ?? 1) * 10) }
        return powers
    }()
}
