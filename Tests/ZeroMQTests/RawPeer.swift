import CZeroMQ
import Glibc

@testable import ZeroMQ

/// A peer that does not keep our rules: libzmq without our wrapper, with whatever options a test wants.
final class RawPeer {
    let handle: UnsafeMutableRawPointer?

    init(_ context: Context, _ kind: Int32) { handle = zmq_socket(context.handle, kind) }

    deinit { close() }

    func close() {
        set(ZMQ_LINGER, 0)
        zmq_close(handle)
    }

    @discardableResult
    func set(_ option: Int32, _ value: Int32) -> Int32 {
        var value = value
        return zmq_setsockopt(handle, option, &value, MemoryLayout.size(ofValue: value))
    }

    @discardableResult
    func set(_ option: Int32, _ bytes: [UInt8]) -> Int32 { zmq_setsockopt(handle, option, bytes, bytes.count) }

    func connect(_ endpoint: String) { zmq_connect(handle, endpoint) }

    /// Sends one frame, waiting for room when `flags` is 0.
    @discardableResult
    func send(_ bytes: [UInt8], _ flags: Int32 = 0) -> Bool { zmq_send(handle, bytes, bytes.count, flags) >= 0 }

    /// The next frame, for at most that long; nil when none comes.
    func receive(milliseconds: Int32) -> [UInt8]? {
        set(ZMQ_RCVTIMEO, milliseconds)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = zmq_recv(handle, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer.prefix(Int(count)))
    }
}

extension Socket {
    /// An option as libzmq has it.
    func option(_ option: Int32) -> Int32 {
        var (value, count) = (Int32(-1), MemoryLayout<Int32>.size)
        return zmq_getsockopt(handle, option, &value, &count) == 0 ? value : -1
    }

    /// The largest frame that it takes.
    var frameBytesMax: Int64 {
        var (value, count) = (Int64(-1), MemoryLayout<Int64>.size)
        return zmq_getsockopt(handle, ZMQ_MAXMSGSIZE, &value, &count) == 0 ? value : -1
    }
}

extension Context {
    /// Threads for transport.
    var ioThreads: Int32 { zmq_ctx_get(handle, ZMQ_IO_THREADS) }
}
