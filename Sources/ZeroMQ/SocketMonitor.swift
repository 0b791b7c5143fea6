internal import CZeroMQ
import Glibc

/// What happens to the connections of a bound socket.
///
/// Made on the socket's thread before it binds, and used there.
public struct SocketMonitor: ~Copyable {
    /// One happening. Descriptors are those of ``Origin``; one that closed may be given to the next connection.
    public enum Event: Sendable, Hashable {
        case accepted(Int32)
        case closed(Int32)
        /// A peer has not shown that it speaks the same language and owns a key.
        case handshakeFailed(Failure)
    }

    /// Why a handshake failed.
    public enum Failure: Sendable, Hashable {
        /// The peer went away or was too slow; one without a key does so when it sees that keys are wanted.
        case unfinished
        /// What it sent is no ZMTP, or another mechanism than CURVE.
        case otherProtocol
        /// It takes the server for another one, or its bytes were changed on the way.
        case wrongServerKey
        /// The authenticator turned it away.
        case notWelcome
    }

    private let pair: Socket

    /// Watches `socket`; `name` is unique in the context.
    public init(_ context: Context, _ socket: borrowing Socket, name: String) throws(ZeroMQError) {
        let endpoint = "inproc://monitor.\(name)"
        // Not those that nobody could be accepted: without descriptors libzmq tries again and again, and says so each time.
        let events =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
            | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        guard unsafe zmq_socket_monitor(socket.handle, endpoint, events) == 0 else {
            throw ZeroMQError("watch the socket \(name)")
        }
        var options = SocketOptions()
        // libzmq's transport threads wait when nobody takes what they report.
        options.receiveHighWaterMark = 100_000
        let pair = try Socket(context, .pair, options: options)
        try pair.connect(endpoint)
        self.pair = pair
    }

    /// Wakes the poll when something happened.
    public func prepare(_ set: inout PollSet) { set.add(pair) }

    /// The next happening; nil when there is none.
    public func next() -> Event? {
        while case .message(let frames) = (try? pair.receive()) ?? .none {
            guard let first = frames.first, first.count == 6 else { continue }
            let kind = Int32(UInt16(first[0]) | UInt16(first[1]) << 8)
            let value = first[2...5].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            switch kind {
            case ZMQ_EVENT_ACCEPTED: return .accepted(Int32(bitPattern: value))
            case ZMQ_EVENT_DISCONNECTED: return .closed(Int32(bitPattern: value))
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .handshakeFailed(.unfinished)
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .handshakeFailed(.notWelcome)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                let isCrypto = Int32(bitPattern: value) == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                return .handshakeFailed(isCrypto ? .wrongServerKey : .otherProtocol)
            default: continue
            }
        }
        return nil
    }
}

/// A TCP connection that a socket of this process has accepted, by its descriptor.
public enum TCPConnection {
    /// Place of `tcpi_bytes_received` in the kernel's `struct tcp_info` (linux/tcp.h). It is part of the system's ABI;
    /// the C library's declaration ends before it.
    private static let bytesReceivedPlace = 128
    private static let tcpInfo: Int32 = 11
    private static let waitingBytes: UInt = 0x541B

    /// Bytes that libzmq has taken from the connection since it began, without those that wait in the kernel; nil when
    /// it is none, or gone.
    public static func bytesRead(_ descriptor: Int32) -> Int? {
        var information = [UInt8](repeating: 0, count: 256)
        var size = socklen_t(information.count)
        guard unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), tcpInfo, &information, &size) == 0,
            Int(size) >= bytesReceivedPlace + 8
        else { return nil }
        let field = information[bytesReceivedPlace..<bytesReceivedPlace + 8]
        let received = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var waiting: Int32 = 0
        guard unsafe ioctl(descriptor, waitingBytes, &waiting) == 0 else { return nil }
        return Int(clamping: received) - Int(waiting)
    }

    /// The peer's address and port, `127.0.0.1:40000`; nil when there is none.
    public static func peer(_ descriptor: Int32) -> String? {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(descriptor, $0, &size)
            }
        }
        guard status == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
        let bytes = (0..<4).map { UInt32(bigEndian: address.sin_addr.s_addr) >> (24 - 8 * $0) & 255 }
        return bytes.map(String.init).joined(separator: ".") + ":\(UInt16(bigEndian: address.sin_port))"
    }

    /// Ends the connection: libzmq drops the peer with everything that it had sent and not finished.
    ///
    /// The peer is told by a reset: with a full window it would otherwise wait for minutes to say more.
    public static func cut(_ descriptor: Int32) {
        var abort = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
