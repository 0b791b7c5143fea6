import Crypto

/// The first 64 bytes of a container, all numbers little-endian.
///
/// | bytes | field |
/// |---|---|
/// | 0..<8 | magic; its line ends show a file that went through a text conversion |
/// | 8..<12 | version, 1 |
/// | 12..<16 | flags, 0 |
/// | 16..<24 | bytes of the whole file |
/// | 24..<32 | bytes of the index, which is JSON and begins at 64 |
/// | 32..<64 | SHA-256 of everything from 64 on |
///
/// Zeros follow the index up to a multiple of 128. Then the tensors in the order of the index, each followed by zeros
/// up to a multiple of 128, so that a mapped file can be read with aligned vector loads and no load leaves it.
struct ContainerHeader {
    static let byteCount = 64
    static let alignment = 128
    static let magic: [UInt8] = [0x89, 0x48, 0x58, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a]
    static let version: UInt32 = 1
    /// Larger files are refused before anything is read from them.
    static let fileBytesMax = 1 << 30
    /// A larger index is refused before it is parsed.
    static let indexBytesMax = 1 << 26

    let indexBytes: Int

    /// Where the tensors begin.
    var dataOffset: Int { ContainerHeader.aligned(ContainerHeader.byteCount + indexBytes) }

    /// Checks every field against the bytes that are there.
    init(parsing bytes: [UInt8]) throws(ContainerError) {
        let size = ContainerHeader.byteCount
        guard bytes.count >= size else {
            throw .truncated(field: "header", neededBytes: size, actualBytes: bytes.count)
        }
        guard bytes[..<8].elementsEqual(ContainerHeader.magic) else {
            throw .invalid(field: "magic", reason: "not a container")
        }
        let version = UInt32(truncatingIfNeeded: ContainerHeader.number(bytes[8..<12]))
        guard version == ContainerHeader.version else { throw .unsupportedVersion(version) }
        guard ContainerHeader.number(bytes[12..<16]) == 0 else { throw .invalid(field: "flags", reason: "not 0") }
        let fileBytes = ContainerHeader.number(bytes[16..<24])
        guard fileBytes <= UInt64(ContainerHeader.fileBytesMax) else {
            throw .invalid(field: "file bytes", reason: "\(fileBytes) is too large")
        }
        guard fileBytes <= UInt64(bytes.count) else {
            throw .truncated(field: "file", neededBytes: Int(fileBytes), actualBytes: bytes.count)
        }
        guard fileBytes == UInt64(bytes.count) else {
            throw .invalid(field: "file bytes", reason: "\(bytes.count - Int(fileBytes)) bytes follow the end")
        }
        let indexBytes = ContainerHeader.number(bytes[24..<32])
        guard indexBytes <= UInt64(ContainerHeader.indexBytesMax) else {
            throw .invalid(field: "index bytes", reason: "\(indexBytes) is too large")
        }
        self.indexBytes = Int(indexBytes)
        guard dataOffset <= bytes.count else {
            throw .truncated(field: "index", neededBytes: dataOffset, actualBytes: bytes.count)
        }
        guard SHA256.hash(data: bytes[size...]).elementsEqual(bytes[32..<64]) else { throw .damaged }
    }

    /// The header of a file whose bytes from 64 on are `contents`.
    static func encode(contents: ArraySlice<UInt8>, indexBytes: Int) -> [UInt8] {
        magic + littleEndian(UInt64(version), count: 4) + littleEndian(0, count: 4)
            + littleEndian(UInt64(byteCount + contents.count), count: 8)
            + littleEndian(UInt64(indexBytes), count: 8) + SHA256.hash(data: contents)
    }

    /// The next multiple of 128; `offset` is at most the size of a file.
    static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func littleEndian(_ number: UInt64, count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
