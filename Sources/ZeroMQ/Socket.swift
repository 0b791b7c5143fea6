internal import CZeroMQ
import Glibc

/// The socket types that Hexloop uses.
public enum SocketKind: Sendable, Hashable {
    case router, dealer, publisher, subscriber, extendedPublisher, request, reply, pair

    var value: Int32 {
        switch self {
        case .router: ZMQ_ROUTER
        case .dealer: ZMQ_DEALER
        case .publisher: ZMQ_PUB
        case .subscriber: ZMQ_SUB
        case .extendedPublisher: ZMQ_XPUB
        case .request: ZMQ_REQ
        case .reply: ZMQ_REP
        case .pair: ZMQ_PAIR
        }
    }
}

/// What is set before a socket binds or connects. The defaults are the project's, not libzmq's.
public struct SocketOptions: Sendable, Hashable {
    /// Messages queued per peer for sending.
    public var sendHighWaterMark: Int32 = 4096
    /// Messages queued per peer for receiving.
    public var receiveHighWaterMark: Int32 = 4096
    /// How long unsent messages keep a closed socket alive; never forever.
    public var lingerMs: Int32 = 0
    /// Largest frame; a peer that sends a larger one is disconnected.
    public var messageBytesMax: Int64 = 1 << 20
    /// Queue only to connections that stand.
    public var immediate = false
    /// ROUTER: tell when a peer is gone or slow instead of dropping.
    public var mandatory = false
    /// XPUB: a subscription takes effect only by ``Socket/grantSubscription(_:)``.
    public var grantsSubscriptions = false
    /// Encrypts, and says who may connect; nil for sockets that only this user's programs reach.
    public var curve: CurveOptions?

    /// The defaults.
    public init() {}
}

/// One libzmq socket. It lives on the thread that made it: create, poll, use and close it there.
///
/// Not copyable, so there is one owner; not Sendable, so the compiler keeps it on its thread.
///
/// Safety: the handle is private to this value, valid from init to deinit, and never shared.
@safe public struct Socket: ~Copyable {
    /// Frames that one message may have; a peer that sends more has its message dropped.
    public static let framesMax = 64
    /// Bytes that all frames of one message may have together.
    public static let messageBytesMax = 2 << 20

    let handle: UnsafeMutableRawPointer
    private let context: Context

    /// What became of a message handed to ``send(_:)``.
    public enum SendOutcome: Sendable, Hashable {
        /// Queued in this process; that says nothing about arrival.
        case queued
        /// The peer's queue is full.
        case full
        /// No such peer, with ``SocketOptions/mandatory``.
        case unreachable
    }

    /// What ``receive()`` found.
    public enum Reception: Sendable, Hashable {
        case message([[UInt8]])
        /// A message over ``framesMax`` or ``messageBytesMax``; it was read to its end and dropped.
        case oversized(firstFrame: [UInt8])
        case none
    }

