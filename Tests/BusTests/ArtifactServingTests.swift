import Events
import Testing

@testable import Bus

private let piece = ArtifactLimits.chunkBytes

@Suite("The artifact server does a bounded piece of work at a time, for everybody in turn")
struct ArtifactServingTests {
    /// A server, and the messages that it sent to each peer.
    private final class Served {
        let memory = ArtifactMemory()
        var serving: ArtifactServing
        var inbox: [PeerID: [Frames]] = [:]
        var order: [PeerID] = []
        /// Peers whose queue takes that many messages more.
        var room: [PeerID: Int] = [:]
        var gone: Set<PeerID> = []
        var now = Duration.zero

        init() { serving = ArtifactServing(storage: memory) }

        static func peer(_ number: UInt8) -> PeerID { PeerID([number]) }

        private func send(_ peer: PeerID, _ frames: Frames) -> ArtifactServing.Outcome {
            if gone.contains(peer) { return .unreachable }
            if let left = room[peer] {
                guard left > 0 else { return .full }
                room[peer] = left - 1
            }
            inbox[peer, default: []].append(frames)
            order.append(peer)
            return .queued
        }

        @discardableResult
        func say(_ peer: PeerID, _ frames: Frames) -> Refusal? {
            serving.receive(from: peer, frames, now: now, send: send)
        }

        @discardableResult
        func turn() -> Duration { serving.turn(now: now, send: send) }

        func turns() {
            for _ in 0..<1000 where turn() == .zero {}
        }

        func seal() {
            for (digest, work) in serving.takeSealings() {
                do throws(BusError) {
                    try work()
                    _ = serving.sealed(digest, nil, send: send)
                } catch { _ = serving.sealed(digest, error, send: send) }
            }
        }

        func chunks(_ peer: PeerID) -> [ArtifactChunk] { inbox[peer, default: []].compactMap(\.chunk) }
        func opens(_ peer: PeerID) -> [ArtifactOpen] { inbox[peer, default: []].compactMap(\.open) }
        func refusals(_ peer: PeerID) -> [Refusal] { inbox[peer, default: []].compactMap(\.refusal) }

        /// An artifact of that many bytes, stored or only known.
        func artifact(_ number: Int, _ count: Int, stored: Bool = true) -> String {
            let name = ArtifactMemory.name(number)
            memory.truth[name] = ArtifactMemory.bytes(count, seed: number)
            if stored { memory.stored[name] = memory.truth[name] }
            return name
        }

        func chunk(_ digest: String, _ offset: Int, _ correlation: UInt64 = 1) -> Frames {
            let bytes = memory.truth[digest] ?? []
            let part = Array(bytes[offset..<min(offset + piece, bytes.count)])
            return ArtifactChunk(offset: offset, total: bytes.count, bytes: part).frames(correlation)
        }
    }

    private let one = Served.peer(1)
    private let two = Served.peer(2)
    private let three = Served.peer(3)

    @Test("two readers get their chunks by turns, each no more than its credit")
    func byTurns() throws {
        let served = Served()
        let digest = served.artifact(1, 40 * piece)
        served.say(one, try .get(digest, 0))
        served.say(two, try .get(digest, 0))
        served.turns()
        #expect(served.order == (0..<8).flatMap { _ in [one, two] })
        #expect(served.chunks(one).map(\.offset) == (0..<8).map { $0 * piece })
        #expect(served.memory.opened == 1, "the file stays open")
        served.turns()
        #expect(served.order.count == 16)
    }

    @Test("questions without end bring no more than the credit", arguments: [1, 1000, Int.max])
    func greedy(_ chunks: Int) throws {
        let served = Served()
        let digest = served.artifact(1, 4000 * piece)
        for offset in 0..<1000 { served.say(one, try .get(digest, offset * piece, chunks: chunks)) }
        served.room[one] = 0
        for _ in 0..<100 { served.now += served.turn() }
        served.room[one] = nil
        served.now += .seconds(1)
        served.turns()
        #expect(served.chunks(one).count <= ArtifactLimits.chunksInFlightMax)
    }

