public import Events
public import Logging
import Synchronization
import ZeroMQ

/// Who may come to the artifact socket, and what becomes of refusals.
public struct ArtifactDoor: Sendable {
    let store: AccessStore
    let serverSecretKey: String?
    let time: @Sendable () -> Timestamp
    let refused: @Sendable (Refusal) -> Void

    /// A door.
    /// - Parameters:
    ///   - store: The policy in force; without one nobody is judged.
    ///   - serverSecretKey: What the socket is known by; nil for one without keys.
    ///   - time: The wall clock, for keys that are accepted for a time.
    ///   - refused: Told whom the door refused, and why; a refusal that is repeated is told once in 10 s.
    public init(
        store: AccessStore = AccessStore(nil),
        serverSecretKey: String? = nil,
        time: @escaping @Sendable () -> Timestamp = { Timestamp(microseconds: 0) },
        refused: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.store = store
        self.serverSecretKey = serverSecretKey
        self.time = time
        self.refused = refused
    }

    /// What the peer lacks for a command; nil when nothing. It is judged anew with every message.
    func missing(_ peer: PeerID, _ command: Command?) -> String? {
        guard let policy = store.policy else { return nil }
        switch policy.standing(of: peer.key ?? "", at: time()) {
        case .refused(let reason): return reason
        case .granted(let identity):
            let artifacts = identity.rights.artifacts
            let isGranted =
                switch command {
                case .artifactGet: artifacts != .none
                case .artifactPut, .artifactChunk: artifacts == .write
                default: true
                }
            guard !isGranted else { return nil }
            let what = command == .artifactGet ? "fetch" : "store"
            return "'\(identity.name)' may not \(what) artifacts; 'hexloop keys' changes rights"
        }
    }
}

/// Serves artifacts in chunks over a ROUTER, on a thread of its own.
///
/// It holds at most the chunks in libzmq's queues in memory, whatever the artifacts' sizes: the credit of each peer.
public final class ArtifactServer: Sendable {
    /// What happened since the server was made, for metrics.
    public struct Counters: Sendable, Hashable {
        /// Bytes of chunks sent, repeats among them.
        public var bytesSent = 0
        /// Bytes of chunks stored.
        public var bytesReceived = 0
        /// Artifacts that came whole.
        public var artifactsStored = 0
        /// Messages answered with ERR.
        public var refused = 0
        /// Peers that have chunks coming.
        public var readers = 0
        /// Uploads that are open.
        public var uploads = 0
    }

    private let reactor: Reactor<ArtifactServerBody.Command>
    private let board = ArtifactBoard()

    /// What happened since the server was made.
    public var counters: Counters { board.counters.withLock { $0 } }

    /// Binds to `endpoint` and serves until ``close()``; `failed` is told when it cannot bind.
    public init(
        endpoint: String,
        storage: some ArtifactStorage,
        door: ArtifactDoor = ArtifactDoor(),
        logger: Logger,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        let board = board
        reactor = Reactor("artifacts") { handle in
            try ArtifactServerBody(
                endpoint: endpoint,
                storage: storage,
                door: door,
                board: board,
                handle: handle,
                logger: logger
            )
        } failed: {
            failed($0)
        }
    }

    /// Stops serving.
    public func close() {
        reactor.stop()
        reactor.join()
    }
}

/// The figures, as the server's thread last wrote them.
private final class ArtifactBoard: Sendable {
    let counters = Mutex(ArtifactServer.Counters())
}

/// The server's thread: its socket around the state machine.
private final class ArtifactServerBody: ReactorBody {
    enum Command: Sendable {
        /// The artifact is in its place, or could not be put there.
        case sealed(String, BusError?)
    }

    /// Messages taken in one turn.
    private static let messagesPerTurnMax = 64

    private let context: Context
    private let router: Socket
    private let door: ArtifactDoor
    private let doorkeeper: Doorkeeper
    private var repeats = RepeatFilter()
    private let board: ArtifactBoard
    private let handle: ReactorHandle<Command>
    private let logger: Logger
    private var serving: ArtifactServing
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant

