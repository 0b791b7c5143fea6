public import Events
public import ZeroMQ

/// Stands at the sockets that a process binds: lets in whom the policy knows, and sees that nobody who came in fills
/// the memory, the descriptors or the tables of those that are there.
///
/// Lives on the thread of its sockets. Make it before the first bind.
public final class Doorkeeper {
    /// Bounds of what connections may hold.
    public struct Limits: Sendable, Hashable {
        /// Connections of all sockets together; the one that has said nothing for longest makes room.
        public var connectionsMax = 10_000
        /// Descriptors that stay free for files and the process's own connections.
        public var descriptorsFreeMin = 8
        /// Bytes of a message that is not at its end: libzmq keeps them all. The largest message has half of it.
        public var unfinishedBytesMax = 2 * Socket.messageBytesMax
        /// Prefixes that one connection of the fan-out socket may want.
        public var subscriptionsMax = 256

        /// The limits that this version has.
        public init() {}
    }

    /// Somebody was refused, or put out.
    public struct Refused: Sendable, Hashable {
        /// Stable, for programs.
        public var code: ErrorCode
        /// Who and why, for people.
        public var message: String
        /// A key or an address; refusals of the same are told together.
        public var about: String
    }

    /// What happened so far, for metrics.
    public struct Figures: Sendable, Hashable {
        /// Connections at the moment.
        public var connections = 0
        /// Handshakes that failed.
        public var handshakesFailed = 0
        /// Connections that were ended because of a limit or a key that is no longer accepted.
        public var cut = 0
    }

    /// How often connections are looked at while there are some; what comes meanwhile is not noticed.
    public static let checkInterval: Duration = .milliseconds(20)
    /// How often those who want to come in are answered at most.
    private static let lookInterval: Duration = .milliseconds(5)
    /// How often the keys of those that are in are looked at again.
    public static let reviewInterval: Duration = .seconds(1)
    /// A socket so busy that it is never found empty is checked all the same after this.
    private static let busyMax: Duration = .seconds(2)
    /// Happenings of one socket that are looked at in one turn.
    private static let eventsPerTurnMax = 1000
    /// Connections that are let in however few descriptors there are; whom libzmq cannot accept then waits in the kernel.
    private static let connectionsMin = 8
    /// Up to this limit of descriptors the open ones are counted; above it there are enough for the process itself.
    private static let descriptorsCountedMax = 4096

    private struct Connection {
        let door: String
        let address: String?
        let acceptedAt: Duration
        var key: String?
        /// Whether a message came since the last check, and whether one ever did.
        var hasDelivered = false
        var isKnown = false
        /// Bytes read up to a moment when every message was whole, and at the last check.
        var wholeBytes = 0
        var readBytes = 0
        var subscriptions = 0
        var isCut = false
    }

    private final class Door {
        let name: String
        let monitor: SocketMonitor
        var failure: SocketMonitor.Failure?

        init(_ name: String, _ monitor: consuming SocketMonitor) {
            self.name = name
            self.monitor = monitor
        }
    }

    private let context: Context
    private let limits: Limits
    private let domain: String
    private let serverSecretKey: String?
    private let authenticator: Authenticator
    private let store: AccessStore
    private var policy: AccessPolicy?
    private var revision: UInt64 = 0
    private var doors: [Door] = []
    private var connections: [Int32: Connection] = [:]
    /// Whether another machine may come to one of the doors.
    private var isRemote = false
    /// Whether the poll wakes for who knocks.
    private var isWoken = false
    private var connectionsMax: Int
    private var refused: [Refused] = []
    private var lookedAt = Duration.zero
    private var checkedAt = Duration.zero
    private var reviewedAt = Duration.zero
    /// What happened so far.
    public private(set) var figures = Figures()

    /// A doorkeeper of a context's sockets.
    /// - Parameters:
    ///   - serverSecretKey: What the sockets are known by; nil for sockets without keys.
    ///   - domain: Names the sockets to the authenticator.
    public init(
        _ context: Context,
        store: AccessStore,
        serverSecretKey: String?,
        domain: String,
        limits: Limits = .init()
    ) throws(ZeroMQError) {
        self.context = context
        self.store = store
        self.serverSecretKey = serverSecretKey
        self.domain = domain
        self.limits = limits
        policy = store.policy
        authenticator = try Authenticator(context)
        connectionsMax = limits.connectionsMax
    }