    /// Makes a socket with `options` applied.
    public init(_ context: Context, _ kind: SocketKind, options: SocketOptions = .init()) throws(ZeroMQError) {
        guard let handle = unsafe zmq_socket(context.handle, kind.value) else { throw ZeroMQError("create socket") }
        do throws(ZeroMQError) { try unsafe Self.apply(options.curve, to: handle) } catch {
            unsafe zmq_close(handle)
            throw error
        }
        unsafe self.handle = handle
        self.context = context
        set(ZMQ_SNDHWM, options.sendHighWaterMark)
        set(ZMQ_RCVHWM, options.receiveHighWaterMark)
        set(ZMQ_LINGER, options.lingerMs)
        set(ZMQ_RECONNECT_IVL, 100)
        set(ZMQ_RECONNECT_IVL_MAX, 5000)
        set(ZMQ_TCP_KEEPALIVE, 1)
        set(ZMQ_TCP_KEEPALIVE_IDLE, 30)
        set(ZMQ_TCP_KEEPALIVE_INTVL, 5)
        set(ZMQ_TCP_KEEPALIVE_CNT, 3)
        set(ZMQ_TCP_MAXRT, 15_000)
        set(ZMQ_HANDSHAKE_IVL, 5000)
        if options.immediate { set(ZMQ_IMMEDIATE, 1) }
        if options.mandatory { set(ZMQ_ROUTER_MANDATORY, 1) }
        var size = options.messageBytesMax
        unsafe zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &size, MemoryLayout.size(ofValue: size))
        if options.grantsSubscriptions { set(ZMQ_XPUB_MANUAL, 1) }
    }

    deinit { unsafe zmq_close(handle) }

    private func set(_ option: Int32, _ value: Int32) {
        var value = value
        unsafe zmq_setsockopt(handle, option, &value, MemoryLayout.size(ofValue: value))
    }

    private static func apply(_ curve: CurveOptions?, to handle: UnsafeMutableRawPointer) throws(ZeroMQError) {
        func set(_ option: Int32, _ value: Int32, _ name: String) throws(ZeroMQError) {
            var value = value
            guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout.size(ofValue: value)) == 0 else {
                throw ZeroMQError("set \(name)")
            }
        }
        func set(_ option: Int32, _ text: String, _ name: String) throws(ZeroMQError) {
            // Keys go in as their 40 characters; libzmq reads them itself.
            guard unsafe zmq_setsockopt(handle, option, text, text.utf8.count) == 0 else {
                throw ZeroMQError("set \(name)")
            }
        }
        switch curve {
        case .server(let secretKey, let domain):
            try set(ZMQ_CURVE_SERVER, 1, "the CURVE server")
            try set(ZMQ_CURVE_SECRETKEY, secretKey, "the server's secret key")
            try set(ZMQ_ZAP_DOMAIN, domain, "the ZAP domain")
            // Without this a server whose authenticator is missing lets everybody in.
            try set(Int32(HEXLOOP_ZAP_ENFORCE_DOMAIN), 1, "ZAP_ENFORCE_DOMAIN")
        case .client(let serverKey, let keys):
            try set(ZMQ_CURVE_SERVERKEY, serverKey, "the server's public key")
            try set(ZMQ_CURVE_PUBLICKEY, keys.publicKey, "the public key")
            try set(ZMQ_CURVE_SECRETKEY, keys.secretKey, "the secret key")
        case nil: break
        }
    }

    /// Binds to `endpoint`, such as `tcp://*:5555` or `ipc:///run/bus.sock`.
    public func bind(_ endpoint: String) throws(ZeroMQError) {
        guard unsafe zmq_bind(handle, endpoint) == 0 else { throw ZeroMQError("bind \(endpoint)") }
    }

    /// Connects to `endpoint`; libzmq goes on trying in the background.
    public func connect(_ endpoint: String) throws(ZeroMQError) {
        guard unsafe zmq_connect(handle, endpoint) == 0 else { throw ZeroMQError("connect to \(endpoint)") }
    }

    /// The endpoint that the last bind chose, with the port that a wildcard became.
    public func lastEndpoint() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        var count = buffer.count
        guard unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &count) == 0, count > 0 else { return "" }
        return String(decoding: buffer.prefix(count - 1).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// SUB: also wants messages whose first frame begins with `prefix`.
    public func subscribe(_ prefix: String) {
        let bytes = Array(prefix.utf8)
        unsafe zmq_setsockopt(handle, ZMQ_SUBSCRIBE, bytes, bytes.count)
    }

    /// SUB: no longer wants that prefix.
    public func unsubscribe(_ prefix: String) {
        let bytes = Array(prefix.utf8)
        unsafe zmq_setsockopt(handle, ZMQ_UNSUBSCRIBE, bytes, bytes.count)
    }

    /// XPUB with ``SocketOptions/grantsSubscriptions``: gives the peer whose subscription was received last what it
    /// asked for. To be called right after that `receive`: any other call on the socket may end the peer, and libzmq
    /// 4.3.4 would then give its subscription to a connection that is gone.
    public func grantSubscription(_ prefix: [UInt8]) {
        unsafe zmq_setsockopt(handle, ZMQ_SUBSCRIBE, prefix, prefix.count)
    }

    /// The opposite of ``grantSubscription(_:)``, under the same rule.
    public func endSubscription(_ prefix: [UInt8]) {
        unsafe zmq_setsockopt(handle, ZMQ_UNSUBSCRIBE, prefix, prefix.count)
    }

    /// How long unsent messages may keep the socket alive after it is closed.
    public func setLinger(milliseconds: Int32) { set(ZMQ_LINGER, milliseconds) }

    /// Hands a message to libzmq without blocking. All frames go or none.
    public func send(_ frames: [[UInt8]]) throws(ZeroMQError) -> SendOutcome {
        for (index, frame) in frames.enumerated() {
            let flags = ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0)
            while unsafe zmq_send(handle, frame, frame.count, flags) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN: return .full
                case EHOSTUNREACH: return .unreachable
                default: throw ZeroMQError("send")
                }
            }
        }
        return .queued
    }

    /// Blocks until there is a message, for at most that long.
    public func waitReadable(milliseconds: Int) { wait(for: Int16(ZMQ_POLLIN), milliseconds) }

    /// Blocks until a message can be sent, for at most that long.
    /// - Returns: Whether one can be sent: with ``SocketOptions/immediate``, whether a connection stands.
    @discardableResult
    public func waitWritable(milliseconds: Int) -> Bool { wait(for: Int16(ZMQ_POLLOUT), milliseconds) }

    @discardableResult
    private func wait(for events: Int16, _ milliseconds: Int) -> Bool {
        var item = unsafe zmq_pollitem_t(socket: handle, fd: 0, events: events, revents: 0)
        return unsafe zmq_poll(&item, 1, milliseconds) > 0
    }

    /// Takes one message without blocking, and notes where it came from.
    ///
    /// libzmq says so on each frame that came over the connection, but not on a ROUTER's routing id (4.3.4), so the
    /// last frame is asked.
    public func receive(_ origin: inout Origin) throws(ZeroMQError) -> Reception {
        var found = Origin.none
        defer { origin = found }
        return try take { found = Self.origin(of: &$0) }
    }

    private static func origin(of message: inout zmq_msg_t) -> Origin {
        let key = unsafe zmq_msg_gets(&message, "User-Id").map { unsafe String(cString: $0) }
        return Origin(key: key, descriptor: unsafe zmq_msg_get(&message, ZMQ_SRCFD))
    }

    /// Takes one message without blocking.
    public func receive() throws(ZeroMQError) -> Reception { try take { _ in } }

    /// Takes one message; `last` sees its last frame.
    private func take(_ last: (inout zmq_msg_t) -> Void) throws(ZeroMQError) -> Reception {
        var frames: [[UInt8]] = []
        var bytes = 0
        var oversized = false
        var message = zmq_msg_t()
        while true {
            unsafe zmq_msg_init(&message)
            defer { unsafe zmq_msg_close(&message) }
            while unsafe zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN: return .none
                default: throw ZeroMQError("receive")
                }
            }
            let count = unsafe zmq_msg_size(&message)
            bytes += count
            oversized = oversized || frames.count == Self.framesMax || bytes > Self.messageBytesMax
            if !oversized {
                frames.append(
                    unsafe [UInt8](
                        UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: count)
                    )
                )
            }
            if unsafe zmq_msg_more(&message) == 0 {
                last(&message)
                break
            }
        }
        return oversized ? .oversized(firstFrame: frames.first ?? []) : .message(frames)
    }
}
