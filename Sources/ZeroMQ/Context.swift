internal import CZeroMQ
import Glibc

/// A libzmq context: the I/O threads that all sockets of a process share.
@safe public final class Context: Sendable {
    // Safety: libzmq contexts may be used from any thread; the pointer is set once and freed in deinit only.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    /// libzmq's version, such as `4.3.4`.
    public static var libraryVersion: String {
        var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
        unsafe zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// Whether this libzmq can encrypt.
    public static var hasCurve: Bool { unsafe zmq_has("curve") == 1 }

    /// Starts a context.
    /// - Parameter ioThreads: Threads for transport; two, so that a slow name look-up on one does not stall all.
    public init(ioThreads: Int32 = 2) throws(ZeroMQError) {
        guard let handle = unsafe zmq_ctx_new() else { throw ZeroMQError("create context") }
        unsafe self.handle = handle
        unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, ioThreads)
        unsafe zmq_ctx_set(handle, ZMQ_IPV6, 0)
    }

    deinit {
        unsafe zmq_ctx_shutdown(handle)
        while unsafe zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}
