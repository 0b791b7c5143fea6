/// A value that instructions take and give, as bytes: registers as they lie in memory, scalars little-endian.
protocol Operand: Sendable {
    static var kind: OperandKind { get }
    init(reading reader: inout OperandReader)
    var memory: [UInt8] { get }
}

/// Takes operands off a row of bytes.
struct OperandReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Precondition: a register is left; ``Operation/run(_:)`` has counted.
    mutating func vector() -> Vector {
        defer { offset += Vector.byteCount }
        return Vector(unaligned: bytes, at: offset)
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value {
        let size = MemoryLayout<Value>.size
        defer { offset += size }
        return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }
}

private func leastFirst(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

extension Vector: Operand {
    static var kind: OperandKind { .vector }
    init(reading reader: inout OperandReader) { self = reader.vector() }
    var memory: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }
}

extension VectorPair: Operand {
    static var kind: OperandKind { .pair }

    init(reading reader: inout OperandReader) {
        let low = reader.vector()
        self.init(low: low, high: reader.vector())
    }

    /// Two registers of memory.
    ///
    /// - Precondition: `memory` has 256 bytes.
    init(memory: [UInt8]) {
        self.init(low: Vector(unaligned: memory, at: 0), high: Vector(unaligned: memory, at: Vector.byteCount))
    }

    var memory: [UInt8] { low.memory + high.memory }
}

extension Predicate: Operand {
    static var kind: OperandKind { .predicate }
    init(reading reader: inout OperandReader) { self.init(bits: reader.integer(UInt128.self)) }
    var memory: [UInt8] { leastFirst(bits) }
}

extension Int32: Operand {
    static var kind: OperandKind { .scalar }
    init(reading reader: inout OperandReader) { self = reader.integer(Int32.self) }
    var memory: [UInt8] { leastFirst(self) }
}

extension Int64: Operand {
    static var kind: OperandKind { .scalarPair }
    init(reading reader: inout OperandReader) { self = reader.integer(Int64.self) }
    var memory: [UInt8] { leastFirst(self) }
}
