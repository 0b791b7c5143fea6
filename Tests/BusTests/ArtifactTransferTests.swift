import Events
import Testing

@testable import Bus

private let piece = ArtifactLimits.chunkBytes
private let credit = ArtifactLimits.chunksInFlightMax
private let digest = ArtifactMemory.name(1)

private func chunk(_ offset: Int, _ total: Int, _ correlation: UInt64) -> Frames {
    let count = min(piece, total - offset)
    return ArtifactChunk(offset: offset, total: total, bytes: [UInt8](repeating: 7, count: count)).frames(correlation)
}

extension ArtifactReceiver {
    /// The questions among the actions.
    fileprivate mutating func questions() throws -> [(ArtifactGet, UInt64)] {
        try takeActions().compactMap { action in
            guard case .send(let frames) = action, frames.command == .artifactGet else { return nil }
            return (try EventCoding.decode(ArtifactGet.self, from: frames[1]), frames.correlation ?? 0)
        }
    }
}

@Suite("A download takes each byte once, in order, within its credit")
struct ArtifactReceiverTests {
    @Test("no more chunks are asked for than the credit, and they never stop coming")
    func credit() throws {
        let total = 40 * piece + 17
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        var (next, end, taken) = (0, 0, 0)
        while true {
            for action in receiver.takeActions() {
                switch action {
                case .send(let frames):
                    let request = try EventCoding.decode(ArtifactGet.self, from: frames[1])
                    #expect(request.offset == end)
                    end += request.chunks * piece
                case .take(let bytes): taken += bytes.count
                case .seal:
                    #expect(taken == total)
                    return
                default: Issue.record("\(action)")
                }
            }
            #expect(end - next <= Bus.ArtifactLimits.chunksInFlightMax * piece)
            try #require(end > next, "nothing is under way, and the download is not done")
            receiver.receive(chunk(next, total, 1), now: .zero)
            next += piece
        }
    }

    @Test("a part is gone on with, and an empty artifact is one")
    func resume() throws {
        var receiver = ArtifactReceiver(digest, offset: 1000, now: .zero)
        #expect(try receiver.questions().map(\.0.offset) == [1000])
        receiver.receive(chunk(1000, 1500, 1), now: .zero)
        #expect(receiver.takeActions().last == .seal)
        #expect(receiver.report.resumedFrom == 1000)
        #expect(receiver.report.moved == 500)
        var empty = ArtifactReceiver(digest, offset: 0, now: .zero)
        empty.receive(chunk(0, 0, 1), now: .zero)
        #expect(empty.takeActions().last == .seal)
    }

    @Test("a damaged chunk is asked for again, and what comes of the old question is not taken")
    func damaged() throws {
        let total = 3 * piece
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        receiver.receive(chunk(0, total, 1), now: .zero)
        var bad = chunk(piece, total, 1)
        bad[2][5] ^= 1
        receiver.receive(bad, now: .zero)
        _ = receiver.takeActions()
        receiver.receive(chunk(2 * piece, total, 1), now: .zero)
        #expect(receiver.offset == piece)
        receiver.receive(chunk(piece, total, 2), now: .zero)
        receiver.receive(chunk(2 * piece, total, 2), now: .zero)
        #expect(receiver.takeActions().last == .seal)
        #expect(receiver.report.damaged == 1)
    }

    @Test("a line that damages everything is given up")
    func damagedForEver() throws {
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        for generation in 1...UInt64(ArtifactLimits.damagedMax) {
            var bad = chunk(0, piece, generation)
            bad[2][0] ^= 1
            receiver.receive(bad, now: .zero)
        }
        guard case .fail(let error) = receiver.takeActions().last else {
            Issue.record("it goes on")
            return
        }
        #expect(error.code == .badFrame)
    }

    @Test("a lost connection or a gap asks again from the first byte that is not safe")
    func lost() throws {
        let total = 20 * piece
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        receiver.receive(chunk(0, total, 1), now: .zero)
        receiver.connected(now: .zero)
        var last = try #require(receiver.questions().last)
        #expect(last.0.offset == piece)
        #expect(last.1 == 2)
        receiver.receive(chunk(2 * piece, total, 2), now: .zero)
        last = try #require(receiver.questions().last)
        #expect(last.0.offset == piece)
        #expect(last.1 == 3)
    }

