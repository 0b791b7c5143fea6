import Events

/// The artifact server as a state machine around its storage: messages and time go in, messages come out. Each turn
/// does a bounded piece of work, so no transfer keeps the others waiting.
///
/// Downloads: a peer's questions become a credit of chunks, which are read and sent one by one and peer by peer, and
/// only as far as the peer's queue takes them. So what is held in memory is the queues, whatever the artifacts' sizes.
///
/// Uploads: one for each digest, whose chunks come from one peer at a time, in order.
struct ArtifactServing {
    /// What became of a message handed to the shell.
    enum Outcome: Sendable, Hashable {
        case queued, full, unreachable
    }

    /// Hands one message to a peer.
    typealias Send = (PeerID, Frames) -> Outcome
    /// The rest of an upload that has all its bytes: it takes long, and ends with a call of ``sealed(_:_:send:)``.
    typealias Sealing = (digest: String, work: @Sendable () throws(BusError) -> Void)

    private struct Reader {
        var correlation: UInt64
        var digest: String
        var offset: Int
        var chunks: Int
        /// Its queue was full: how long to leave it alone, twice as long each time, and until when.
        var pause = Duration.zero
        var notBefore = Duration.zero
    }

    private struct OpenFile {
        var source: any ArtifactSource
        var usedAt: Duration
    }

    private struct Upload {
        enum State { case verifying, receiving, sealing }

        var sink: any ArtifactSink
        var total: Int
        var owner: Requester
        var heardAt: Duration
        var state = State.verifying
        /// Who else waits for the end.
        var waiting: [Requester] = []
    }

    private let storage: any ArtifactStorage
    private var readers: [PeerID: Reader] = [:]
    /// Readers in the order in which they get their next chunk.
    private var queue: [PeerID] = []
    private var files: [String: OpenFile] = [:]
    private var uploads: [String: Upload] = [:]
    private var sealings: [Sealing] = []
    private var faults: [Refusal] = []
    private(set) var counters = ArtifactServer.Counters()

    init(storage: any ArtifactStorage) { self.storage = storage }

    /// Takes the uploads that are to be sealed.
    mutating func takeSealings() -> [Sealing] {
        defer { sealings = [] }
        return sealings
    }

    /// Takes what went wrong with stored artifacts while they were sent.
    mutating func takeFaults() -> [Refusal] {
        defer { faults = [] }
        return faults
    }

    // MARK: Messages

    /// One message of a peer, without its routing id.
    /// - Returns: The reason, when it was refused.
    mutating func receive(from peer: PeerID, _ frames: Frames, now: Duration, send: Send) -> Refusal? {
        let header: CommandHeader
        do { header = try CommandHeader(frames.first ?? []) } catch {
            return refuse(Requester(peer: peer, correlation: 0), Refusal(error.code, error.message), send)
        }
        let requester = Requester(peer: peer, correlation: header.correlation)
        do throws(BusError) {
            switch header.command {
            case .artifactGet: try get(requester, try Self.body(ArtifactGet.self, frames), now: now)
            case .artifactPut: try put(requester, try Self.body(ArtifactPut.self, frames), now: now, send: send)
            case .artifactChunk:
                let chunk: ArtifactChunk
                do { chunk = try ArtifactChunk(frames: frames) } catch { throw BusError(error.code, error.message) }
                try take(requester, chunk, now: now, send: send)
            case .ping: _ = send(peer, [CommandHeader(.pong).bytes])
            default: throw BusError(.unknownCommand, "\(header.command) is not for the artifact server")
            }
            return nil
        } catch {
            let isPassing = [.busy, .full].contains(error.code)
            let refusal = Refusal(
                error.code,
                error.message,
                retryAfterMs: isPassing ? ArtifactLimits.retryAfterMs : nil
            )
            return refuse(requester, refusal, send)
        }
    }

    /// A message over the limits; it was dropped.
    mutating func oversized(from peer: PeerID, send: Send) -> Refusal? {
        refuse(Requester(peer: peer, correlation: 0), Refusal(.tooLarge, "the message is over the limits"), send)
    }

