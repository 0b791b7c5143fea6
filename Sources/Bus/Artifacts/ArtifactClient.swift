import Events
import Synchronization
import ZeroMQ

/// Fetches and stores artifacts. Each transfer is one thread with one socket, gone afterwards.
///
/// A transfer outlives its connection: when the server is silent or away it connects anew and goes on behind the last
/// byte that is safe, and gives up only after ``patience`` without a new byte.
public struct ArtifactClient: Sendable {
    /// The artifact server's endpoint.
    public let endpoint: String
    private let keyPath: String?
    /// Without a new byte, until a transfer gives up.
    public var patience: Duration {
        get { limits.progress }
        set { limits.progress = newValue }
    }
    var limits = ArtifactPatience()

    /// Told how many bytes are safe, and of how many.
    public typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void

    /// A client of the server at `address`.
    /// - Parameter keyPath: The file of the ``BusKey`` to connect with over TCP; read anew for each connection.
    public init(_ address: BusAddress, keyPath: String? = nil) {
        endpoint = address.endpoint(SocketTable.artifacts)
        self.keyPath = address.directory == nil ? keyPath : nil
    }

    /// Fetches an artifact into a sink, behind what the sink has already; returns when it is whole and in its place.
    /// - Parameter makeSink: Opens the sink, on the transfer's thread.
    /// - Throws: ``BusError``: `not-found`; `digest-mismatch` when the bytes do not have their name; `full` or `storage`
    ///   when the sink cannot take them; `timeout` after ``patience``, or when the task is cancelled. What was fetched
    ///   stays in the sink, but for wrong bytes, so a later call goes on there.
    public func fetch(
        _ digest: String,
        progress: @escaping Progress = { _, _ in },
        into makeSink: @escaping @Sendable () throws(BusError) -> any ArtifactSink
    ) async throws(BusError) -> ArtifactReport {
        try await onThread { [limits] connection throws(BusError) in
            let sink = try makeSink()
            while !(try sink.verify(bytesMax: ArtifactLimits.hashedPerTurnMax)) { try connection.check() }
            let transfer = ArtifactReceiver(digest, offset: sink.offset, patience: limits, now: connection.now)
            return try connection.run(transfer, sink: sink, source: nil, progress)
        }
    }

    /// Stores an artifact under its digest, behind what an earlier try left; returns when it is on the server's disk.
    /// - Parameter makeSource: Opens the source, on the transfer's thread.
    /// - Throws: ``BusError``: `digest-mismatch`, `too-large`, `full`, `storage`; `timeout` after ``patience``, or when the
    ///   task is cancelled. Calling again goes on where the server stands.
    public func store(
        _ digest: String,
        progress: @escaping Progress = { _, _ in },
        from makeSource: @escaping @Sendable () throws(BusError) -> any ArtifactSource
    ) async throws(BusError) -> ArtifactReport {
        try await onThread { [limits] connection throws(BusError) in
            let source = try makeSource()
            let transfer = ArtifactSender(digest, total: source.total, patience: limits, now: connection.now)
            return try connection.run(transfer, sink: nil, source: source, progress)
        }
    }

    /// Bytes of an artifact.
    /// - Throws: ``BusError`` `not-found`; `timeout` after ``patience``.
    public func size(of digest: String) async throws(BusError) -> Int {
        try await onThread { [limits] connection throws(BusError) in
            let probe = ArtifactReceiver(probing: digest, patience: limits, now: connection.now)
            return try connection.run(probe, sink: nil, source: nil) { _, _ in }
        }.total
    }

    private func onThread(
        _ body: @escaping @Sendable (ArtifactConnection) throws(BusError) -> ArtifactReport
    ) async throws(BusError) -> ArtifactReport {
        let (endpoint, keyPath) = (endpoint, keyPath)
        let cancellation = ArtifactCancellation()
        let result: Result<ArtifactReport, BusError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                _ = DedicatedThread("artifact") {
                    do throws(BusError) {
                        let connection = try ArtifactConnection(endpoint, keyPath, cancellation)
                        continuation.resume(returning: .success(try body(connection)))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        } onCancel: {
            cancellation.isCancelled.store(true, ordering: .relaxed)
        }
        return try result.get()
    }
}

/// Tells a transfer's thread that nobody waits for it any more.
private final class ArtifactCancellation: Sendable {
    let isCancelled = Atomic(false)
}

/// The sockets of one transfer, one after the other, around its state machine. Used by one thread.
private final class ArtifactConnection {
    /// How long a turn waits for the server; a connection that was lost is noticed after as long.
    private static let turnMilliseconds = 20

