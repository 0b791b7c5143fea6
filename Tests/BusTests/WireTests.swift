import BusSimulation
import Events
import Testing

@testable import Bus

private let record = Record(
    topic: "e/site/x/y/v1/a/",
    flags: [.durable, .replayed],
    epoch: 9,
    sequence: 41,
    previous: 40,
    header: Array("{}".utf8),
    data: [0, 1, 255]
)

private func filters(_ texts: String...) throws -> [TopicFilter] { try texts.map { try TopicFilter($0) } }

private func clientMessages() throws -> [ClientMessage] {
    [
        .hello(1, Hello(name: "trainer/main", producer: "trainer/main/1", producerEpoch: .max)),
        .hello(2, Hello(name: "tail")),
        .publish(0, sequence: .max, topic: "e/site/x/", header: [1], data: [2, 3]),
        .publishUnsequenced(3, topic: "e/site/x/", header: [1], data: []),
        .publishStructured(4, topic: "e/site/x/", event: Array("{}".utf8)),
        .subscribe(5, SubscribeRequest(consumer: "a", filters: try filters("e/", "t/*/x/"), start: .origin, credit: 3)),
        .subscribe(6, SubscribeRequest(consumer: nil, filters: try filters(""), start: .after(.max), credit: 0)),
        .subscribe(7, SubscribeRequest(consumer: nil, filters: [], start: nil, credit: -1)),
        .credit(subscription: 8, Int(UInt32.max)),
        .acknowledge(subscription: 9, sequence: .max),
        .fetch(10, FetchRequest(filters: try filters("e/"), after: .max, limit: .max)),
        .last(11, FetchRequest(filters: try filters("e/"))),
        .join(12, JoinRequest(group: "g", filters: try filters("e/"), start: .head, credit: 1, leaseMs: .max)),
        .done(membership: 13, LeaseToken(job: .max, delivery: .max), result: [1]),
        .fail(membership: 14, LeaseToken(job: 1, delivery: 2), Refusal(.failed, "no", retryAfterMs: 3)),
        .extend(membership: 15, LeaseToken(job: 0, delivery: 0)),
        .leave(16), .ping, .bye,
    ]
}

private let brokerMessages: [BrokerMessage] = [
    .welcome(
        1,
        Welcome(
            session: 1,
            epoch: .max,
            head: .max,
            producerEpoch: 3,
            producerSequence: 4,
            limits: BusLimits()
        )
    ),
    .ackSequenced(upTo: .max, sequence: 7), .ack(2, sequence: 8, duplicate: true),
    .ack(3, sequence: 9, duplicate: false), .answer(4, []), .answer(5, [1, 2]),
    .nak(6, Refusal(.full, "disk", retryAfterMs: 500)), .deliver(subscription: 7, record), .record(8, record),
    .endOfRecords(9, scannedTo: .max), .job(membership: 10, LeaseToken(job: 1, delivery: 2), leaseMs: .max, record),
    .pong, .error(11, Refusal(.rehello, "who are you")),
]

@Suite("Frames carry every command and never trap")
struct WireTests {
    @Test(
        "the checksum is Castagnoli's",
        arguments: [
            ("123456789", 0xE306_9283), ("", 0), ("a", 0xC1D0_4330),
            (String(repeating: "\0", count: 32), 0x8A91_36AA),
        ] as [(String, UInt32)]
    )
    func checksum(_ text: String, _ expected: UInt32) {
        #expect(CRC32C.of(Array(text.utf8)) == expected)
    }

    @Test("the checksum of parts is that of the whole, wherever they are cut")
    func checksumParts() {
        let bytes = Array("The checksum must not depend on the cut".utf8)
        for cut in 0...bytes.count {
            #expect(CRC32C.of(Array(bytes[..<cut]), Array(bytes[cut...])) == CRC32C.of(bytes))
        }
    }

    @Test("what a client says comes back as it was")
    func clientRoundTrip() throws {
        for message in try clientMessages() { #expect(try ClientMessage(frames: message.frames()) == message) }
    }

    @Test("what the broker says comes back as it was")
    func brokerRoundTrip() throws {
        for message in brokerMessages { #expect(try BrokerMessage(frames: message.frames()) == message) }
    }

    @Test("the bytes of the layout stay as they are")
    func golden() throws {
        #expect(
            CommandHeader(.publish, flags: 1, correlation: 0x0102).bytes
                == [0x45, 0x42, 1, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2]
        )
        let frames = record.frames
        #expect(frames[0] == Array("e/site/x/y/v1/a/".utf8))
        #expect(
            Array(frames[1].prefix(32)) == [0x45, 0x42, 1, 3, 0, 0, 0, 1]
                + [0, 0, 0, 0, 0, 0, 0, 9] + [0, 0, 0, 0, 0, 0, 0, 41] + [0, 0, 0, 0, 0, 0, 0, 40]
        )
        #expect(frames[1].count == Record.controlBytes)
        #expect(try ClientMessage.credit(subscription: 1, 5).frames()[1] == [0, 0, 0, 5])
        #expect(
            try ClientMessage.subscribe(
                1,
                SubscribeRequest(consumer: "a", filters: filters("e/"), start: .head, credit: 1)
            ).frames()[1] == Array(#"{"consumer":"a","credit":1,"filters":["e/"],"start":"head"}"#.utf8)
        )
    }

