import Events
import Testing

@testable import Bus

/// A server and clients that fetch and store, under virtual time, with faults from a seed.
///
/// Links keep the order of their messages, as TCP does, and lose all of them when they break. A crash of the server
/// keeps what its storage has; a crash of a client keeps what its sink has.
private struct ArtifactWorld {
    private static let step: Duration = .milliseconds(20)
    private static let faultsUntil: Duration = .seconds(20)
    private static let endsAt: Duration = .seconds(300)

    private struct Link {
        var peer: PeerID
        var up: [(at: Duration, frames: Frames)] = []
        var down: [(at: Duration, frames: Frames)] = []
        var opensAt: Duration
    }

    private struct Client {
        let digest: String
        let isUpload: Bool
        var transfer: any ArtifactTransfer
        var link: Link
        /// What was fetched; it outlives the client.
        var sink: [UInt8] = []
        var isDone = false
        var isDownUntil: Duration?
    }

    private var random: Generator
    private let memory = ArtifactMemory()
    private var serving: ArtifactServing
    private var isServerDownUntil: Duration?
    private var clients: [Client] = []
    private var connections: UInt16 = 0
    private var now = Duration.zero
    /// Bytes of good chunks that reached each client, and times that it lost what was under way.
    private(set) var moved = 0
    private(set) var faults = 0
    private(set) var most = 0

    init(seed: UInt64) {
        random = Generator(state: seed)
        serving = ArtifactServing(storage: memory)
        for number in 1...3 {
            let name = ArtifactMemory.name(number)
            let count = Int.random(in: 0...12 * ArtifactLimits.chunkBytes, using: &random)
            memory.truth[name] = ArtifactMemory.bytes(count, seed: number)
            if number < 3 { memory.stored[name] = memory.truth[name] }
        }
        // Two fetch the first artifact, one the second, and two store the third.
        for (number, isUpload) in [(1, false), (1, false), (2, false), (3, true), (3, true)] {
            let digest = ArtifactMemory.name(number)
            let link = newLink()
            clients.append(
                Client(digest: digest, isUpload: isUpload, transfer: transfer(digest, isUpload, 0), link: link)
            )
        }
    }

    private func transfer(_ digest: String, _ isUpload: Bool, _ offset: Int) -> any ArtifactTransfer {
        // Longer than all faults together: whoever gives up is wrong.
        let patience = ArtifactPatience(progress: .seconds(60))
        if isUpload {
            return ArtifactSender(digest, total: memory.truth[digest]?.count ?? 0, patience: patience, now: now)
        }
        return ArtifactReceiver(digest, offset: offset, patience: patience, now: now)
    }

    private mutating func newLink() -> Link {
        connections += 1
        let name = [UInt8(connections >> 8), UInt8(connections & 0xFF)]
        return Link(peer: PeerID(name), opensAt: now + .milliseconds(Int.random(in: 0...200, using: &random)))
    }

    private mutating func delay() -> Duration { .milliseconds(Int.random(in: 0...60, using: &random)) }

