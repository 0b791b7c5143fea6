import Events

/// What a transfer wants its shell to do, in this order.
enum ArtifactAction: Sendable, Hashable {
    case send(Frames)
    /// Read that piece of the source and send it.
    case sendChunk(offset: Int, count: Int, correlation: UInt64)
    /// Add the bytes to the sink.
    case take([UInt8])
    /// Throw away what the sink has.
    case restart
    /// Compare the sink with its digest and put it in place; then call `sealed`.
    case seal
    /// Close the socket, whose messages are worth nothing any more, and make a new one.
    case reconnect
    case finish
    case fail(BusError)
}

/// How a transfer went.
public struct ArtifactReport: Sendable, Hashable {
    /// Bytes of the artifact.
    public var total = 0
    /// Bytes that had been moved by an earlier try, or that the other side had already.
    public var resumedFrom = 0
    /// Bytes of chunks that were moved by this one, repeats among them.
    public var moved = 0
    /// Times that a new socket was made, or a connection stood again.
    public var reconnects = 0
    /// Chunks that came damaged, and were moved again.
    public var damaged = 0
    /// Times that the transfer began again at the first byte.
    public var restarts = 0
}

/// One transfer as the client sees it, as a state machine: messages and time go in, actions come out. It does no I/O.
protocol ArtifactTransfer {
    /// How it goes.
    var report: ArtifactReport { get }
    /// Bytes that are safe.
    var offset: Int { get }
    /// A message of the server.
    mutating func receive(_ frames: Frames, now: Duration)
    /// The connection is a new one: what was under way is lost.
    mutating func connected(now: Duration)
    /// The sink is sealed, or not.
    mutating func sealed(_ error: BusError?, now: Duration)
    /// Time went by.
    mutating func tick(now: Duration)
    /// Takes the actions that came up since the last call.
    mutating func takeActions() -> [ArtifactAction]
}

/// How long a transfer waits for what.
struct ArtifactPatience: Sendable, Hashable {
    /// Until it connects anew.
    var silence = ArtifactLimits.silenceMax
    /// Without a new byte, until it gives up.
    var progress = ArtifactLimits.patienceDefault
}

/// The two clocks of a transfer: silence, and no progress.
struct ArtifactWatch: Sendable {
    private let patience: ArtifactPatience
    /// Twice as long after each time that it was not enough: on a slow line one chunk may take longer than it.
    private var silence: Duration
    private var heardAt: Duration
    private var progressAt: Duration
    /// When to say again what was refused for a time; nil when nothing was.
    private var retryAt: Duration?
    /// The last reason that the server gave for not going on.
    private var reason: Refusal?

    enum Due: Sendable, Hashable {
        case nothing, retry, reconnect
        case fail(BusError)
    }

    init(_ patience: ArtifactPatience, now: Duration) {
        self.patience = patience
        silence = patience.silence
        heardAt = now
        progressAt = now
    }

    mutating func heard(now: Duration) { heardAt = now }

    mutating func progressed(now: Duration) {
        heardAt = now
        progressAt = now
        reason = nil
    }

    /// The server asks for patience.
    mutating func postpone(_ refusal: Refusal?, milliseconds: Int, now: Duration) {
        heardAt = now
        reason = refusal ?? reason
        retryAt = now + .milliseconds(max(milliseconds, 1))
    }

    mutating func due(now: Duration) -> Due {
        if now - progressAt > patience.progress {
            if let reason { return .fail(BusError(reason)) }
            let (seconds, _) = patience.progress.components
            return .fail(
                BusError(
                    .timeout,
                    "the artifact server gave no sign of progress in \(seconds) s; is the registry running?"
                )
            )
        }
        if let at = retryAt {
            guard now >= at else { return .nothing }
            retryAt = nil
            heardAt = now
            return .retry
        }
        guard now - heardAt >= silence else { return .nothing }
        heardAt = now
        silence = min(silence * 2, patience.progress / 2)
        return .reconnect
    }
}