    @Test("command numbers are those of the specification and none is used twice")
    func commandNumbers() {
        #expect(Command.allCases.map(\.rawValue) == Array(1...27))
        #expect(Command.error.rawValue == 27)
    }

    @Test("another version, another magic and an unknown command are told apart")
    func headers() {
        func code(_ bytes: [UInt8]) -> ErrorCode? {
            do { _ = try CommandHeader(bytes) } catch { return error.code }
            return nil
        }
        var bytes = CommandHeader(.ping).bytes
        bytes[2] = 2
        #expect(code(bytes) == .badVersion)
        bytes[2] = 1
        bytes[3] = 200
        #expect(code(bytes) == .unknownCommand)
        bytes[0] = 0
        #expect(code(bytes) == .badFrame)
        #expect(code([]) == .badFrame)
    }

    @Test("a flipped bit in topic, header, data or checksum is found")
    func flips() throws {
        for frame in 0..<4 {
            for index in record.frames[frame].indices {
                var frames = record.frames
                frames[frame][index] ^= 0x10
                let isCovered = frame != 1 || (32..<36).contains(index) || index < 3
                if isCovered { #expect(throws: WireError.self) { try Record(frames: frames) } }
            }
        }
    }

    @Test("every truncation of every message is refused or read, and nothing traps")
    func truncations() throws {
        let all = try clientMessages().map { try $0.frames() } + brokerMessages.map { try $0.frames() }
        for frames in all {
            for count in 0...frames.count {
                readAll(Array(frames.prefix(count)))
                guard count < frames.count else { continue }
                for length in 0..<min(frames[count].count, 48) {
                    readAll(Array(frames.prefix(count)) + [Array(frames[count].prefix(length))])
                    readAll(
                        Array(frames.prefix(count)) + [Array(frames[count].prefix(length))] + frames[(count + 1)...]
                    )
                }
            }
        }
    }

    @Test("random bytes never trap", arguments: 0..<4)
    func randomBytes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1500 {
            var frames = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            if !frames.isEmpty, !random.one(in: 5) {
                let command = UInt8.random(in: 0...28, using: &random)
                frames[0] = [0x45, 0x42, 1, command] + (0..<12).map { _ in UInt8.random(in: 0...7, using: &random) }
            }
            readAll(frames)
        }
    }

    private func readAll(_ frames: Frames) {
        _ = try? ClientMessage(frames: frames)
        _ = try? BrokerMessage(frames: frames)
        _ = try? Record(frames: frames)
        _ = try? ArtifactChunk(frames: frames)
    }

    @Test("a start position is a word or a sequence", arguments: ["\"origin\"", "\"head\"", "18446744073709551615"])
    func startPositions(_ text: String) throws {
        let position = try EventCoding.decode(StartPosition.self, from: Array(text.utf8))
        #expect(try EventCoding.encode(position) == Array(text.utf8))
        #expect(throws: EventError.self) { try EventCoding.decode(StartPosition.self, from: Array("\"tail\"".utf8)) }
        #expect(throws: EventError.self) { try EventCoding.decode(StartPosition.self, from: Array("-1".utf8)) }
    }

    @Test("an address is a directory of sockets, or a host with the usual or other ports")
    func addresses() throws {
        let local = try #require(BusAddress("ipc:///run/hexloop/"))
        #expect(local.endpoint(SocketTable.command) == "ipc:///run/hexloop/command.sock")
        #expect(local.directory == "/run/hexloop")
        let remote = try #require(BusAddress("tcp://bus"))
        #expect(remote.endpoint(SocketTable.fanOut) == "tcp://bus:5557")
        #expect(remote.bindEndpoint(SocketTable.artifacts) == "tcp://*:5558")
        let second = try #require(BusAddress("tcp://127.0.0.1:25555"))
        #expect(SocketTable.rows.map(second.endpoint) == (25_555...25_558).map { "tcp://127.0.0.1:\($0)" })
        #expect(SocketTable.rows.map(second.bindEndpoint) == SocketTable.rows.map(second.endpoint))
        #expect(second.directory == nil)
        #expect(BusAddress("tcp://bus:6000")?.bindEndpoint(SocketTable.fanOut) == "tcp://*:6002")
        for text in [
            "", "ipc://run", "tcp://", "tcp://bus:", "tcp://bus:0", "tcp://a:65533", "http://bus", "tcp://a/b",
        ] {
            #expect(BusAddress(text) == nil, "\(text)")
        }
        #expect(Set(SocketTable.rows.map(\.port)).count == 4)
    }
}