    init(
        endpoint: String,
        storage: any ArtifactStorage,
        door: ArtifactDoor,
        board: ArtifactBoard,
        handle: ReactorHandle<Command>,
        logger: Logger
    ) throws {
        self.door = door
        context = try Context()
        doorkeeper = try Doorkeeper(
            context,
            store: door.store,
            serverSecretKey: door.serverSecretKey,
            domain: "artifacts"
        )
        var options = SocketOptions()
        options.mandatory = true
        options.sendHighWaterMark = ArtifactLimits.queuedChunksMax
        options.receiveHighWaterMark = ArtifactLimits.queuedChunksMax
        options.messageBytesMax = ArtifactLimits.frameBytesMax
        router = try Socket(context, .router, options: doorkeeper.options(options))
        try doorkeeper.bind(router, SocketTable.artifacts.name, endpoint)
        self.board = board
        self.handle = handle
        self.logger = logger
        serving = ArtifactServing(storage: storage)
        started = clock.now
    }

    private var now: Duration { clock.now - started }

    func prepare(_ set: inout PollSet) {
        set.add(router)
        // Each transfer is a connection of its own, and a lap has a dozen.
        doorkeeper.prepare(&set)
    }

    func handle(_ command: Command) {
        switch command {
        case .sealed(let digest, let error): note(serving.sealed(digest, error, send: send))
        }
    }

    func turn() -> Duration {
        var hasMore = false
        var origin = Origin.none
        do {
            receiving: for count in 1...Self.messagesPerTurnMax {
                switch try router.receive(&origin) {
                case .message(let frames):
                    doorkeeper.note(origin)
                    guard let peer = frames.first else { continue }
                    receive(from: PeerID(peer, key: origin.key), Array(frames.dropFirst()))
                case .oversized(let peer):
                    doorkeeper.note(origin)
                    note(serving.oversized(from: PeerID(peer, key: origin.key), send: send))
                case .none: break receiving
                }
                hasMore = count == Self.messagesPerTurnMax
            }
        } catch {
            logger.error("the artifact socket failed", metadata: ["error": "\(error)"])
        }
        for refused in doorkeeper.turn(hasDrained: !hasMore, now: now, at: door.time()) {
            tell(refused.code, refused.message, about: refused.about)
        }
        let wait = min(serving.turn(now: now, send: send), doorkeeper.patience)
        for fault in serving.takeFaults() {
            logger.error(
                "an artifact cannot be served",
                metadata: ["code": "\(fault.code.rawValue)", "reason": "\(fault.message)"]
            )
        }
        for (digest, work) in serving.takeSealings() { seal(digest, work) }
        let counters = serving.counters
        board.counters.withLock { $0 = counters }
        return hasMore ? .zero : wait
    }

    private func receive(from peer: PeerID, _ frames: Frames) {
        let header = try? CommandHeader(frames.first ?? [])
        if let missing = door.missing(peer, header?.command) {
            tell(.denied, missing, about: peer.key ?? "")
            let requester = Requester(peer: peer, correlation: header?.correlation ?? 0)
            _ = serving.refuse(requester, Refusal(.denied, missing), send)
        } else {
            note(serving.receive(from: peer, frames, now: now, send: send))
        }
    }

    private func tell(_ code: ErrorCode, _ message: String, about: String) {
        logger.notice("refused", metadata: ["reason": "\(message)"])
        guard repeats.isNew("\(code.rawValue) \(about) \(message)", now: now) else { return }
        door.refused(Refusal(code, message))
    }

    func close(undelivered: [Command]) {}

    /// A thread of its own, as a slow disk may take long; the number of uploads bounds that of threads.
    private func seal(_ digest: String, _ work: @escaping @Sendable () throws(BusError) -> Void) {
        _ = DedicatedThread("artifact-seal") { [handle] in
            do throws(BusError) {
                try work()
                handle.post(.sealed(digest, nil))
            } catch {
                handle.post(.sealed(digest, error))
            }
        }
    }

    private func note(_ refusal: Refusal?) {
        guard let refusal else { return }
        logger.info(
            "refused an artifact request",
            metadata: ["code": "\(refusal.code.rawValue)", "reason": "\(refusal.message)"]
        )
    }

    private func send(_ peer: PeerID, _ frames: Frames) -> ArtifactServing.Outcome {
        do {
            switch try router.send([peer.bytes] + frames) {
            case .queued: return .queued
            case .full: return .full
            case .unreachable: return .unreachable
            }
        } catch {
            logger.error("cannot send", metadata: ["error": "\(error)"])
            return .unreachable
        }
    }
}
