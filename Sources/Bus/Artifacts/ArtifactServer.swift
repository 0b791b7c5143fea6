import Events
public import Logging
import Synchronization
import ZeroMQ

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
        logger: Logger,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        let board = board
        reactor = Reactor("artifacts") { handle in
            try ArtifactServerBody(endpoint: endpoint, storage: storage, board: board, handle: handle, logger: logger)
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
    private let board: ArtifactBoard
    private let handle: ReactorHandle<Command>
    private let logger: Logger
    private var serving: ArtifactServing
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant

    init(
        endpoint: String,
        storage: any ArtifactStorage,
        board: ArtifactBoard,
        handle: ReactorHandle<Command>,
        logger: Logger
    ) throws {
        context = try Context()
        var options = SocketOptions()
        options.mandatory = true
        options.sendHighWaterMark = ArtifactLimits.queuedChunksMax
        options.receiveHighWaterMark = ArtifactLimits.queuedChunksMax
        options.messageBytesMax = ArtifactLimits.frameBytesMax
        router = try Socket(context, .router, options: options)
        try router.bind(endpoint)
        self.board = board
        self.handle = handle
        self.logger = logger
        serving = ArtifactServing(storage: storage)
        started = clock.now
    }

    private var now: Duration { clock.now - started }

    func prepare(_ set: inout PollSet) { set.add(router) }

    func handle(_ command: Command) {
        switch command {
        case .sealed(let digest, let error): note(serving.sealed(digest, error, send: send))
        }
    }

    func turn() -> Duration {
        var hasMore = false
        do {
            receiving: for count in 1...Self.messagesPerTurnMax {
                switch try router.receive() {
                case .message(let frames):
                    guard let peer = frames.first else { continue }
                    note(serving.receive(from: PeerID(peer), Array(frames.dropFirst()), now: now, send: send))
                case .oversized(let peer): note(serving.oversized(from: PeerID(peer), send: send))
                case .none: break receiving
                }
                hasMore = count == Self.messagesPerTurnMax
            }
        } catch {
            logger.error("the artifact socket failed", metadata: ["error": "\(error)"])
        }
        let wait = serving.turn(now: now, send: send)
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
