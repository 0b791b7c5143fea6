import Crypto
import Glibc

/// A file that is being received: bytes go to `<path>.part`, and when they have their digest, into place.
///
/// What an earlier try left is kept, hashed once in pieces, and gone on with. One program at a time receives a file.
/// Memory does not depend on the file's size.
public final class IncomingFile {
    /// Where the file will be.
    public let path: String
    /// The SHA-256 that it shall have, in lower-case hexadecimal.
    public let digest: String
    /// Bytes that are there.
    public private(set) var count: Int
    private var hashed = 0
    private var hash = SHA256()
    private var file: FileDescriptor

    private var partPath: String { path + ".part" }

    /// Opens the part that an earlier try left, or begins one.
    /// - Throws: ``StorageError``, also when another program is receiving the same file.
    public init(path: String, digest: String) throws(StorageError) {
        self.path = path
        self.digest = digest
        file = try Self.claim(path + ".part")
        count = Int(try file.status().st_size)
    }

    /// Opens and locks a part, again when it was moved into place between the two.
    private static func claim(_ path: String) throws(StorageError) -> FileDescriptor {
        while true {
            let file = try FileDescriptor(path, O_RDWR | O_CREAT)
            while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EINTR else { throw StorageError("\(path) is being received by another program") }
            }
            var named = stat()
            if stat(path, &named) == 0, named.st_ino == (try file.status()).st_ino { return file }
        }
    }

    /// Hashes up to `bytesMax` bytes of what an earlier try left.
    /// - Returns: Whether all are hashed.
    /// - Throws: ``StorageError``.
    public func verify(bytesMax: Int) throws(StorageError) -> Bool {
        var left = min(bytesMax, count - hashed)
        while left > 0 {
            let bytes = try file.read(offset: hashed, count: min(left, 1 << 20))
            guard !bytes.isEmpty else { throw StorageError("\(partPath) became shorter while it was read") }
            hash.update(data: bytes)
            hashed += bytes.count
            left -= bytes.count
        }
        return hashed == count
    }

    /// Adds bytes at the end, when all before them are hashed. When it throws, the file is as it was.
    /// - Throws: ``StorageError``; of kind `full` when there is no room.
    public func append(_ bytes: [UInt8]) throws(StorageError) {
        precondition(hashed == count, "bytes that were there before are hashed first")
        do { try file.write(bytes, offset: count) } catch {
            // A piece may have found room.
            try file.truncate(to: count)
            throw error
        }
        hash.update(data: bytes)
        count += bytes.count
        hashed = count
    }

    /// Throws all bytes away, also when the part was removed.
    /// - Throws: ``StorageError``.
    public func restart() throws(StorageError) {
        var named = stat()
        let isNamed = stat(partPath, &named) == 0
        let status = try file.status()
        if !isNamed || status.st_ino != named.st_ino { file = try Self.claim(partPath) }
        try file.truncate(to: 0)
        (count, hashed, hash) = (0, 0, SHA256())
    }

    /// Compares the bytes with the digest; wrong ones are removed. The file is not to be used afterwards, but for
    /// ``restart()``.
    /// - Returns: What is left to do, on any thread: forces the file onto the disk and gives it its name.
    /// - Throws: ``StorageError`` of kind `mismatch`.
    public func seal() throws(StorageError) -> @Sendable () throws(StorageError) -> Void {
        precondition(hashed == count, "bytes that were there before are hashed first")
        let (file, path, partPath) = (file, path, partPath)
        let actual = BlobStore.hexadecimal(hash.finalize())
        guard actual == digest else {
            unlink(partPath)
            throw StorageError(
                "the bytes received for \(path) have SHA-256 \(actual), not \(digest); they were removed",
                kind: .mismatch
            )
        }
        return { () throws(StorageError) in
            do throws(StorageError) { try file.sync() } catch {
                unlink(partPath)
                throw error
            }
            guard rename(partPath, path) == 0 else { throw StorageError("rename", partPath) }
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try FileDescriptor.syncDirectory(directory.isEmpty ? "/" : directory)
        }
    }
}
