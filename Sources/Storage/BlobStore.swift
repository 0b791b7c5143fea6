public import Crypto
import FoundationEssentials
import Glibc

/// Files named by the SHA-256 of their bytes, under one directory.
///
/// A file appears whole or not at all: it is written under a temporary name, forced to disk and renamed.
public struct BlobStore: Sendable {
    /// The directory.
    public let directory: String

    /// Opens or makes the directory.
    /// - Throws: ``StorageError``.
    public init(directory: String) throws(StorageError) {
        self.directory = directory
        do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
            throw StorageError("cannot make \(directory): \(error)")
        }
    }

    /// The name of those bytes: SHA-256 in lower-case hexadecimal.
    public static func digest(of bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    /// A hash as lower-case hexadecimal.
    public static func hexadecimal(_ hash: SHA256.Digest) -> String {
        hash.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// Whether `text` may name a file here: 64 hexadecimal digits.
    public static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// The file of a digest.
    public func path(_ digest: String) -> String { "\(directory)/\(digest)" }

    /// Whether the file is there.
    public func contains(_ digest: String) -> Bool {
        Self.isDigest(digest) && FileManager.default.fileExists(atPath: path(digest))
    }

    /// The bytes, checked against their name; nil when there is no such file.
    /// - Throws: ``StorageError`` when the file is damaged; it is moved aside as `<digest>.damaged`.
    public func read(_ digest: String) throws(StorageError) -> [UInt8]? {
        guard contains(digest), let data = FileManager.default.contents(atPath: path(digest)) else { return nil }
        let bytes = Array(data)
        guard Self.digest(of: bytes) == digest else {
            rename(path(digest), path(digest) + ".damaged")
            throw StorageError("\(path(digest)) does not have the bytes of its name; moved to .damaged")
        }
        return bytes
    }

    /// Stores bytes and returns their digest; a file that is there already is kept.
    /// - Throws: ``StorageError`` with the reason, such as a full disk.
    @discardableResult
    public func write(_ bytes: [UInt8]) throws(StorageError) -> String {
        let digest = Self.digest(of: bytes)
        if contains(digest) { return digest }
        let temporary = "\(directory)/.\(digest).\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        do throws(StorageError) {
            let file = try FileDescriptor(temporary, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(bytes, offset: 0)
            try file.sync()
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path(digest)) == 0 else { throw StorageError("rename", temporary) }
        try FileDescriptor.syncDirectory(directory)
        return digest
    }

    // MARK: Pieces

    /// Opens a file to be sent in pieces; nil when it is not there. Whoever reads it in order learns with its last
    /// piece whether it is damaged.
    /// - Throws: ``StorageError``.
    public func open(_ digest: String) throws(StorageError) -> OutgoingFile? {
        contains(digest) ? try OutgoingFile(path: path(digest), digest: digest) : nil
    }

    /// Opens a file to be received in pieces, with what an earlier try left of it.
    /// - Throws: ``StorageError``, also when another program is receiving the same file.
    public func receive(_ digest: String) throws(StorageError) -> IncomingFile {
        guard Self.isDigest(digest) else { throw StorageError("'\(digest)' is not a SHA-256 in hexadecimal") }
        return try IncomingFile(path: path(digest), digest: digest)
    }
}