    @Test("a peer that does not read keeps nobody waiting, and goes on when it does")
    func blocked() throws {
        let served = Served()
        let digest = served.artifact(1, 8 * piece)
        served.room[one] = 2
        served.say(one, try .get(digest, 0))
        served.say(two, try .get(digest, 0))
        served.turns()
        #expect(served.chunks(two).count == 8)
        #expect(served.chunks(one).count == 2)
        #expect(served.turn() > .zero, "it does not spin for a peer that does not read")
        served.room[one] = nil
        served.now += .seconds(1)
        served.turns()
        #expect(served.chunks(one).map(\.offset) == (0..<8).map { $0 * piece })
        served.gone = [one]
        served.say(one, try .get(digest, 0))
        served.turns()
        #expect(served.serving.counters.readers == 0)
    }

    @Test("what is asked for wrongly is refused and named")
    func refusals() throws {
        let served = Served()
        let digest = served.artifact(1, 100)
        #expect(served.say(one, try .get(ArtifactMemory.name(9), 0))?.code == .notFound)
        #expect(served.say(one, try .get("../../etc/passwd", 0))?.code == .notFound)
        #expect(served.say(one, try .get(digest, -1))?.code == .badFrame)
        #expect(served.say(one, try .get(digest, .max))?.code == .badFrame)
        #expect(served.say(one, try .put("x", 1))?.code == .badFrame)
        #expect(served.say(one, try .put(ArtifactMemory.name(9), -1))?.code == .tooLarge)
        #expect(served.say(one, try .put(ArtifactMemory.name(9), .max))?.code == .tooLarge)
        #expect(served.say(one, served.chunk(digest, 0))?.code == .rehello)
        #expect(served.say(one, [[1]])?.code == .badFrame)
        #expect(served.say(one, [])?.code == .badFrame)
        #expect(served.say(one, [CommandHeader(.hello).bytes])?.code == .unknownCommand)
        #expect(served.refusals(one).count == 11)
        served.say(one, try .get(digest, 1000))
        served.turns()
        #expect(served.chunks(one) == [ArtifactChunk(offset: 100, total: 100, bytes: [])])
    }

    @Test("an upload is taken in order, sealed, and said to be whole when it is on disk")
    func upload() throws {
        let served = Served()
        let digest = served.artifact(1, 2 * piece + 5, stored: false)
        served.say(one, try .put(digest, 2 * piece + 5))
        served.turns()
        for offset in [0, piece, piece, 2 * piece] { served.say(one, served.chunk(digest, offset)) }
        #expect(served.memory.stored[digest] == nil)
        #expect(served.opens(one).last == ArtifactOpen(offset: 2 * piece + 5, isComplete: false, retryAfterMs: 500))
        served.say(two, try .put(digest, 2 * piece + 5))
        served.seal()
        #expect(served.opens(one).last?.isComplete == true)
        #expect(served.opens(two).last?.isComplete == true)
        #expect(served.memory.stored[digest] == served.memory.truth[digest])
        served.say(three, try .put(digest, 2 * piece + 5))
        #expect(served.opens(three).last?.isComplete == true)
        #expect(served.serving.counters.artifactsStored == 1)
    }

    @Test(
        "a second uploader of the same artifact waits, and goes on when the first is gone or silent",
        arguments: [true, false]
    )
    func twoUploaders(_ isGone: Bool) throws {
        let served = Served()
        let digest = served.artifact(1, 4 * piece, stored: false)
        served.say(one, try .put(digest, 4 * piece))
        served.turns()
        served.say(one, served.chunk(digest, 0))
        served.say(two, try .put(digest, 4 * piece))
        #expect(served.opens(two) == [ArtifactOpen(offset: piece, isComplete: false, retryAfterMs: 500)])
        served.say(two, served.chunk(digest, piece))
        #expect(served.memory.parts[digest]?.count == piece, "only one peer's chunks are taken")
        if isGone { served.gone = [one] } else { served.now += .seconds(6) }
        served.say(two, try .put(digest, 4 * piece, 2))
        #expect(served.opens(two).last == ArtifactOpen(offset: piece, isComplete: false))
        served.say(one, served.chunk(digest, piece))
        for offset in 1..<4 { served.say(two, served.chunk(digest, offset * piece, 2)) }
        served.seal()
        #expect(served.opens(two).last?.isComplete == true)
        #expect(served.memory.stored[digest] == served.memory.truth[digest])
    }

