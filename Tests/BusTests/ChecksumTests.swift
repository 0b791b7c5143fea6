import CChecksum
import Testing

@testable import Bus

@Suite("Each way to compute CRC-32C gives the same bits")
struct ChecksumTests {
    /// Bit by bit, as the polynomial says.
    private static func definition(_ crc: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
        var state = ~crc
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82F6_3B78 : state >> 1 }
        }
        return ~state
    }

    private static let bytes = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }

    /// Around every edge of the implementation: words, blocks of three short streams, blocks of three long ones.
    private static let counts = [
        0, 1, 7, 8, 9, 63, 64, 65, 767, 768, 769, 1535, 1536, 1537, 24_575, 24_576, 24_577, 25_344, 49_152, 50_000,
    ]

    @Test("tables, instruction and definition agree for every length and alignment", arguments: counts)
    func equal(_ count: Int) {
        Self.bytes.withUnsafeBufferPointer { bytes in
            for start in [0, 1, 3, 8] {
                let address = bytes.baseAddress.map { $0 + start }
                let expected = Self.definition(0x1234_5678, Self.bytes[start..<start + count])
                #expect(hxc_crc32c_portable(0x1234_5678, address, count) == expected)
                #expect(hxc_crc32c(0x1234_5678, address, count) == expected)
                guard hxc_crc32c_has_hardware() != 0 else { continue }
                #expect(hxc_crc32c_hardware(0x1234_5678, address, count) == expected)
            }
        }
    }

    @Test("the checksum of a long text goes on from any cut")
    func cuts() {
        for cut in [0, 1, 255, 768, 8192, 24_576, 59_999] {
            var checksum = CRC32C()
            checksum.update(Array(Self.bytes[..<cut]))
            checksum.update(Array(Self.bytes[cut...]))
            #expect(checksum.value == CRC32C.of(Self.bytes))
        }
    }
}
