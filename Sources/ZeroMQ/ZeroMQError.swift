internal import CZeroMQ
import Glibc

/// A call into libzmq that failed.
public struct ZeroMQError: Error, Sendable, Hashable, CustomStringConvertible {
    /// libzmq's `errno`.
    public let code: Int32
    /// What was tried, such as `bind ipc:///run/bus.sock`.
    public let operation: String

    init(_ operation: String) {
        code = zmq_errno()
        self.operation = operation
    }

    init(_ operation: String, code: Int32) {
        self.code = code
        self.operation = operation
    }

    /// What was tried, libzmq's reason, and a way out where there is a known one.
    public var description: String {
        let reason = unsafe String(cString: zmq_strerror(code))
        let hint =
            switch code {
            case EADDRINUSE: "; another program is bound to it: stop that one or choose another endpoint"
            case EACCES: "; this user may not use that path or port"
            case ENOENT, ENOTDIR: "; the directory of the socket does not exist"
            case ENAMETOOLONG: "; an ipc path has at most 107 characters: choose a shorter data directory"
            default: ""
            }
        return "\(operation): \(reason)\(hint)"
    }
}
