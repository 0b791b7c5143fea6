import Events
public import Logging
import ZeroMQ

/// Where a server keeps artifacts. Calls come from the server's thread only and may block on the disk.
public protocol ArtifactStorage: Sendable {
    /// Bytes of an artifact; nil when it is not there.
    func size(of digest: String) -> Int?
    /// A piece of an artifact; nil when it cannot be read.
    func read(_ digest: String, offset: Int, count: Int) -> [UInt8]?
    /// Bytes of an artifact that an earlier upload left.
    func partialSize(of digest: String) -> Int
    /// Adds a piece at the end of a partial artifact.
    func append(_ bytes: [UInt8], to digest: String) throws
    /// Checks a partial artifact against its name and makes it whole; a wrong one is removed.
    func complete(_ digest: String) throws
}

/// Serves artifacts in chunks over a ROUTER, on a thread of its own.
public final class ArtifactServer: Sendable {
    private let reactor: Reactor<Never>

    /// Binds to `endpoint` and serves until ``close()``; `failed` is told when it cannot bind.
    public init(
        endpoint: String,
        storage: some ArtifactStorage,
        logger: Logger,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        reactor = Reactor("artifacts") { _ in
            try ArtifactServerBody(endpoint: endpoint, storage: storage, logger: logger)
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

private final class ArtifactServerBody: ReactorBody {
    private let context: Context
    private let router: Socket
    private let storage: any ArtifactStorage
    private let logger: Logger
    /// Uploads under way, the longest unheard of first; peers that went away leave theirs behind.
    private var uploads: [(requester: Requester, put: ArtifactPut)] = []
    private static let uploadsMax = 64

    init(endpoint: String, storage: any ArtifactStorage, logger: Logger) throws {
        context = try Context()
        var options = SocketOptions()
        options.mandatory = true
        router = try Socket(context, .router, options: options)
        try router.bind(endpoint)
        self.storage = storage
        self.logger = logger
    }

    func prepare(_ set: inout PollSet) { set.add(router) }

    func handle(_ command: Never) {}

    func turn() -> Duration {
        for _ in 0..<64 {
            guard let reception = try? router.receive(), case .message(let frames) = reception else { break }
            guard let routing = frames.first else { continue }
            receive(PeerID(routing), Array(frames.dropFirst()))
        }
        return .seconds(1)
    }

    func close(undelivered: [Never]) {}

    private func receive(_ peer: PeerID, _ frames: Frames) {
        do {
            guard let first = frames.first else { throw WireError(.badFrame, "an empty message") }
            let header = try CommandHeader(first)
            let requester = Requester(peer: peer, correlation: header.correlation)
            do {
                switch header.command {
                case .artifactGet: try get(requester, try EventCoding.decode(ArtifactGet.self, from: frames.last ?? []))
                case .artifactPut: try put(requester, try EventCoding.decode(ArtifactPut.self, from: frames.last ?? []))
                case .artifactChunk: try take(requester, try ArtifactChunk(frames: frames))
                case .ping: send(peer, [CommandHeader(.pong).bytes])
                default: throw WireError(.unknownCommand, "\(header.command) is not for the artifact server")
                }
            } catch let error as WireError {
                refuse(requester, Refusal(error.code, error.message))
            } catch let error as EventError {
                refuse(requester, Refusal(error.code, error.message))
            } catch {
                remove(requester)
                refuse(requester, Refusal(.storage, "\(error)"))
            }
        } catch {
            logger.info("an artifact message cannot be read", metadata: ["reason": "\(error)"])
        }
    }

    private func get(_ requester: Requester, _ request: ArtifactGet) throws(WireError) {
        guard let total = storage.size(of: request.digest) else {
            throw WireError(.notFound, "artifact \(request.digest) is not here")
        }
        guard request.offset >= 0, request.offset <= total else {
            throw WireError(.badFrame, "offset \(request.offset) is outside the artifact's \(total) bytes")
        }
        var offset = request.offset
        for _ in 0..<min(max(request.chunks, 1), ArtifactLimits.chunksInFlightMax) {
            guard
                let bytes = storage.read(
                    request.digest,
                    offset: offset,
                    count: min(ArtifactLimits.chunkBytes, total - offset)
                )
            else { throw WireError(.storage, "artifact \(request.digest) cannot be read at \(offset)") }
            let chunk = ArtifactChunk(offset: offset, total: total, bytes: bytes)
            guard send(requester.peer, chunk.frames(requester.correlation)) else { return }
            offset += bytes.count
            if offset >= total { break }
        }
    }

    private func put(_ requester: Requester, _ request: ArtifactPut) throws {
        guard (0...ArtifactLimits.artifactBytesMax).contains(request.total) else {
            throw WireError(
                .tooLarge,
                "an artifact has at most \(ArtifactLimits.artifactBytesMax) bytes, this \(request.total)"
            )
        }
        if storage.size(of: request.digest) != nil {
            open(requester, ArtifactOpen(offset: request.total, isComplete: true))
            return
        }
        keep(requester, request)
        let offset = storage.partialSize(of: request.digest)
        if offset >= request.total {
            try finish(requester, request)
        } else {
            open(requester, ArtifactOpen(offset: offset, isComplete: false))
        }
    }

    private func take(_ requester: Requester, _ chunk: ArtifactChunk) throws {
        guard let upload = uploads.last(where: { $0.requester == requester })?.put else {
            throw WireError(.rehello, "say PUT before CHUNK")
        }
        if storage.size(of: upload.digest) != nil {
            remove(requester)
            open(requester, ArtifactOpen(offset: upload.total, isComplete: true))
            return
        }
        keep(requester, upload)
        let offset = storage.partialSize(of: upload.digest)
        guard chunk.offset == offset else {
            open(requester, ArtifactOpen(offset: offset, isComplete: false))
            return
        }
        guard chunk.offset + chunk.bytes.count <= upload.total else {
            throw WireError(.tooLarge, "the chunk ends behind the artifact's \(upload.total) bytes")
        }
        try storage.append(chunk.bytes, to: upload.digest)
        if offset + chunk.bytes.count == upload.total {
            try finish(requester, upload)
        } else {
            open(requester, ArtifactOpen(offset: offset + chunk.bytes.count, isComplete: false))
        }
    }

    private func finish(_ requester: Requester, _ upload: ArtifactPut) throws {
        remove(requester)
        do { try storage.complete(upload.digest) } catch { throw WireError(.digestMismatch, "\(error)") }
        open(requester, ArtifactOpen(offset: upload.total, isComplete: true))
    }

    /// Remembers an upload as the one heard of last; the one unheard of for longest makes room.
    private func keep(_ requester: Requester, _ put: ArtifactPut) {
        remove(requester)
        if uploads.count >= Self.uploadsMax { uploads.removeFirst() }
        uploads.append((requester, put))
    }

    private func remove(_ requester: Requester) { uploads.removeAll { $0.requester == requester } }

    private func open(_ requester: Requester, _ body: ArtifactOpen) {
        guard let bytes = try? EventCoding.encode(body) else { return }
        send(
            requester.peer,
            [CommandHeader(.artifactOpen, correlation: requester.correlation).bytes, bytes]
        )
    }

    private func refuse(_ requester: Requester, _ refusal: Refusal) {
        logger.info("refused an artifact request", metadata: ["reason": "\(refusal.message)"])
        guard let frames = try? BrokerMessage.error(requester.correlation, refusal).frames() else { return }
        send(requester.peer, frames)
    }

    @discardableResult
    private func send(_ peer: PeerID, _ frames: Frames) -> Bool {
        (try? router.send([peer.bytes] + frames)) == .queued
    }
}
