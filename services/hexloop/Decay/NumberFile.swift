import ModelImport

/// The numbers of an `.npy` file of one or two dimensions, row by row.
struct NumberFile {
    let rows: Int
    let columns: Int

    private let start: Int
    private let element: Element
    private let isByColumn: Bool

    private enum Element {
        case float16, float32, float64
        case signed(Int)
        case unsigned(Int)

        init?(_ description: String) {
            switch description {
            case "<f2": self = .float16
            case "<f4": self = .float32
            case "<f8": self = .float64
            case "|i1", "<i1": self = .signed(1)
            case "<i2": self = .signed(2)
            case "<i4": self = .signed(4)
            case "<i8": self = .signed(8)
            case "|u1", "<u1", "|b1": self = .unsigned(1)
            case "<u2": self = .unsigned(2)
            case "<u4": self = .unsigned(4)
            case "<u8": self = .unsigned(8)
            default: return nil
            }
        }

        var byteCount: Int {
            switch self {
            case .float16: 2
            case .float32: 4
            case .float64: 8
            case .signed(let count), .unsigned(let count): count
            }
        }

        func value(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Double {
            var pattern: UInt64 = 0
            for index in 0..<byteCount { pattern |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
            switch self {
            case .float16: return Double(half: UInt16(truncatingIfNeeded: pattern))
            case .float32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: pattern)))
            case .float64: return Double(bitPattern: pattern)
            case .unsigned: return Double(pattern)
            case .signed(let count):
                let shift = UInt64(64 - 8 * count)
                return Double(Int64(bitPattern: pattern << shift) >> Int64(shift))
            }
        }
    }

    /// Rows that are read together.
    private static let blockBytes = 1 << 20

    /// Reads the header.
    /// - Throws: ``CommandError`` for what is no table of numbers, and for a file that is cut.
    init(_ file: borrowing OpenFile) throws(CommandError) {
        let prefix = try file.bytes(at: 0, count: 12)
        guard ArrayFile.isNpy(prefix), prefix.count == 12, (1...3).contains(prefix[6]) else {
            throw CommandError("it is no .npy file of version 1 to 3")
        }
        let lengthEnd = prefix[6] == 1 ? 10 : 12
        let length = prefix[8..<lengthEnd].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= 1 << 20 else { throw CommandError("its .npy header has \(length) bytes") }
        let header = NpyHeader(String(decoding: try file.bytes(at: lengthEnd, count: length), as: UTF8.self))
        guard let description = header.string("descr"), let order = header.word("fortran_order"),
            let shape = header.tuple("shape")
        else { throw CommandError("its .npy header is malformed, or its elements are records") }
        guard let element = Element(description) else {
            throw CommandError("its elements are '\(description)'; little-endian numbers are read")
        }
        guard (1...2).contains(shape.count) else {
            throw CommandError("it has \(shape.count) dimensions; a table has one or two")
        }
        rows = shape[0]
        columns = shape.count == 2 ? shape[1] : 1
        guard rows > 0, columns > 0 else { throw CommandError("there is no row in it") }
        guard columns <= TableFile.columnsMax else {
            throw CommandError("it has \(columns) columns; \(TableFile.columnsMax) are the most")
        }
        self.element = element
        isByColumn = order == "True"
        start = lengthEnd + length
        let (cells, overflow) = rows.multipliedReportingOverflow(by: columns * element.byteCount)
        guard !overflow, try file.bytes(at: start + cells - 1, count: 1).count == 1 else {
            throw CommandError("its shape is \(shape) and the file ends before")
        }
    }

    /// Calls with the numbers of each row.
    func forEachRow(in file: borrowing OpenFile, _ body: (UnsafeBufferPointer<Double>) throws -> Void) throws {
        let size = element.byteCount
        let rowsAtOnce = max(1, Self.blockBytes / (columns * size))
        var numbers = [Double](repeating: 0, count: columns)
        for first in stride(from: 0, to: rows, by: rowsAtOnce) {
            let count = min(rowsAtOnce, rows - first)
            var parts: [[UInt8]] = []
            if isByColumn {
                for column in 0..<columns {
                    parts.append(try file.bytes(at: start + (column * rows + first) * size, count: count * size))
                }
            } else {
                parts = [try file.bytes(at: start + first * columns * size, count: count * columns * size)]
            }
            guard parts.allSatisfy({ $0.count == count * size * (isByColumn ? 1 : columns) }) else {
                throw CommandError("the file was cut while it was read")
            }
            for row in 0..<count {
                for column in 0..<columns {
                    let (part, offset) = isByColumn ? (column, row * size) : (0, (row * columns + column) * size)
                    numbers[column] = parts[part].withUnsafeBytes { element.value($0, at: offset) }
                }
                try numbers.withUnsafeBufferPointer(body)
            }
        }
    }
}

extension Double {
    /// A number of 16 bits: one of sign, five of exponent and ten of fraction.
    fileprivate init(half bits: UInt16) {
        let fraction = Double(bits & 0x3FF)
        let exponent = Int(bits >> 10 & 0x1F)
        let size: Double =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? .infinity : .nan
            default: (1 + fraction * 0x1p-10) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
            }
        self = bits & 0x8000 == 0 ? size : -size
    }
}
