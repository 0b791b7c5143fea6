import FoundationEssentials
import Glibc

/// A directory that nobody but this user may enter: what stands for keys where programs meet over local sockets.
public enum PrivateDirectory {
    /// A directory that cannot be made private.
    public struct Problem: Error, Sendable, CustomStringConvertible {
        /// Names the directory, what is wrong and the way out.
        public let description: String
    }

    /// Makes the directory, and those above it, when it is missing; closes it to others when it is this user's.
    /// - Returns: Whether it was open to others before.
    /// - Throws: ``Problem`` when it is somebody else's or cannot be made.
    @discardableResult
    public static func ensure(_ path: String) throws -> Bool {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Problem(description: "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        var information = stat()
        guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
            throw Problem(description: "\(path) is no directory that can be read; choose another one")
        }
        guard information.st_uid == geteuid() else {
            throw Problem(
                description:
                    "\(path) belongs to user \(information.st_uid), not to \(geteuid()) who runs this program: "
                    + "whoever owns it could take the place of these sockets; choose another directory"
            )
        }
        guard information.st_mode & 0o077 != 0 else { return false }
        guard chmod(path, 0o700) == 0 else {
            throw Problem(description: "\(path) is open to other users and cannot be closed; run chmod 700 on it")
        }
        return true
    }
}
