import Crypto
import Glibc

/// A file that is being sent, as it was when it was opened: a change is an error, not other bytes.
public final class OutgoingFile {
    /// Bytes of the whole.
    public let count: Int
    private let file: FileDescriptor
    private let identity: Identity
    /// What the bytes shall hash to; nil when nobody knows.
    private let digest: String?
    private var hash = SHA256()
    /// Bytes that are in ``hash``: reads in order make it grow.
    private var hashed = 0

    private struct Identity: Equatable {
        let size: off_t
        let seconds: Int
        let nanoseconds: Int
        let isNamed: Bool

        init(_ status: stat) {
            size = status.st_size
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
            isNamed = status.st_nlink > 0
        }
    }

    /// Opens a file.
    /// - Parameter digest: What it shall hash to. It is checked as the file is read from its first byte to its last;
    ///   a file that is damaged is then moved aside, as `<path>.damaged`.
    /// - Throws: ``StorageError``, also for what is no regular file.
    public init(path: String, digest: String? = nil) throws(StorageError) {
        self.digest = digest
        file = try FileDescriptor(path, O_RDONLY)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw StorageError("\(path) is no regular file") }
        count = Int(status.st_size)
        identity = Identity(status)
    }

    /// A piece of the file.
    /// - Throws: ``StorageError``, also when the file was changed, removed or replaced since it was opened; of kind
    ///   `mismatch` with the last piece of a damaged file.
    public func read(offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        let bytes = try file.read(offset: offset, count: count)
        guard bytes.count == count, Identity(try file.status()) == identity else {
            throw StorageError("\(file.path) was changed, removed or replaced while it was being read")
        }
        if let digest, offset == hashed { try check(bytes, digest) }
        return bytes
    }

    private func check(_ bytes: [UInt8], _ digest: String) throws(StorageError) {
        hash.update(data: bytes)
        hashed += bytes.count
        guard hashed == count else { return }
        let actual = BlobStore.hexadecimal(hash.finalize())
        guard actual != digest else { return }
        rename(file.path, file.path + ".damaged")
        throw StorageError(
            "\(file.path) is damaged: its SHA-256 is \(actual); moved to .damaged, store it again",
            kind: .mismatch
        )
    }

    /// SHA-256 of the whole, read in pieces.
    /// - Parameter progress: Told how many bytes were read; may throw to give up.
    /// - Throws: ``StorageError``.
    public func digest(progress: (Int) throws(StorageError) -> Void = { _ in }) throws(StorageError) -> String {
        var hash = SHA256()
        var offset = 0
        while offset < count {
            let bytes = try read(offset: offset, count: min(1 << 20, count - offset))
            hash.update(data: bytes)
            offset += bytes.count
            try progress(offset)
        }
        return BlobStore.hexadecimal(hash.finalize())
    }
}