    /// Runs to the end.
    mutating func run() throws {
        while now < Self.endsAt, !clients.allSatisfy(\.isDone) {
            now += Self.step
            if now < Self.faultsUntil { inject() }
            serve()
            for index in clients.indices { try turn(index) }
        }
        for client in clients {
            #expect(client.isDone, "a transfer never ended")
            if !client.isUpload { #expect(client.sink == memory.truth[client.digest]) }
        }
        #expect(memory.stored == memory.truth)
        #expect(memory.parts.isEmpty)
    }

    private mutating func inject() {
        guard Int.random(in: 0..<25, using: &random) == 0 else { return }
        let index = Int.random(in: clients.indices, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            faults += clients.count
            serving = ArtifactServing(storage: memory)
            isServerDownUntil = now + .milliseconds(Int.random(in: 0...2000, using: &random))
            for index in clients.indices { clients[index].link = newLink() }
        case 1:
            guard clients[index].isDownUntil == nil else { return }
            faults += 1
            clients[index].isDownUntil = now + .milliseconds(Int.random(in: 0...2000, using: &random))
            clients[index].link = newLink()
        case 2:
            // A break that the client notices, as when TCP closes.
            faults += 1
            clients[index].link = newLink()
            clients[index].transfer.connected(now: now)
        case 3:
            // One that it does not: everything on the way is lost, and new messages too, until it connects anew.
            faults += 1
            clients[index].link = newLink()
            clients[index].link.opensAt = .seconds(1 << 20)
        default:
            // A flipped bit.
            faults += 1
            guard let place = clients[index].link.down.firstIndex(where: { $0.frames.chunk?.bytes.isEmpty == false })
            else { return }
            clients[index].link.down[place].frames[2][0] ^= 1
        }
    }

    private mutating func serve() {
        if let until = isServerDownUntil {
            guard now >= until else { return }
            isServerDownUntil = nil
        }
        var sent: [(PeerID, Frames)] = []
        let living = Set(clients.filter { $0.link.opensAt <= now && $0.isDownUntil == nil }.map(\.link.peer))
        let send: ArtifactServing.Send = { peer, frames in
            guard living.contains(peer) else { return .unreachable }
            sent.append((peer, frames))
            return .queued
        }
        for index in clients.indices {
            let due = clients[index].link.up.prefix { $0.at <= now }
            clients[index].link.up.removeFirst(due.count)
            for (_, frames) in due {
                _ = serving.receive(from: clients[index].link.peer, frames, now: now, send: send)
            }
        }
        for _ in 0..<4 { _ = serving.turn(now: now, send: send) }
        for (digest, work) in serving.takeSealings() {
            do throws(BusError) {
                try work()
                _ = serving.sealed(digest, nil, send: send)
            } catch { _ = serving.sealed(digest, error, send: send) }
        }
        for (peer, frames) in sent {
            guard let index = clients.firstIndex(where: { $0.link.peer == peer }) else { continue }
            let at = max(now + delay(), clients[index].link.down.last?.at ?? .zero)
            clients[index].link.down.append((at, frames))
            most = max(most, clients[index].link.down.filter { $0.frames.command == .artifactChunk }.count)
        }
    }

    private mutating func turn(_ index: Int) throws {
        guard !clients[index].isDone else { return }
        if let until = clients[index].isDownUntil {
            guard now >= until else { return }
            clients[index].isDownUntil = nil
            let client = clients[index]
            clients[index].transfer = transfer(client.digest, client.isUpload, client.sink.count)
        }
        let due = clients[index].link.down.prefix { $0.at <= now }
        clients[index].link.down.removeFirst(due.count)
        for (_, frames) in due {
            moved += frames.chunk?.bytes.count ?? 0
            clients[index].transfer.receive(frames, now: now)
            try carryOut(index)
            guard !clients[index].isDone else { return }
        }
        clients[index].transfer.tick(now: now)
        try carryOut(index)
    }

    private mutating func carryOut(_ index: Int) throws {
        var actions = clients[index].transfer.takeActions()[...]
        let truth = memory.truth[clients[index].digest] ?? []
        while let action = actions.popFirst() {
            switch action {
            case .send(let frames): say(index, frames)
            case .sendChunk(let offset, let count, let correlation):
                let bytes = Array(truth[offset..<offset + count])
                say(index, ArtifactChunk(offset: offset, total: truth.count, bytes: bytes).frames(correlation))
            case .take(let bytes): clients[index].sink += bytes
            case .restart: clients[index].sink = []
            case .seal:
                #expect(clients[index].sink == truth)
                clients[index].transfer.sealed(nil, now: now)
                actions += clients[index].transfer.takeActions()
            case .reconnect:
                clients[index].link = newLink()
                clients[index].transfer.connected(now: now)
                actions += clients[index].transfer.takeActions()
            case .finish: clients[index].isDone = true
            case .fail(let error): throw error
            }
        }
    }

    private mutating func say(_ index: Int, _ frames: Frames) {
        let from = max(now, clients[index].link.opensAt)
        let at = max(from + delay(), clients[index].link.up.last?.at ?? .zero)
        clients[index].link.up.append((at, frames))
    }
}

/// SplitMix64.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

@Suite("Artifacts come whole through crashes, broken links and flipped bits", .timeLimit(.minutes(1)))
struct ArtifactSimulationTests {
    @Test("every seed keeps the promises", arguments: [UInt64](1...16))
    func seeds(_ seed: UInt64) throws {
        var world = ArtifactWorld(seed: seed)
        do { try world.run() } catch { Issue.record("seed \(seed): \(error)") }
        #expect(world.most <= ArtifactLimits.chunksInFlightMax, "seed \(seed): more under way than the credit")
    }
}
