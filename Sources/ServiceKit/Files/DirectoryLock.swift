#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Sole use of a directory, held until the value is gone or the process ends, however it ends.
///
/// The lock is `flock(2)` on the file `lock` inside the directory. It binds only those who ask for it, and it needs a
/// volume that all replicas see as one.
public final class DirectoryLock: Sendable {
    /// The path of the locked directory.
    public let directory: String

    private let descriptor: Int32

    /// The name of the file that carries the lock; it holds the owner's process id.
    public static let fileName = "lock"

    private init(directory: String, descriptor: Int32) {
        self.directory = directory
        self.descriptor = descriptor
    }

    deinit {
        // Closing alone would leave the lock with a child that is between fork and exec and still has the descriptor.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Locks a directory, which is created with mode 0700 if it is missing, as are the directories above it.
    ///
    /// - Parameter directory: The path of the directory.
    /// - Returns: The lock; keep it as long as the directory is used.
    /// - Throws: ``DirectoryLockError/held(directory:owner:)`` when another holder is alive, which may be retried, and
    ///   ``DirectoryLockError/unusable(path:reason:)`` when the directory or its lock file cannot be used.
    public static func acquire(_ directory: String) throws(DirectoryLockError) -> DirectoryLock {
        try create(directory)
        let path = "\(directory)/\(fileName)"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .unusable(path: path, reason: SystemError.current())
        }
        guard flockWithoutWaiting(descriptor) == 0 else {
            let number = errno
            let owner = owner(in: descriptor)
            close(descriptor)
            guard number == EWOULDBLOCK else {
                throw .unusable(path: path, reason: SystemError.text(number))
            }
            throw .held(directory: directory, owner: owner)
        }
        writeOwner(to: descriptor)
        return DirectoryLock(directory: directory, descriptor: descriptor)
    }

    /// Locks the first free directory of `<base>/<prefix>1`, `<base>/<prefix>2`, ..., creating it when it is missing.
    ///
    /// Replicas of one program on a shared volume each get a directory of their own this way, and after a restart
    /// find one that was used before.
    ///
    /// - Parameters:
    ///   - base: The directory that holds the slots; created with mode 0700 if it is missing.
    ///   - prefix: What a slot's name begins with, such as `node-`.
    ///   - max: How many slots there may be, at least 1.
    /// - Returns: The lock of the slot.
    /// - Throws: ``DirectoryLockError/noFreeSlot(base:prefix:max:)`` when all are held, and
    ///   ``DirectoryLockError/unusable(path:reason:)`` when a directory or lock file cannot be used.
    public static func claimSlot(
        in base: String,
        prefix: String,
        max: Int
    ) throws(DirectoryLockError) -> DirectoryLock {
        precondition(max >= 1, "There must be at least one slot")
        for number in 1...max {
            do throws(DirectoryLockError) {
                return try acquire("\(base)/\(prefix)\(number)")
            } catch .held {
                continue
            }
        }
        throw .noFreeSlot(base: base, prefix: prefix, max: max)
    }

    private static func flockWithoutWaiting(_ descriptor: Int32) -> Int32 {
        while true {
            let result = flock(descriptor, LOCK_EX | LOCK_NB)
            guard result != 0, errno == EINTR else { return result }
        }
    }

    private static func create(_ directory: String) throws(DirectoryLockError) {
        var path = directory.hasPrefix("/") ? "" : "."
        for component in directory.split(separator: "/") {
            path += "/\(component)"
            guard mkdir(path, 0o700) != 0 else { continue }
            // A directory above ours may be there and closed to us for writing, which only matters if ours is missing.
            let number = errno
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw .unusable(path: path, reason: SystemError.text(number))
            }
        }
    }

    private static func writeOwner(to descriptor: Int32) {
        // The id is for people who look; the lock does not depend on it.
        _ = ftruncate(descriptor, 0)
        _ = "\(getpid())\n".utf8.map { $0 }.withUnsafeBytes { Descriptor.write(descriptor, $0) }
    }

    private static func owner(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = bytes.withUnsafeMutableBytes { Descriptor.read(descriptor, $0) }
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

/// Why a directory could not be locked.
public enum DirectoryLockError: Error, Equatable {
    /// Another holder has the lock; `owner` is its process id if it is known.
    case held(directory: String, owner: Int32?)
    /// A directory or lock file cannot be created or used.
    case unusable(path: String, reason: String)
    /// All slots are held.
    case noFreeSlot(base: String, prefix: String, max: Int)
}

extension DirectoryLockError: CustomStringConvertible {
    /// What is wrong and the way out, on one line.
    public var description: String {
        switch self {
        case .held(let directory, let owner):
            "\(directory) is in use by \(owner.map { "process \($0)" } ?? "another process"). "
                + "Stop that process or choose another data directory."
        case .unusable(let path, let reason):
            "\(path) cannot be used: \(reason). Check its owner and rights, or choose another data directory."
        case .noFreeSlot(let base, let prefix, let max):
            "All \(max) slots \(base)/\(prefix)1...\(max) are in use. Stop a replica or choose another data directory."
        }
    }
}