    private static func body<Body: Decodable>(_ type: Body.Type, _ frames: Frames) throws(BusError) -> Body {
        do { return try EventCoding.decode(type, from: frames.last ?? []) } catch {
            throw BusError(.badFrame, error.message)
        }
    }

    mutating func refuse(_ requester: Requester, _ refusal: Refusal, _ send: Send) -> Refusal {
        counters.refused += 1
        if let frames = try? BrokerMessage.error(requester.correlation, refusal).frames() {
            _ = send(requester.peer, frames)
        }
        return refusal
    }

    // MARK: Downloads

    private mutating func get(_ requester: Requester, _ request: ArtifactGet, now: Duration) throws(BusError) {
        guard (0...ArtifactLimits.artifactBytesMax).contains(request.offset) else {
            throw BusError(.badFrame, "offset \(request.offset) is in no artifact")
        }
        guard try file(request.digest, now: now) != nil else {
            throw BusError(.notFound, "artifact \(request.digest) is not here")
        }
        let chunks = min(max(request.chunks, 1), ArtifactLimits.chunksInFlightMax)
        if var reader = readers[requester.peer] {
            let end = reader.offset + reader.chunks * ArtifactLimits.chunkBytes
            if reader.correlation == requester.correlation, reader.digest == request.digest, request.offset == end {
                // More credit for what is under way.
                reader.chunks = min(reader.chunks + chunks, ArtifactLimits.chunksInFlightMax)
                readers[requester.peer] = reader
                return
            }
        } else {
            guard readers.count < ArtifactLimits.readersMax else {
                throw BusError(.busy, "\(readers.count) peers are being served; ask again later")
            }
            queue.append(requester.peer)
        }
        readers[requester.peer] = Reader(
            correlation: requester.correlation,
            digest: request.digest,
            offset: request.offset,
            chunks: chunks
        )
    }

    private mutating func file(_ digest: String, now: Duration) throws(BusError) -> (any ArtifactSource)? {
        if let open = files[digest] {
            files[digest]?.usedAt = now
            return open.source
        }
        guard storage.isDigest(digest), let source = try storage.open(digest) else { return nil }
        if files.count >= ArtifactLimits.openFilesMax,
            let oldest = files.min(by: { $0.value.usedAt < $1.value.usedAt })?.key
        {
            files[oldest] = nil
        }
        files[digest] = OpenFile(source: source, usedAt: now)
        return source
    }

    /// Sends the next chunk of the reader whose turn it is.
    private mutating func sendChunk(to peer: PeerID, now: Duration, send: Send) {
        guard var reader = readers[peer] else { return }
        do throws(BusError) {
            guard let source = try file(reader.digest, now: now) else {
                throw BusError(.notFound, "artifact \(reader.digest) is no longer here")
            }
            // Whoever has more than there is learns the size from an empty chunk at the end.
            let offset = min(reader.offset, source.total)
            let count = min(ArtifactLimits.chunkBytes, source.total - offset)
            let bytes: [UInt8]
            do { bytes = try source.read(offset: offset, count: count) } catch {
                // Open it anew for the next question: it may have been replaced.
                files[reader.digest] = nil
                throw error
            }
            let chunk = ArtifactChunk(offset: offset, total: source.total, bytes: bytes)
            switch send(peer, chunk.frames(reader.correlation)) {
            case .full:
                reader.pause = min(max(reader.pause * 2, .milliseconds(5)), ArtifactLimits.fullQueuePauseMax)
                reader.notBefore = now + reader.pause
                readers[peer] = reader
            case .unreachable: readers[peer] = nil
            case .queued:
                counters.bytesSent += count
                reader.pause = .zero
                reader.offset = offset + count
                reader.chunks = reader.offset < source.total ? reader.chunks - 1 : 0
                readers[peer] = reader.chunks > 0 ? reader : nil
            }
        } catch {
            readers[peer] = nil
            let refusal = Refusal(
                error.code,
                error.message,
                retryAfterMs: error.code == .storage ? ArtifactLimits.retryAfterMs : nil
            )
            faults.append(refuse(Requester(peer: peer, correlation: reader.correlation), refusal, send))
        }
    }