    @Test("wrong bytes are refused by name and not served")
    func wrongBytes() throws {
        let served = Served()
        let digest = served.artifact(1, 100, stored: false)
        served.say(one, try .put(digest, 3))
        served.turns()
        served.say(one, ArtifactChunk(offset: 0, total: 3, bytes: [1, 2, 3]).frames(1))
        #expect(served.refusals(one).last?.code == .digestMismatch)
        #expect(served.say(one, try .get(digest, 0))?.code == .notFound)
        #expect(served.memory.parts.isEmpty)
        let two = try Frames.put(digest, 100)
        served.say(one, two)
        served.turns()
        served.say(one, ArtifactChunk(offset: 0, total: 100, bytes: [UInt8](repeating: 0, count: 101)).frames(1))
        #expect(served.refusals(one).last?.code == .tooLarge)
    }

    @Test("a full disk is said, and the upload goes on when there is room")
    func full() throws {
        let served = Served()
        let digest = served.artifact(1, 3 * piece, stored: false)
        served.memory.roomBytes = piece
        served.say(one, try .put(digest, 3 * piece))
        served.turns()
        served.say(one, served.chunk(digest, 0))
        served.say(one, served.chunk(digest, piece))
        #expect(served.refusals(one).last?.code == .full)
        #expect(served.refusals(one).last?.retryAfterMs == 500)
        served.memory.roomBytes = 2 * piece
        served.say(one, try .put(digest, 3 * piece, 2))
        #expect(served.opens(one).last == ArtifactOpen(offset: piece, isComplete: false))
        for offset in [piece, 2 * piece] { served.say(one, served.chunk(digest, offset, 2)) }
        served.seal()
        #expect(served.memory.stored[digest] == served.memory.truth[digest])
    }

    @Test("a large part is hashed in pieces, and readers are served in between")
    func hashedInPieces() throws {
        let served = Served()
        let read = served.artifact(1, 8 * piece)
        let digest = served.artifact(2, 60 * piece, stored: false)
        served.memory.parts[digest] = Array(served.memory.truth[digest]?.prefix(50 * piece) ?? [])
        served.say(one, try .put(digest, 60 * piece))
        #expect(served.opens(one).last?.retryAfterMs == 500)
        served.say(two, try .get(read, 0))
        #expect(served.turn() == .zero)
        #expect(served.chunks(two).count == 8, "the reader did not wait for the hash")
        #expect(served.opens(one).last?.retryAfterMs == 500)
        served.turns()
        #expect(served.opens(one).last == ArtifactOpen(offset: 50 * piece, isComplete: false))
    }

    @Test("uploads and open files are bounded, and old ones make room")
    func bounds() throws {
        let served = Served()
        for number in 1...ArtifactLimits.uploadsMax {
            served.say(PeerID([1, UInt8(number)]), try .put(served.artifact(number, 10, stored: false), 10))
        }
        served.turns()
        let more = served.artifact(1000, 10, stored: false)
        let refusal = try #require(served.say(one, try .put(more, 10)))
        #expect(refusal.code == .busy)
        #expect(refusal.retryAfterMs == 500)
        served.now += .seconds(6)
        #expect(served.say(one, try .put(more, 10)) == nil)
        served.turns()
        #expect(served.serving.counters.uploads == ArtifactLimits.uploadsMax)
        for number in 0..<200 {
            served.say(two, try .get(served.artifact(2000 + number, 10), 0))
            served.turns()
        }
        #expect(served.chunks(two).count == 200)
    }
}