    @Test("silence makes a new connection, later each time; no progress ends it")
    func silence() throws {
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        var times: [Int64] = []
        for second in Int64(1)...40 {
            receiver.tick(now: .milliseconds(second * 1000 + 1))
            for action in receiver.takeActions() {
                if action == .reconnect {
                    times.append(second)
                    receiver.connected(now: .milliseconds(second * 1000 + 1))
                } else if case .fail(let error) = action {
                    #expect(error.code == .timeout)
                    #expect(second == 30)
                    #expect(times == [3, 9, 21])
                    return
                }
            }
        }
        Issue.record("it waits for ever")
    }

    @Test("a source that changes its size is begun again once, and then given up")
    func changed() throws {
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        receiver.receive(chunk(0, 9 * piece, 1), now: .zero)
        receiver.receive(chunk(piece, 8 * piece, 1), now: .zero)
        #expect(receiver.takeActions().contains(.restart))
        receiver.receive(chunk(0, 8 * piece, 2), now: .zero)
        receiver.receive(chunk(piece, 7 * piece, 2), now: .zero)
        guard case .fail(let error) = receiver.takeActions().last else {
            Issue.record("it goes on")
            return
        }
        #expect(error.code == .digestMismatch)
        #expect(error.message.contains("changes while it is fetched"))
        // A part that is longer than the artifact is no part of it.
        var longer = ArtifactReceiver(digest, offset: 5 * piece, now: .zero)
        longer.receive(chunk(2 * piece, 2 * piece, 1), now: .zero)
        #expect(longer.takeActions().contains(.restart))
    }

    @Test("wrong bytes are fetched anew when some are from before, and given up when all are from one read")
    func mismatch() throws {
        let wrong = BusError(.digestMismatch, "wrong")
        var resumed = ArtifactReceiver(digest, offset: piece, now: .zero)
        resumed.receive(chunk(piece, 2 * piece, 1), now: .zero)
        resumed.sealed(wrong, now: .zero)
        #expect(resumed.takeActions().contains(.restart))
        #expect(resumed.offset == 0)
        resumed.receive(chunk(0, piece, 2), now: .zero)
        resumed.sealed(wrong, now: .zero)
        #expect(resumed.takeActions().last == .fail(wrong))
        var fresh = ArtifactReceiver(digest, offset: 0, now: .zero)
        fresh.receive(chunk(0, piece, 1), now: .zero)
        fresh.sealed(wrong, now: .zero)
        #expect(fresh.takeActions().last == .fail(wrong))
    }

    @Test("what is refused for a time is asked again then, and with the server's reason given up at last")
    func refused() throws {
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        _ = receiver.takeActions()
        let busy = Refusal(.busy, "many readers", retryAfterMs: 500)
        receiver.receive(try BrokerMessage.error(1, busy).frames(), now: .zero)
        receiver.tick(now: .milliseconds(499))
        #expect(receiver.takeActions().isEmpty)
        receiver.tick(now: .milliseconds(500))
        #expect(try receiver.questions().count == 1)
        receiver.receive(try BrokerMessage.error(2, busy).frames(), now: .seconds(1))
        receiver.tick(now: .seconds(31))
        #expect(receiver.takeActions() == [.fail(BusError(.busy, "many readers"))])
        var unknown = ArtifactReceiver(digest, offset: 0, now: .zero)
        unknown.receive(try BrokerMessage.error(1, Refusal(.notFound, "not here")).frames(), now: .zero)
        #expect(unknown.takeActions().last == .fail(BusError(.notFound, "not here")))
    }

    @Test("no message makes it trap", arguments: [0, 1, 2, 3])
    func rubbish(_ frames: Int) {
        var receiver = ArtifactReceiver(digest, offset: 0, now: .zero)
        for command in Command.allCases {
            let header = CommandHeader(command, correlation: 1).bytes
            for size in [0, 1, 19, 20, 21, 100] {
                let rest = [[UInt8]](repeating: [UInt8](repeating: 0xFF, count: size), count: frames)
                receiver.receive([header] + rest, now: .zero)
            }
        }
        receiver.receive([], now: .zero)
        receiver.receive([[1, 2, 3]], now: .zero)
    }
}

@Suite("An upload goes on where the server stands, within its credit")
struct ArtifactSenderTests {
    private static func open(
        _ offset: Int,
        _ correlation: UInt64,
        done: Bool = false,
        wait: Int? = nil
    ) throws -> Frames {
        let body = ArtifactOpen(offset: offset, isComplete: done, retryAfterMs: wait)
        return [CommandHeader(.artifactOpen, correlation: correlation).bytes, try EventCoding.encode(body)]
    }

