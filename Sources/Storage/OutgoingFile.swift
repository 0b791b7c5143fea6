import Crypto
import Glibc

/// A file that is being sent, as it was when it was opened: a change is an error, not other bytes.
public final class OutgoingFile {
    /// Bytes of the whole.
    public let count: Int
    private let file: FileDescriptor
    private let identity: Identity

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
    /// - Throws: ``StorageError``, also for what is no regular file.
    public init(path: String) throws(StorageError) {
        file = try FileDescriptor(path, O_RDONLY)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw StorageError("\(path) is no regular file") }
        count = Int(status.st_size)
        identity = Identity(status)
    }

    /// A piece of the file.
    /// - Throws: ``StorageError``, also when the file was changed, removed or replaced since it was opened.
    public func read(offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        let bytes = try file.read(offset: offset, count: count)
        guard bytes.count == count, Identity(try file.status()) == identity else {
            throw StorageError("\(file.path) was changed, removed or replaced while it was being read")
        }
        return bytes
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
