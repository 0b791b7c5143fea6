import Events

/// An upload as a state machine.
///
/// It offers the artifact, goes on where the server stands, and never has more than its credit of chunks unanswered.
/// Every offer names a generation as its correlation; after anything unexpected a new one is made, and answers to older
/// ones are dropped.
struct ArtifactSender: ArtifactTransfer, Sendable {
    private let digest: String
    private let total: Int
    private(set) var offset = 0
    private(set) var report = ArtifactReport()
    /// The end of what was sent.
    private var sent = 0
    /// Bytes that the server was seen to have; more of them is progress.
    private var known = 0
    /// The server takes chunks of this generation.
    private var isOpen = false
    private var hasResumed = false
    private var generation: UInt64 = 0
    private var damagedInARow = 0
    private var isEnded = false
    private var watch: ArtifactWatch
    private var actions: [ArtifactAction] = []

    /// An upload of `total` bytes under the name of `digest`.
    init(_ digest: String, total: Int, patience: ArtifactPatience = .init(), now: Duration) {
        self.digest = digest
        self.total = total
        report.total = total
        watch = ArtifactWatch(patience, now: now)
        offer()
    }

    mutating func takeActions() -> [ArtifactAction] {
        defer { actions = [] }
        return actions
    }

    mutating func receive(_ frames: Frames, now: Duration) {
        guard !isEnded, let first = frames.first, let header = try? CommandHeader(first),
            header.correlation == generation, let body = frames.last
        else { return }
        switch header.command {
        case .artifactOpen:
            guard let open = try? EventCoding.decode(ArtifactOpen.self, from: body) else { return }
            opened(open, now: now)
        case .error:
            guard let refusal = try? EventCoding.decode(Refusal.self, from: body) else { return }
            refused(refusal, now: now)
        default: break
        }
    }

    mutating func connected(now: Duration) {
        guard !isEnded else { return }
        report.reconnects += 1
        watch.heard(now: now)
        offer()
    }

    mutating func sealed(_ error: BusError?, now: Duration) {}

    mutating func tick(now: Duration) {
        guard !isEnded else { return }
        switch watch.due(now: now) {
        case .nothing: break
        case .retry: offer()
        case .reconnect: actions.append(.reconnect)
        case .fail(let error): fail(error)
        }
    }

    private mutating func opened(_ open: ArtifactOpen, now: Duration) {
        if open.isComplete {
            if !isOpen, report.moved == 0 { report.resumedFrom = total }
            offset = total
            isEnded = true
            actions.append(.finish)
            return
        }
        guard (0...total).contains(open.offset) else {
            fail(BusError(.badFrame, "the server says it has \(open.offset) of \(total) bytes of \(digest)"))
            return
        }
        // With all bytes the server is about to put them in place, which may take its disk long.
        if open.offset > known || open.offset == total { watch.progressed(now: now) } else { watch.heard(now: now) }
        known = open.offset
        if let milliseconds = open.retryAfterMs {
            offset = open.offset
            isOpen = false
            watch.postpone(nil, milliseconds: milliseconds, now: now)
            return
        }
        if !isOpen {
            isOpen = true
            if report.moved == 0 { report.resumedFrom = open.offset }
            hasResumed = hasResumed || open.offset > 0
            offset = open.offset
            sent = open.offset
        } else if open.offset < offset || open.offset > sent {
            offer()
            return
        }
        if open.offset > offset { damagedInARow = 0 }
        offset = open.offset
        send()
    }

    private mutating func send() {
        while sent < total, sent - offset < ArtifactLimits.chunksInFlightMax * ArtifactLimits.chunkBytes {
            let count = min(ArtifactLimits.chunkBytes, total - sent)
            actions.append(.sendChunk(offset: sent, count: count, correlation: generation))
            sent += count
            report.moved += count
        }
    }

    private mutating func refused(_ refusal: Refusal, now: Duration) {
        if let milliseconds = refusal.retryAfterMs {
            watch.postpone(refusal, milliseconds: milliseconds, now: now)
            isOpen = false
            return
        }
        switch refusal.code {
        case .rehello:
            watch.heard(now: now)
            offer()
        case .badFrame where damagedInARow + 1 < ArtifactLimits.damagedMax:
            report.damaged += 1
            damagedInARow += 1
            watch.heard(now: now)
            offer()
        case .digestMismatch where hasResumed && report.restarts < ArtifactLimits.restartsMax:
            // What an earlier upload left there was wrong, and is gone now.
            report.restarts += 1
            hasResumed = false
            watch.progressed(now: now)
            offer()
        default: fail(BusError(refusal))
        }
    }

    private mutating func offer() {
        generation += 1
        isOpen = false
        offset = 0
        guard let body = try? EventCoding.encode(ArtifactPut(digest: digest, total: total)) else { return }
        actions.append(.send([CommandHeader(.artifactPut, correlation: generation).bytes, body]))
    }

    private mutating func fail(_ error: BusError) {
        isEnded = true
        actions.append(.fail(error))
    }
}