    private let context: Context
    private let endpoint: String
    private let keyPath: String?
    private let cancellation: ArtifactCancellation
    private let clock = ContinuousClock()
    private let started: ContinuousClock.Instant
    private var socket: Socket
    /// Messages that wait for a connection, or for room in it; never more than the credit and a question.
    private var waiting: [Frames] = []
    /// The connection was seen to be gone.
    private var isLost = false
    private var hasStood = false

    init(_ endpoint: String, _ keyPath: String?, _ cancellation: ArtifactCancellation) throws(BusError) {
        self.endpoint = endpoint
        self.keyPath = keyPath
        self.cancellation = cancellation
        started = clock.now
        let curve = try Self.curve(keyPath)
        do throws(ZeroMQError) {
            context = try Context(ioThreads: 1)
            socket = try Self.open(context, endpoint, curve)
        } catch {
            throw BusError(.failed, error.description)
        }
    }

    private static func curve(_ keyPath: String?) throws(BusError) -> CurveOptions? {
        guard let keyPath else { return nil }
        do throws(AccessError) { return try BusKey(path: keyPath).toArtifacts } catch {
            throw BusError(.denied, error.description)
        }
    }

    private static func open(
        _ context: Context,
        _ endpoint: String,
        _ curve: CurveOptions?
    ) throws(ZeroMQError) -> Socket {
        var options = SocketOptions()
        options.curve = curve
        options.immediate = true
        options.receiveHighWaterMark = ArtifactLimits.queuedChunksMax
        options.messageBytesMax = ArtifactLimits.frameBytesMax
        let socket = try Socket(context, .dealer, options: options)
        try socket.connect(endpoint)
        return socket
    }

    var now: Duration { clock.now - started }

    /// - Throws: When the task is cancelled.
    func check() throws(BusError) {
        if cancellation.isCancelled.load(ordering: .relaxed) { throw BusError(.timeout, "the transfer was cancelled") }
    }

    /// Runs a transfer to its end.
    func run(
        _ transfer: some ArtifactTransfer,
        sink: (any ArtifactSink)?,
        source: (any ArtifactSource)?,
        _ progress: ArtifactClient.Progress
    ) throws(BusError) -> ArtifactReport {
        var transfer = transfer
        var shown = -1
        while true {
            try check()
            var actions = transfer.takeActions()[...]
            while let action = actions.popFirst() {
                switch action {
                case .send(let frames): waiting.append(frames)
                case .sendChunk(let offset, let count, let correlation):
                    guard let source else { continue }
                    let bytes = try source.read(offset: offset, count: count)
                    waiting.append(
                        ArtifactChunk(offset: offset, total: source.total, bytes: bytes).frames(correlation)
                    )
                case .take(let bytes): try sink?.append(bytes)
                case .restart: try sink?.restart()
                case .seal:
                    do throws(BusError) {
                        try sink?.seal()()
                        transfer.sealed(nil, now: now)
                    } catch {
                        transfer.sealed(error, now: now)
                    }
                    actions += transfer.takeActions()
                case .reconnect:
                    try reconnect()
                    transfer.connected(now: now)
                    actions += transfer.takeActions()
                case .finish:
                    progress(transfer.report.total, transfer.report.total)
                    return transfer.report
                case .fail(let error): throw error
                }
            }
            if transfer.offset != shown {
                shown = transfer.offset
                progress(shown, transfer.report.total)
            }
            try exchange(&transfer)
            transfer.tick(now: now)
        }
    }

    /// Sends what waits, takes what came, and looks whether the connection stands.
    private func exchange(_ transfer: inout some ArtifactTransfer) throws(BusError) {
        do throws(ZeroMQError) {
            let stands = socket.waitWritable(milliseconds: 0)
            // The queue never fills, so what takes no message has no connection.
            if !stands, hasStood { isLost = true }
            if stands, isLost {
                isLost = false
                waiting = []
                transfer.connected(now: now)
                return
            }
            hasStood = hasStood || stands
            while let frames = waiting.first, try socket.send(frames) == .queued { waiting.removeFirst() }
            // What could not be sent waits for a connection, and then nothing can come.
            if waiting.isEmpty {
                socket.waitReadable(milliseconds: Self.turnMilliseconds)
            } else {
                socket.waitWritable(milliseconds: Self.turnMilliseconds)
            }
            for _ in 0..<ArtifactLimits.chunksInFlightMax {
                guard case .message(let frames) = try socket.receive() else { return }
                transfer.receive(frames, now: now)
            }
        } catch {
            throw BusError(.failed, error.description)
        }
    }

    private func reconnect() throws(BusError) {
        waiting = []
        isLost = false
        hasStood = false
        let curve = try Self.curve(keyPath)
        do { socket = try Self.open(context, endpoint, curve) } catch { throw BusError(.failed, error.description) }
    }
}