    /// What a bound socket needs besides `options`.
    public func options(_ options: SocketOptions) -> SocketOptions {
        var options = options
        options.curve = serverSecretKey.map { .server(secretKey: $0, domain: domain) }
        return options
    }

    /// Watches and binds a socket.
    public func bind(_ socket: borrowing Socket, _ name: String, _ endpoint: String) throws(ZeroMQError) {
        doors.append(Door(name, try SocketMonitor(context, socket, name: name)))
        try socket.bind(endpoint)
        isRemote = isRemote || endpoint.hasPrefix("tcp://")
    }

    // MARK: Messages

    /// A whole message came from there.
    public func note(_ origin: Origin) {
        guard let index = index(of: origin) else { return }
        connections.values[index].hasDelivered = true
        guard !connections.values[index].isKnown else { return }
        connections.values[index].isKnown = true
        connections.values[index].key = origin.key
    }

    /// The connection's place; whoever came since the last look is taken in first.
    private func index(of origin: Origin) -> Dictionary<Int32, Connection>.Index? {
        guard origin.descriptor >= 0 else { return nil }
        if let index = connections.index(forKey: origin.descriptor) { return index }
        follow(now: lookedAt)
        return connections.index(forKey: origin.descriptor)
    }

    /// Somebody wants another prefix of the fan-out socket. False when that is one too many: it is put out, because
    /// libzmq remembers what it asked for even when it is not granted.
    public func maySubscribe(_ origin: Origin) -> Bool {
        // A descriptor may be another connection's by now.
        follow(now: lookedAt)
        note(origin)
        guard var connection = connections[origin.descriptor] else { return true }
        connection.subscriptions += 1
        connections[origin.descriptor] = connection
        guard connection.subscriptions > limits.subscriptionsMax else { return true }
        putOut(origin.descriptor, .tooMany, "wanted more than \(limits.subscriptionsMax) subscriptions")
        return false
    }

    /// Somebody gave a prefix up.
    public func unsubscribed(_ origin: Origin) {
        note(origin)
        if let count = connections[origin.descriptor]?.subscriptions, count > 0 {
            connections[origin.descriptor]?.subscriptions = count - 1
        }
    }

    // MARK: Time

    /// Lets the poll wake for who knocks, so that a handshake is answered at once and not up to ``checkInterval`` later.
    /// It costs a look with each turn: for threads that have few.
    public func prepare(_ set: inout PollSet) {
        isWoken = true
        authenticator.prepare(&set)
    }

    /// How long the thread may wait until ``turn(hasDrained:now:at:)`` is due: a handshake waits for it.
    public var patience: Duration { isRemote ? Self.checkInterval : .seconds(1) }

    /// The policy, when it was changed since the last call of ``turn(hasDrained:now:at:)``.
    public private(set) var changedPolicy: AccessPolicy?

    /// Answers who wants to come in, and looks at those who are in. Call it after reading the sockets.
    /// - Parameter hasDrained: They were read until they were empty.
    /// - Returns: Who was refused or put out.
    public func turn(hasDrained: Bool, now: Duration, at time: Timestamp) -> [Refused] {
        changedPolicy = store.changed(since: &revision)
        if let changedPolicy { policy = changedPolicy }
        // Looking costs a system call for each door, which a turn for every message would pay.
        let isDue = now - lookedAt >= Self.lookInterval || lookedAt == .zero
        if isDue || isWoken { admit(at: time) }
        if isDue {
            lookedAt = now
            follow(now: now)
        }
        if changedPolicy != nil || now - reviewedAt >= Self.reviewInterval {
            reviewedAt = now
            review(at: time)
            makeRoom()
        }
        if now - checkedAt >= (hasDrained ? Self.checkInterval : Self.busyMax) {
            checkedAt = now
            check()
        }
        figures.connections = connections.count
        defer { refused = [] }
        return refused
    }

    private func admit(at time: Timestamp) {
        authenticator.serve { applicant in
            switch policy?.standing(of: applicant.key, at: time) {
            case .granted: return true
            case .refused(let reason):
                refused.append(Refused(code: .denied, message: "\(applicant.address): \(reason)", about: applicant.key))
                return false
            case nil: return false
            }
        }
    }

    private func follow(now: Duration) {
        for door in doors {
            for _ in 0..<Self.eventsPerTurnMax {
                guard let event = door.monitor.next() else { break }
                switch event {
                case .accepted(let descriptor): accept(descriptor, door, now: now)
                case .closed(let descriptor):
                    let connection = connections.removeValue(forKey: descriptor)
                    guard let failure = door.failure else { continue }
                    door.failure = nil
                    report(failure, at: door, connection?.address)
                case .handshakeFailed(let failure):
                    figures.handshakesFailed += 1
                    door.failure = failure
                }
            }
        }
    }

