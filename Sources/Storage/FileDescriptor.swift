import Glibc

/// One open file, closed with its owner. The calls name the file in their errors and go on after signals.
final class FileDescriptor: Sendable {
    let path: String
    let number: Int32

    /// Opens a file; with `O_CREAT` for the owner's eyes only.
    init(_ path: String, _ flags: Int32) throws(StorageError) {
        let number = open(path, flags | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw StorageError(flags & O_CREAT == 0 ? "open" : "create", path) }
        self.path = path
        self.number = number
    }

    deinit { close(number) }

    func status() throws(StorageError) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw StorageError("look at", path) }
        return status
    }

    /// A piece of the file; shorter only at its end.
    func read(offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(number, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if got < 0 {
                    if errno == EINTR { continue }
                    code = errno
                }
                guard got > 0 else { return }
                filled += got
            }
        }
        guard code == 0 else { throw StorageError("read", path, code: code) }
        return bytes
    }

    /// Writes all bytes at `offset`.
    func write(_ bytes: [UInt8], offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                pwrite(number, buffer.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                throw StorageError("write", path)
            }
            done += written
        }
    }

    func truncate(to count: Int) throws(StorageError) {
        while ftruncate(number, off_t(count)) != 0 {
            guard errno == EINTR else { throw StorageError("shorten", path) }
        }
    }

    /// Forces the file onto the disk. After a failure nobody knows what is there: do not call it again.
    func sync() throws(StorageError) { guard fsync(number) == 0 else { throw StorageError("sync", path) } }

    /// Forces the names in a directory onto the disk.
    static func syncDirectory(_ path: String) throws(StorageError) {
        try FileDescriptor(path, O_RDONLY | O_DIRECTORY).sync()
    }
}
