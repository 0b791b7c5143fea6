import CChecksum

/// The Castagnoli checksum (polynomial 0x1EDC6F41, reflected), as iSCSI and SCTP use it: RFC 3720, appendix B.4.
public struct CRC32C: Sendable {
    /// The checksum of all bytes so far.
    public private(set) var value: UInt32 = 0

    /// A checksum of no bytes.
    public init() {}

    /// Adds bytes, by the processor's own instruction where it has one.
    public mutating func update(_ bytes: [UInt8]) {
        value = bytes.withUnsafeBufferPointer { hxc_crc32c(value, $0.baseAddress, $0.count) }
    }

    /// The checksum of a record: topic, header and data, one after the other.
    public static func of(_ parts: [UInt8]...) -> UInt32 {
        var crc = CRC32C()
        for part in parts { crc.update(part) }
        return crc.value
    }
}
