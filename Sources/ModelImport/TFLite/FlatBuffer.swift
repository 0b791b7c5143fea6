/// Bytes in the FlatBuffers format, every offset checked before it is followed.
///
/// Only what a schema names is read, and no schema here refers to itself, so a reader ends. What a file can repeat by
/// pointing at the same bytes again and again is limited by ``itemsLeft``.
struct FlatBuffer {
    let bytes: ArraySlice<UInt8>
    /// Elements of lists that may still be read.
    private(set) var itemsLeft: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        itemsLeft = 4 * bytes.count + ImportLimits.itemsMax
    }

    /// A table: its place, and where its list of fields lies.
    struct Table {
        let position: Int
        let fields: Int
        /// The bytes of the list of fields.
        let fieldsBytes: Int
    }

    mutating func spend(_ items: Int) throws(ImportError) {
        guard items <= itemsLeft else { throw .damaged(field: "file", reason: "the same bytes are used too often") }
        itemsLeft -= items
    }

    func integer<Integer: FixedWidthInteger>(_ position: Int, _: Integer.Type) throws(ImportError) -> Integer {
        let width = Integer.bitWidth / 8
        guard position >= 0, position <= bytes.count - width else {
            throw .damaged(field: "offset \(position)", reason: "beyond the \(bytes.count) bytes of the file")
        }
        var value: Integer = 0
        for index in 0..<width {
            value |= Integer(truncatingIfNeeded: bytes[bytes.startIndex + position + index]) << (8 * index)
        }
        return value
    }

    /// The table that the bytes begin with.
    func root() throws(ImportError) -> Table { try table(at: Int(integer(0, UInt32.self))) }

    func table(at position: Int) throws(ImportError) -> Table {
        let fields = position - Int(try integer(position, Int32.self))
        let fieldsBytes = Int(try integer(fields, UInt16.self))
        guard fieldsBytes >= 4, fields <= bytes.count - fieldsBytes else {
            throw .damaged(field: "table at \(position)", reason: "its list of fields is cut")
        }
        return Table(position: position, fields: fields, fieldsBytes: fieldsBytes)
    }

    /// Where a field of a table lies, or nil when it has none.
    private func place(_ table: Table, _ field: Int) throws(ImportError) -> Int? {
        let entry = 4 + 2 * field
        guard entry + 2 <= table.fieldsBytes else { return nil }
        let offset = Int(try integer(table.fields + entry, UInt16.self))
        return offset == 0 ? nil : table.position + offset
    }

    func number<Integer: FixedWidthInteger>(
        _ table: Table,
        _ field: Int,
        default missing: Integer
    ) throws(ImportError) -> Integer {
        guard let place = try place(table, field) else { return missing }
        return try integer(place, Integer.self)
    }

    func float(_ table: Table, _ field: Int, default missing: Float) throws(ImportError) -> Float {
        guard let place = try place(table, field) else { return missing }
        return Float(bitPattern: try integer(place, UInt32.self))
    }

    func flag(_ table: Table, _ field: Int) throws(ImportError) -> Bool {
        try number(table, field, default: UInt8(0)) != 0
    }

    /// A table that a field points at.
    func table(_ table: Table, _ field: Int) throws(ImportError) -> Table? {
        guard let place = try place(table, field) else { return nil }
        return try self.table(at: place + Int(integer(place, UInt32.self)))
    }

    /// The elements of a list: where the first lies, and how many there are.
    private func list(_ table: Table, _ field: Int, width: Int) throws(ImportError) -> (start: Int, count: Int)? {
        guard let place = try place(table, field) else { return nil }
        let start = place + Int(try integer(place, UInt32.self))
        let count = Int(try integer(start, UInt32.self))
        guard count <= (bytes.count - start - 4) / width else {
            throw .damaged(field: "list at \(start)", reason: "its \(count) elements leave the file")
        }
        return (start + 4, count)
    }

    /// The tables of a list.
    mutating func tables(_ table: Table, _ field: Int, _ what: String) throws(ImportError) -> [Table] {
        guard let (start, count) = try list(table, field, width: 4) else { return [] }
        guard count <= ImportLimits.itemsMax else {
            throw .tooLarge(what: what, actual: count, max: ImportLimits.itemsMax)
        }
        try spend(count)
        var tables: [Table] = []
        tables.reserveCapacity(count)
        for index in 0..<count {
            let place = start + 4 * index
            tables.append(try self.table(at: place + Int(integer(place, UInt32.self))))
        }
        return tables
    }

    mutating func numbers<Integer: FixedWidthInteger>(
        _ table: Table,
        _ field: Int,
        _: Integer.Type
    ) throws(ImportError) -> [Int] {
        let width = Integer.bitWidth / 8
        guard let (start, count) = try list(table, field, width: width) else { return [] }
        try spend(count)
        var numbers: [Int] = []
        numbers.reserveCapacity(count)
        for index in 0..<count { numbers.append(Int(clamping: try integer(start + width * index, Integer.self))) }
        return numbers
    }

    mutating func floats(_ table: Table, _ field: Int) throws(ImportError) -> [Float] {
        try numbers(table, field, UInt32.self).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }

    /// The bytes of a list, shared with the file.
    func blob(_ table: Table, _ field: Int) throws(ImportError) -> ArraySlice<UInt8> {
        guard let (start, count) = try list(table, field, width: 1) else { return [] }
        let first = bytes.startIndex + start
        return bytes[first..<first + count]
    }

    mutating func text(_ table: Table, _ field: Int) throws(ImportError) -> String {
        let blob = try blob(table, field).prefix(1 << 10)
        try spend(blob.count)
        return String(decoding: blob, as: UTF8.self)
    }
}