    // MARK: Uploads

    private mutating func put(
        _ requester: Requester,
        _ request: ArtifactPut,
        now: Duration,
        send: Send
    ) throws(BusError) {
        guard storage.isDigest(request.digest) else {
            throw BusError(.badFrame, "'\(request.digest)' is no SHA-256 in lower-case hexadecimal")
        }
        guard (0...ArtifactLimits.artifactBytesMax).contains(request.total) else {
            throw BusError(
                .tooLarge,
                "an artifact has at most \(ArtifactLimits.artifactBytesMax) bytes, this \(request.total)"
            )
        }
        if uploads[request.digest] == nil {
            // Not a file that is open for readers: that one may have been moved away since.
            if let stored = try storage.open(request.digest) {
                answer(requester, ArtifactOpen(offset: stored.total, isComplete: true), send)
                return
            }
            try makeRoom(now: now)
            uploads[request.digest] = Upload(
                sink: try storage.receive(request.digest),
                total: request.total,
                owner: requester,
                heardAt: now
            )
        }
        try join(requester, request, now: now, send: send)
    }

    /// Lets a peer take part in the upload of that digest: as the one whose chunks are taken, or as one that waits.
    private mutating func join(
        _ requester: Requester,
        _ request: ArtifactPut,
        now: Duration,
        send: Send
    ) throws(BusError) {
        guard var upload = uploads[request.digest] else { return }
        if upload.state == .sealing {
            upload.waiting.removeAll { $0.peer == requester.peer }
            if upload.waiting.count < ArtifactLimits.uploadsMax { upload.waiting.append(requester) }
            uploads[request.digest] = upload
            answer(requester, Self.patience(upload), send)
            return
        }
        if upload.owner.peer != requester.peer {
            // A word to the owner shows whether it is still there.
            let word = upload.state == .verifying ? Self.patience(upload) : Self.progress(upload)
            guard now - upload.heardAt > ArtifactLimits.uploaderSilenceMax || !answer(upload.owner, word, send) else {
                answer(requester, Self.patience(upload), send)
                return
            }
        }
        upload.owner = requester
        upload.heardAt = now
        upload.total = request.total
        uploads[request.digest] = upload
        // What is there is mostly little, or nothing; more is hashed in the next turns.
        if upload.state == .verifying, !(try upload.sink.verify(bytesMax: ArtifactLimits.hashedPerTurnMax)) {
            answer(requester, Self.patience(upload), send)
        } else {
            try goOn(request.digest, send: send)
        }
    }

    private mutating func take(
        _ requester: Requester,
        _ chunk: ArtifactChunk,
        now: Duration,
        send: Send
    ) throws(BusError) {
        guard let (digest, upload) = uploads.first(where: { $0.value.owner.peer == requester.peer }) else {
            throw BusError(.rehello, "say PUT before CHUNK")
        }
        // Still on its way when the peer began anew, or when it was told to wait.
        guard upload.owner == requester, upload.state == .receiving else { return }
        uploads[digest]?.heardAt = now
        guard chunk.bytes.count <= ArtifactLimits.chunkBytes, chunk.bytes.count <= upload.total - upload.sink.offset
        else {
            throw BusError(.tooLarge, "a chunk has at most \(ArtifactLimits.chunkBytes) bytes and ends in the artifact")
        }
        guard chunk.offset == upload.sink.offset else {
            answer(requester, Self.progress(upload), send)
            return
        }
        do { try upload.sink.append(chunk.bytes) } catch {
            // What is there stays, and with a full disk the upload too, for when there is room again.
            if error.code != .full { uploads[digest] = nil }
            throw error
        }
        counters.bytesReceived += chunk.bytes.count
        try goOn(digest, send: send)
    }

