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
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                defer {
                    close(descriptor)
                    unlink(temporary)
                }
                throw failure("write", temporary)
            }
            offset += written
        }
        guard fsync(descriptor) == 0 else {
            defer {
                close(descriptor)
                unlink(temporary)
            }
            throw failure("sync", temporary)
        }
        close(descriptor)
        guard rename(temporary, path(digest)) == 0 else { throw failure("rename", temporary) }
        syncDirectory()
        return digest
    }

    // MARK: Pieces

    /// Bytes of a file; nil when it is not there.
    public func size(of digest: String) -> Int? { Self.isDigest(digest) ? Self.size(ofFile: path(digest)) : nil }

    /// A piece of a file; nil when it is not there or shorter.
    public func read(_ digest: String, offset: Int, count: Int) -> [UInt8]? {
        guard Self.isDigest(digest) else { return nil }
        let descriptor = open(path(digest), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, offset + filled)
            }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes
    }

    /// Bytes of the file that is being received under that name.
    public func partialSize(of digest: String) -> Int {
        Self.isDigest(digest) ? Self.size(ofFile: path(digest) + ".part") ?? 0 : 0
    }

    /// Adds bytes at the end of the file that is being received under that name.
    /// - Throws: ``StorageError`` with the reason, such as a full disk.
    public func append(_ bytes: [UInt8], to digest: String) throws(StorageError) {
        guard Self.isDigest(digest) else { throw StorageError("'\(digest)' is not a SHA-256 in hexadecimal") }
        let descriptor = open(path(digest) + ".part", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path(digest) + ".part") }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                throw failure("write", path(digest) + ".part")
            }
            offset += written
        }
    }

    /// Checks the received file against its name and puts it in place; a wrong one is removed.
    /// - Throws: ``StorageError``.
    public func complete(_ digest: String) throws(StorageError) {
        let part = path(digest) + ".part"
        let data = FileManager.default.contents(atPath: part) ?? Data()
        let actual = Self.hexadecimal(SHA256.hash(data: data))
        guard actual == digest else {
            unlink(part)
            throw StorageError(
                "received bytes have SHA-256 \(actual), not \(digest); they were removed, send them again"
            )
        }
        if data.isEmpty {
            try write([])
            return
        }
        let descriptor = open(part, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw failure("sync", part) }
        close(descriptor)
        guard rename(part, path(digest)) == 0 else { throw failure("rename", part) }
        syncDirectory()
    }

    private func syncDirectory() {
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func size(ofFile path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    private func failure(_ operation: String, _ path: String) -> StorageError {
        StorageError("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