    private func accept(_ descriptor: Int32, _ door: Door, now: Duration) {
        let peer = TCPConnection.peer(descriptor)
        connections[descriptor] = Connection(
            door: door.name,
            address: peer.map { String($0.prefix { $0 != ":" }) },
            acceptedAt: now
        )
        if connections.count > connectionsMax { putOutSilent() }
    }

    /// Counts anew how many connections the process has descriptors for: the limit may be changed while it runs.
    private func makeRoom() {
        let limit = Descriptors.limit()
        connectionsMax = limits.connectionsMax
        if limit <= Self.descriptorsCountedMax {
            let own = Descriptors.open(upTo: limit) - connections.count
            connectionsMax = min(connectionsMax, max(Self.connectionsMin, limit - own - limits.descriptorsFreeMin))
        } else {
            connectionsMax = min(connectionsMax, limit - Self.descriptorsCountedMax / 2)
        }
        while connections.count > connectionsMax, putOutSilent() {}
    }

    /// Puts out the connection that has said nothing for longest, when more are open than allowed. Those that have spoken
    /// stay, so the one that came last is put out when all others have.
    /// - Returns: Whether there was one.
    @discardableResult
    private func putOutSilent() -> Bool {
        let open = connections.filter { !$0.value.isCut }
        guard open.count > connectionsMax else { return false }
        let silent = open.filter { !$0.value.isKnown }
        let oldest = silent.min { ($0.value.acceptedAt, $0.key) < ($1.value.acceptedAt, $1.key) }
        guard let descriptor = oldest?.key else { return false }
        putOut(descriptor, .tooMany, "made room: \(connectionsMax) connections are open")
        return true
    }

    private func report(_ failure: SocketMonitor.Failure, at door: Door, _ address: String?) {
        guard serverSecretKey != nil else { return }
        let reason: String
        switch failure {
        // The authenticator has told of it, with the key.
        case .notWelcome: return
        case .unfinished: reason = "showed no key, or did not finish its handshake"
        case .otherProtocol: reason = "showed no key, or speaks another protocol"
        case .wrongServerKey: reason = "takes this program for another one: its 'busKey' or 'artifactsKey' is wrong"
        }
        let peer = address ?? "somebody"
        refused.append(Refused(code: .denied, message: "\(peer), at the \(door.name) socket: \(reason)", about: peer))
    }

    /// Puts out those whose key is no longer accepted.
    private func review(at time: Timestamp) {
        guard let policy else { return }
        for (descriptor, connection) in connections {
            guard let key = connection.key, case .refused(let reason) = policy.standing(of: key, at: time) else {
                continue
            }
            putOut(descriptor, .denied, "was put out: \(reason)")
        }
    }

    /// Puts out those who fill the memory with a message that does not end.
    ///
    /// What libzmq read from a connection and did not hand over once the socket was empty belongs to a message that is
    /// not at its end. Only whole messages count against libzmq's high-water marks.
    private func check() {
        for (descriptor, connection) in connections {
            guard let read = TCPConnection.bytesRead(descriptor) else { continue }
            var connection = connection
            if connection.hasDelivered {
                connection.hasDelivered = false
                connection.wholeBytes = read
            } else if connection.readBytes - connection.wholeBytes > limits.unfinishedBytesMax {
                putOut(
                    descriptor,
                    .tooLarge,
                    "sent \(connection.readBytes - connection.wholeBytes) bytes of one message"
                )
                continue
            }
            connection.readBytes = read
            connections[descriptor] = connection
        }
    }

    private func putOut(_ descriptor: Int32, _ code: ErrorCode, _ reason: String) {
        guard let connection = connections[descriptor], !connection.isCut else { return }
        connections[descriptor]?.isCut = true
        figures.cut += 1
        TCPConnection.cut(descriptor)
        let key = connection.key
        let who = key.flatMap { key in policy?.identities.first { $0.keys.contains { $0.key == key } }?.name }
        let name = who.map { "'\($0)'" } ?? connection.address ?? "a program of this machine"
        refused.append(
            Refused(
                code: code,
                message: "\(name), at the \(connection.door) socket, \(reason)",
                about: key ?? connection.address ?? ""
            )
        )
    }
}