    /// Asks for the next chunks, or seals the artifact when it has all.
    private mutating func goOn(_ digest: String, send: Send) throws(BusError) {
        guard var upload = uploads[digest] else { return }
        do throws(BusError) {
            if upload.sink.offset > upload.total { try upload.sink.restart() }
            upload.state = .receiving
            uploads[digest] = upload
            guard upload.sink.offset == upload.total else {
                answer(upload.owner, Self.progress(upload), send)
                return
            }
            sealings.append((digest, try upload.sink.seal()))
        } catch {
            uploads[digest] = nil
            throw error
        }
        upload.state = .sealing
        upload.waiting = [upload.owner]
        uploads[digest] = upload
        answer(upload.owner, Self.patience(upload), send)
    }

    /// The artifact is in its place, or could not be put there.
    mutating func sealed(_ digest: String, _ error: BusError?, send: Send) -> Refusal? {
        guard let upload = uploads.removeValue(forKey: digest) else { return nil }
        if error == nil { counters.artifactsStored += 1 }
        var refusal: Refusal?
        for requester in upload.waiting {
            if let error {
                refusal = refuse(requester, Refusal(error.code, error.message), send)
            } else {
                answer(requester, ArtifactOpen(offset: upload.total, isComplete: true), send)
            }
        }
        return refusal
    }

    private static func progress(_ upload: Upload) -> ArtifactOpen {
        ArtifactOpen(offset: upload.sink.offset, isComplete: false)
    }

    private static func patience(_ upload: Upload) -> ArtifactOpen {
        ArtifactOpen(
            offset: upload.state == .sealing ? upload.total : min(upload.sink.offset, upload.total),
            isComplete: false,
            retryAfterMs: ArtifactLimits.retryAfterMs
        )
    }

    @discardableResult
    private func answer(_ requester: Requester, _ body: ArtifactOpen, _ send: Send) -> Bool {
        guard let bytes = try? EventCoding.encode(body) else { return false }
        let frames = [CommandHeader(.artifactOpen, correlation: requester.correlation).bytes, bytes]
        return send(requester.peer, frames) != .unreachable
    }

    /// Forgets the upload that was longest unheard when there are too many. Its bytes stay.
    private mutating func makeRoom(now: Duration) throws(BusError) {
        guard uploads.count >= ArtifactLimits.uploadsMax else { return }
        let idle = uploads.filter { $0.value.state != .sealing }.min { $0.value.heardAt < $1.value.heardAt }
        guard let idle, now - idle.value.heardAt > ArtifactLimits.uploaderSilenceMax else {
            throw BusError(.busy, "\(uploads.count) artifacts are being received; offer it again later")
        }
        uploads[idle.key] = nil
    }

    // MARK: Time

    /// Does the next pieces of all work that is open.
    /// - Returns: When to call again at the latest; zero when there is more to do.
    mutating func turn(now: Duration, send: Send) -> Duration {
        for _ in 0..<ArtifactLimits.chunksPerTurnMax {
            guard let index = queue.firstIndex(where: { readers[$0].map { $0.notBefore <= now } ?? true }) else {
                break
            }
            let peer = queue.remove(at: index)
            sendChunk(to: peer, now: now, send: send)
            if readers[peer] != nil { queue.append(peer) }
        }
        var isVerifying = false
        for (digest, upload) in uploads where upload.state == .verifying {
            verify(digest, upload, send: send)
            isVerifying = isVerifying || uploads[digest]?.state == .verifying
        }
        for (digest, open) in files where now - open.usedAt > ArtifactLimits.idleFileMax { files[digest] = nil }
        for (digest, upload) in uploads
        where upload.state != .sealing && now - upload.heardAt > ArtifactLimits.idleFileMax { uploads[digest] = nil }
        counters.readers = readers.count
        counters.uploads = uploads.count
        if isVerifying { return .zero }
        let due = readers.values.map(\.notBefore).min() ?? .seconds(1 << 20)
        return max(.zero, min(due - now, .seconds(1)))
    }

    private mutating func verify(_ digest: String, _ upload: Upload, send: Send) {
        do throws(BusError) {
            guard try upload.sink.verify(bytesMax: ArtifactLimits.hashedPerTurnMax) else { return }
            try goOn(digest, send: send)
        } catch {
            uploads[digest] = nil
            _ = refuse(upload.owner, Refusal(error.code, error.message), send)
        }
    }
}
