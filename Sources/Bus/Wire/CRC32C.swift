/// The Castagnoli checksum (polynomial 0x1EDC6F41, reflected), as iSCSI and SCTP use it: RFC 3720, appendix B.4.
public struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    /// A checksum of no bytes.
    public init() {}

    /// The checksum of all bytes so far.
    public var value: UInt32 { ~state }

    /// Adds bytes, four at a time.
    public mutating func update(_ bytes: [UInt8]) {
        var crc = state
        Self.tables.withUnsafeBufferPointer { tables in
            bytes.withUnsafeBufferPointer { bytes in
                var index = 0
                while index + 4 <= bytes.count {
                    let low = crc ^ UInt32(bytes[index]) ^ UInt32(bytes[index + 1]) << 8
                    let word = low ^ UInt32(bytes[index + 2]) << 16 ^ UInt32(bytes[index + 3]) << 24
                    crc =
                        tables[768 + Int(word & 0xFF)] ^ tables[512 + Int(word >> 8 & 0xFF)]
                        ^ tables[256 + Int(word >> 16 & 0xFF)] ^ tables[Int(word >> 24)]
                    index += 4
                }
                while index < bytes.count {
                    crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                    index += 1
                }
            }
        }
        state = crc
    }

    /// The checksum of a record: topic, header and data, one after the other.
    public static func of(_ parts: [UInt8]...) -> UInt32 {
        var crc = CRC32C()
        for part in parts { crc.update(part) }
        return crc.value
    }

    /// Four tables of 256: table k is the effect of a byte that k more bytes follow.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 1024)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for index in 256..<1024 { tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xFF)] }
        return tables
    }()
}
