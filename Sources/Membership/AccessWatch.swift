public import Bus
import FoundationEssentials
import Glibc
public import Logging
public import ServiceLifecycle

/// Reads the access file again when it has changed, so that a rotated or revoked key needs no restart.
public struct AccessWatch: Service {
    /// How often the file is looked at.
    public static let interval: Duration = .seconds(1)

    private let path: String
    private let store: AccessStore
    private let logger: Logger

    /// Watches the file that `store` was read from.
    public init(path: String, store: AccessStore, logger: Logger) {
        self.path = path
        self.store = store
        self.logger = logger
    }

    /// Reads an access file.
    /// - Throws: ``AccessError`` that names the file, and what is wrong in it.
    public static func read(_ path: String) throws(AccessError) -> AccessPolicy {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw AccessError("access.file \(path) cannot be read; make it with 'hexloop keys setup'")
        }
        do throws(AccessError) { return try AccessPolicy(parsing: Array(data)) } catch {
            throw AccessError("access.file \(path): \(error.description)")
        }
    }

    /// What tells one state of a file from another without reading it.
    private struct Mark: Equatable {
        var inode: UInt64 = 0
        var bytes: Int64 = 0
        var seconds = 0
        var nanoseconds = 0

        init(_ path: String) {
            var information = stat()
            guard stat(path, &information) == 0 else { return }
            inode = UInt64(information.st_ino)
            bytes = Int64(information.st_size)
            seconds = information.st_mtim.tv_sec
            nanoseconds = information.st_mtim.tv_nsec
        }
    }

    /// Watches until the service stops. A file that cannot be used leaves the policy as it is.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var known: Mark?
            while !Task.isCancelled {
                let mark = Mark(path)
                if mark != known {
                    known = mark
                    reload()
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    private func reload() {
        do throws(AccessError) {
            let policy = try Self.read(path)
            guard policy != store.policy else { return }
            store.set(policy)
            logger.notice(
                "the access file has changed",
                metadata: [
                    "access.identities": "\(policy.identities.count)", "access.revoked": "\(policy.revoked.count)",
                ]
            )
        } catch {
            logger.error(
                "the access file cannot be used; the rights that were in force stay in force",
                metadata: ["reason": "\(error.description)"]
            )
        }
    }
}
