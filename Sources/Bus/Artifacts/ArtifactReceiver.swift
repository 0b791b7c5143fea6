import Events

/// A download as a state machine.
///
/// It asks for chunks by offset and never has more than its credit under way. Every question names a generation as its
/// correlation; after anything unexpected a new generation asks again from the first byte that is not safe, and what
/// still comes of an older one is dropped. So bytes are taken once, in order, and each was checked.
struct ArtifactReceiver: ArtifactTransfer, Sendable {
    private static let windowBytes = ArtifactLimits.chunksInFlightMax * ArtifactLimits.chunkBytes

    private let digest: String
    /// Only the size is wanted.
    private let isProbe: Bool
    private(set) var offset: Int
    private(set) var report = ArtifactReport()
    private var total: Int?
    /// The end of what was asked for.
    private var asked: Int
    private var generation: UInt64 = 0
    /// All bytes came in this transfer, without a break, so that asking again would give the same.
    private var isOfOneRead: Bool
    private var damagedInARow = 0
    private var isEnded = false
    private var watch: ArtifactWatch
    private var actions: [ArtifactAction] = []

    /// A download of `digest` whose first `offset` bytes are there.
    init(_ digest: String, offset: Int, patience: ArtifactPatience = .init(), now: Duration) {
        self.init(digest, offset: offset, isProbe: false, patience: patience, now: now)
    }

    /// Asks for one chunk, to learn the size of the whole.
    init(probing digest: String, patience: ArtifactPatience = .init(), now: Duration) {
        self.init(digest, offset: 0, isProbe: true, patience: patience, now: now)
    }

    private init(_ digest: String, offset: Int, isProbe: Bool, patience: ArtifactPatience, now: Duration) {
        self.digest = digest
        self.isProbe = isProbe
        self.offset = offset
        asked = offset
        isOfOneRead = offset == 0
        report.resumedFrom = offset
        watch = ArtifactWatch(patience, now: now)
        askAnew()
    }

    mutating func takeActions() -> [ArtifactAction] {
        defer { actions = [] }
        return actions
    }

    mutating func receive(_ frames: Frames, now: Duration) {
        guard !isEnded, let first = frames.first, let header = try? CommandHeader(first),
            header.correlation == generation
        else { return }
        switch header.command {
        case .artifactChunk:
            do { take(try ArtifactChunk(frames: frames), now: now) } catch { damaged(error, now: now) }
        case .error:
            guard let body = frames.last, let refusal = try? EventCoding.decode(Refusal.self, from: body) else {
                return
            }
            refused(refusal, now: now)
        default: break
        }
    }

    mutating func connected(now: Duration) {
        guard !isEnded else { return }
        report.reconnects += 1
        isOfOneRead = false
        watch.heard(now: now)
        askAnew()
    }

    mutating func sealed(_ error: BusError?, now: Duration) {
        guard let error else {
            actions.append(.finish)
            return
        }
        guard error.code == .digestMismatch, !isOfOneRead, report.restarts < ArtifactLimits.restartsMax else {
            fail(error)
            return
        }
        isEnded = false
        restart(now: now)
    }

    mutating func tick(now: Duration) {
        guard !isEnded else { return }
        switch watch.due(now: now) {
        case .nothing: break
        case .retry: askAnew()
        case .reconnect: actions.append(.reconnect)
        case .fail(let error): fail(error)
        }
    }

    private mutating func take(_ chunk: ArtifactChunk, now: Duration) {
        guard chunk.total <= ArtifactLimits.artifactBytesMax else {
            let most = ArtifactLimits.artifactBytesMax
            fail(BusError(.tooLarge, "artifact \(digest) has \(chunk.total) bytes; at most \(most) are taken"))
            return
        }
        if chunk.total < offset || chunk.total != total ?? chunk.total {
            guard report.restarts < ArtifactLimits.restartsMax else {
                let change = "it had \(total ?? offset) bytes, now \(chunk.total)"
                fail(BusError(.digestMismatch, "artifact \(digest) changes while it is fetched: \(change)"))
                return
            }
            restart(now: now)
            return
        }
        total = chunk.total
        report.total = chunk.total
        report.moved += chunk.bytes.count
        if isProbe {
            isEnded = true
            actions.append(.finish)
            return
        }
        guard chunk.offset == offset, chunk.offset + chunk.bytes.count <= chunk.total,
            !chunk.bytes.isEmpty || offset == chunk.total
        else {
            watch.heard(now: now)
            // A piece before this one was lost on the way.
            if chunk.offset > offset { askAnew() }
            return
        }
        damagedInARow = 0
        offset += chunk.bytes.count
        if !chunk.bytes.isEmpty { actions.append(.take(chunk.bytes)) }
        watch.progressed(now: now)
        if offset == chunk.total {
            isEnded = true
            actions.append(.seal)
        } else {
            ask()
        }
    }

    private mutating func damaged(_ error: WireError, now: Duration) {
        report.damaged += 1
        damagedInARow += 1
        watch.heard(now: now)
        guard damagedInARow < ArtifactLimits.damagedMax else {
            let count = damagedInARow
            fail(BusError(error.code, "\(count) damaged chunks of \(digest) one after the other: \(error.message)"))
            return
        }
        askAnew()
    }

    private mutating func refused(_ refusal: Refusal, now: Duration) {
        guard let milliseconds = refusal.retryAfterMs else {
            // The server found its own copy damaged: what came of it is worth nothing.
            if refusal.code == .digestMismatch { actions.append(.restart) }
            fail(BusError(refusal))
            return
        }
        isOfOneRead = false
        watch.postpone(refusal, milliseconds: milliseconds, now: now)
    }

    private mutating func restart(now: Duration) {
        report.restarts += 1
        offset = 0
        total = nil
        isOfOneRead = true
        watch.progressed(now: now)
        actions.append(.restart)
        askAnew()
    }

    private mutating func askAnew() {
        asked = offset
        generation += 1
        ask()
    }

    /// Asks for more when half of the credit is free, so that chunks never stop coming and questions stay few.
    private mutating func ask() {
        let left = (total ?? .max) - asked
        let free = (Self.windowBytes - (asked - offset)) / ArtifactLimits.chunkBytes
        guard left > 0 || asked == offset, free * 2 >= ArtifactLimits.chunksInFlightMax else { return }
        let request = ArtifactGet(digest: digest, offset: asked, chunks: isProbe ? 1 : free)
        guard let body = try? EventCoding.encode(request) else { return }
        actions.append(.send([CommandHeader(.artifactGet, correlation: generation).bytes, body]))
        asked += min(free * ArtifactLimits.chunkBytes, left)
    }

    private mutating func fail(_ error: BusError) {
        isEnded = true
        actions.append(.fail(error))
    }
}