    private static func sent(_ actions: [ArtifactAction]) -> [Int] {
        actions.compactMap { if case .sendChunk(let offset, _, _) = $0 { offset } else { nil } }
    }

    @Test("chunks come behind what is there, as many as the credit, and one more for each answer")
    func window() throws {
        let total = 30 * piece
        var sender = ArtifactSender(digest, total: total, now: .zero)
        #expect(Self.sent(sender.takeActions()).isEmpty)
        sender.receive(try Self.open(5 * piece, 1), now: .zero)
        #expect(Self.sent(sender.takeActions()) == (5..<13).map { $0 * piece })
        sender.receive(try Self.open(6 * piece, 1), now: .zero)
        #expect(Self.sent(sender.takeActions()) == [13 * piece])
        #expect(sender.report.resumedFrom == 5 * piece)
        sender.receive(try Self.open(total, 1, done: true), now: .zero)
        #expect(sender.takeActions().last == .finish)
    }

    @Test("a server that stands elsewhere than thought is offered it anew")
    func lost() throws {
        var sender = ArtifactSender(digest, total: 30 * piece, now: .zero)
        sender.receive(try Self.open(5 * piece, 1), now: .zero)
        _ = sender.takeActions()
        sender.receive(try Self.open(2 * piece, 1), now: .zero)
        let actions = sender.takeActions()
        #expect(actions.count == 1)
        guard case .send(let frames) = actions[0] else { return }
        #expect(frames.command == .artifactPut)
        #expect(frames.correlation == 2)
        sender.receive(try Self.open(9 * piece, 1), now: .zero)
        #expect(sender.takeActions().isEmpty)
        sender.receive(try BrokerMessage.error(2, Refusal(.rehello, "who")).frames(), now: .zero)
        #expect(sender.takeActions().count == 1)
    }

    @Test("another's upload is waited for as long as it goes on, and no longer")
    func waiting() throws {
        var sender = ArtifactSender(digest, total: 30 * piece, patience: .init(), now: .zero)
        var correlation: UInt64 = 1
        for second in 1...40 {
            sender.receive(try Self.open(second * 1000, correlation, wait: 500), now: .seconds(second))
            sender.tick(now: .seconds(second) + .milliseconds(500))
            correlation += 1
            for action in sender.takeActions() {
                if case .fail(let error) = action { Issue.record("\(error)") }
            }
        }
        for second in 41...80 {
            sender.receive(try Self.open(40_000, correlation, wait: 500), now: .seconds(second))
            sender.tick(now: .seconds(second) + .milliseconds(500))
            correlation += 1
            for action in sender.takeActions() {
                guard case .fail(let error) = action else { continue }
                #expect(error.code == .timeout)
                #expect(second == 70)
                return
            }
        }
        Issue.record("it waits for ever")
    }

    @Test("wrong bytes that an earlier upload left are replaced once; wrong bytes of its own are not sent again")
    func mismatch() throws {
        let wrong = Refusal(.digestMismatch, "wrong")
        var sender = ArtifactSender(digest, total: 2 * piece, now: .zero)
        sender.receive(try Self.open(piece, 1), now: .zero)
        sender.receive(try BrokerMessage.error(1, wrong).frames(), now: .zero)
        #expect(sender.report.restarts == 1)
        _ = sender.takeActions()
        sender.receive(try Self.open(0, 2), now: .zero)
        sender.receive(try BrokerMessage.error(2, wrong).frames(), now: .zero)
        #expect(sender.takeActions().last == .fail(BusError(wrong)))
    }

    @Test("a full disk is waited for, and then named")
    func full() throws {
        var sender = ArtifactSender(digest, total: 2 * piece, now: .zero)
        for second in 0...31 {
            let correlation = UInt64(second) + 1
            sender.receive(try Self.open(piece, correlation), now: .seconds(second))
            let full = Refusal(.full, "no room", retryAfterMs: 500)
            sender.receive(try BrokerMessage.error(correlation, full).frames(), now: .seconds(second))
            sender.tick(now: .seconds(second) + .milliseconds(600))
            for action in sender.takeActions() {
                guard case .fail(let error) = action else { continue }
                #expect(error == BusError(.full, "no room"))
                #expect(second == 30)
                return
            }
        }
        Issue.record("it tries for ever")
    }
}
