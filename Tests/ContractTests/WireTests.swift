import Events
import Foundation
import Testing

@testable import Bus

private let topic = "e/local/observation/recorded/v1/wti/"
private let attributes =
    #"{"datacontenttype":"application/json","id":"1","source":"//plant-a/plc-7/main","specversion":"1.0","#
    + #""subject":"wti","type":"dev.hexloop.observation.recorded.v1"}"#
private let data = #"{"inputs":{"price":[20.11,19.87]},"key":"2020-04-20","stream":"wti"}"#
private let questionTopic = "q/local/registry/query/v1/registry/"
private let questionAttributes =
    #"{"datacontenttype":"application/json","id":"2","source":"//plant-a/plc-7/main","specversion":"1.0","#
    + #""type":"dev.hexloop.registry.query.v1"}"#
private let digest = "831beb19a7d15b584dfc9926bf63d7c3a3160ff4d337184bd7957c1f4bd1f7ef"

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func record(_ flags: Record.Flags) -> Record {
    Record(
        topic: topic,
        flags: flags,
        epoch: 1_795_452_514_498,
        sequence: 1,
        previous: 0,
        header: bytes(attributes),
        data: bytes(data)
    )
}

private let question = Record(
    topic: questionTopic,
    flags: [],
    stream: 0,
    epoch: 1_795_452_514_498,
    sequence: 1,
    previous: 0,
    header: bytes(questionAttributes),
    data: bytes(#"{"question":"laps"}"#)
)

private let secondQuestion = Record(
    topic: questionTopic,
    flags: [],
    stream: 0,
    epoch: 1_795_452_514_498,
    sequence: 2,
    previous: 0,
    header: bytes(questionAttributes.replacingOccurrences(of: #""id":"2""#, with: #""id":"3""#)),
    data: bytes(#"{"question":"status"}"#)
)

/// Jobs that are questions have the highest bit set.
private let questionNumber: UInt64 = 1 << 63 | 1

private let telemetry = Record(
    topic: "t/plant-a/plc-7/temperature/v1/oven/",
    flags: [],
    stream: Record.telemetryStream,
    epoch: 7,
    sequence: 1,
    previous: 0,
    header: bytes(
        #"{"id":"1","source":"//plant-a/plc-7/main","specversion":"1.0","type":"com.example.temperature.v1"}"#
    ),
    data: bytes(#"{"celsius":181.5}"#)
)

private func filters(_ texts: String...) throws -> [TopicFilter] { try texts.map { try TopicFilter($0) } }

/// The message of each name in `docs/golden/wire.json`, as this code makes it.
private func clientMessage(_ name: String) throws -> ClientMessage? {
    switch name {
    case "HELLO": .hello(1, Hello(name: "plc-7/main"))
    case "HELLO with a producer": .hello(1, Hello(name: "plc-7/main", producer: "plc-7/main/1", producerEpoch: 1))
    case "PUB sequenced":
        .publish(0, sequence: 42, topic: topic, header: bytes(attributes), data: bytes(data))
    case "PUB named": .publishUnsequenced(2, topic: topic, header: bytes(attributes), data: bytes(data))
    case "PUB structured":
        .publishStructured(
            3,
            topic: topic,
            event: bytes(
                #"{"data":"# + data + #","id":"1","source":"//plant-a/plc-7/main","specversion":"1.0","#
                    + #""subject":"wti","type":"dev.hexloop.observation.recorded.v1"}"#
            )
        )
    case "PUB of a question":
        .publishUnsequenced(4, topic: questionTopic, header: question.header, data: question.data)
    case "SUB":
        .subscribe(
            7,
            SubscribeRequest(
                consumer: "printer",
                filters: try filters("e/*/decay/detected/v1/"),
                start: .origin,
                credit: 256
            )
        )
    case "SUB after a sequence":
        .subscribe(8, SubscribeRequest(consumer: nil, filters: try filters("e/"), start: .after(1817), credit: 1))
    case "CREDIT": .credit(subscription: 7, 64)
    case "CACK": .acknowledge(subscription: 7, sequence: 1817)
    case "FETCH": .fetch(9, FetchRequest(filters: try filters("e/")))
    case "LAST": .last(10, FetchRequest(filters: try filters("e/local/")))
    case "JOIN": .join(11, JoinRequest(group: "infer", filters: try filters("e/*/observation/recorded/v1/"), credit: 2))
    case "JOIN for several questions at once":
        .join(12, JoinRequest(group: "infer", filters: try filters("q/*/inference/request/v1/"), credit: 4, batch: 8))
    case "DONE": .done(membership: 11, LeaseToken(job: 101, delivery: 2), result: bytes(#"{"laps":[]}"#))
    case "DONE of several questions, the second refused":
        .doneParts(
            membership: 11,
            LeaseToken(job: questionNumber, delivery: 1),
            [.answer(bytes(#"{"laps":[]}"#)), .refusal(Refusal(.storage, "the registry's disk failed"))]
        )
    case "FAIL for good":
        .refuse(membership: 11, LeaseToken(job: 101, delivery: 2), Refusal(.badData, "no oven can do this"))
    case "FAIL": .fail(membership: 11, LeaseToken(job: 101, delivery: 2), Refusal(.failed, "the oven is open"))
    case "EXTEND": .extend(membership: 11, LeaseToken(job: 101, delivery: 2))
    case "LEAVE": .leave(11)
    case "PING": .ping
    case "BYE": .bye
    default: nil
    }
}

private func brokerMessage(_ name: String) -> BrokerMessage? {
    switch name {
    case "WELCOME":
        .welcome(
            1,
            Welcome(
                session: 11,
                epoch: 1_795_452_514_498,
                head: 1817,
                producerEpoch: 1,
                producerSequence: 41,
                limits: BusLimits()
            )
        )
    case "ACK sequenced": .ackSequenced(upTo: 42, sequence: 1818)
    case "ACK": .ack(2, sequence: 1819, duplicate: false)
    case "ACK duplicate": .ack(3, sequence: 1819, duplicate: true)
    case "ACK answer": .answer(4, bytes(#"{"laps":[]}"#))
    case "NAK": .nak(0, Refusal(.full, "the log is 64 MiB behind its disk", retryAfterMs: 50))
    case "DELIVER": .deliver(subscription: 7, record([.durable, .replayed]))
    case "RECORD": .record(9, record([.durable, .replayed]))
    case "EOR": .endOfRecords(9, scannedTo: 1819)
    case "JOB": .job(membership: 11, LeaseToken(job: 101, delivery: 2), leaseMs: 10_000, record(.durable))
    case "JOB of a question":
        .job(membership: 11, LeaseToken(job: questionNumber, delivery: 1), leaseMs: 10_000, question)
    case "JOB of several questions":
        .jobs(
            membership: 11,
            LeaseToken(job: questionNumber, delivery: 1),
            leaseMs: 10_000,
            [question, secondQuestion]
        )
    case "PONG": .pong
    case "ERR": .error(0, Refusal(.rehello, "this broker does not know you; say HELLO first"))
    default: nil
    }
}

private func artifactMessage(_ name: String) throws -> Frames? {
    func frames(_ command: Command, _ body: some Encodable) throws -> Frames {
        [CommandHeader(command, correlation: 1).bytes, try EventCoding.encode(body)]
    }
    return switch name {
    case "ART.OPEN": try frames(.artifactOpen, ArtifactOpen(offset: 524_288, isComplete: false))
    case "ART.GET": try frames(.artifactGet, ArtifactGet(digest: digest, offset: 0, chunks: 8))
    case "ART.PUT": try frames(.artifactPut, ArtifactPut(digest: digest, total: 7168))
    case "ART.CHUNK": ArtifactChunk(offset: 0, total: 7, bytes: bytes("hexloop")).frames(1)
    default: nil
    }
}

/// A message of `docs/golden/wire.json`.
struct GoldenMessage: Sendable, CustomTestStringConvertible {
    let name: String
    let frames: Frames
    let entry: JSONValue

    var testDescription: String { name }

    init(_ entry: JSONValue) throws {
        self.entry = entry
        name = try #require(entry["name"]?.string)
        frames = try (entry["frames"]?.array ?? []).map { try Self.bytes($0.string ?? "") }
    }

    static func read(_ list: String) throws -> [GoldenMessage] {
        try (try Repository.json("docs/golden/wire.json")[list]?.array ?? []).map { try GoldenMessage($0) }
    }

    private static func bytes(_ hex: String) throws -> [UInt8] {
        try #require(hex.count.isMultiple(of: 2))
        return try stride(from: 0, to: hex.count, by: 2).map { offset in
            let start = hex.index(hex.startIndex, offsetBy: offset)
            return try #require(UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16))
        }
    }

    /// How `docs/wire.md` shows it: a frame that is text as text, others in hexadecimal.
    var page: String {
        let lines = frames.map { frame in
            if frame.isEmpty { return "(empty)" }
            if frame.allSatisfy({ (0x20..<0x7F).contains($0) }) { return String(decoding: frame, as: UTF8.self) }
            return frame.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return ([name] + lines.map { "  " + $0 }).joined(separator: "\n")
    }
}

@Suite("Golden frames")
struct WireGoldenTests {
    @Test("each is what this code writes, and reads as what was meant", arguments: try GoldenMessage.read("messages"))
    func bytes(_ golden: GoldenMessage) throws {
        if let message = try clientMessage(golden.name) {
            #expect(try message.frames() == golden.frames)
            #expect(try ClientMessage(frames: golden.frames) == message)
        } else if let message = brokerMessage(golden.name) {
            #expect(try message.frames() == golden.frames)
            #expect(try BrokerMessage(frames: golden.frames) == message)
        } else if let frames = try artifactMessage(golden.name) {
            #expect(frames == golden.frames)
        } else {
            let expected = try #require(["record": record(.durable), "record of telemetry": telemetry][golden.name])
            #expect(expected.frames == golden.frames)
            #expect(try Record(frames: golden.frames) == expected)
        }
    }

    @Test("every command is among them, in the order of its number")
    func complete() throws {
        let messages = try GoldenMessage.read("messages")
        let numbers = messages.filter { $0.frames[0].count == 16 }.map { $0.frames[0][3] }
        #expect(Set(numbers) == Set(Command.allCases.map(\.rawValue)))
        #expect(Set(messages.map(\.name)).count == messages.count)
    }

    @Test("docs/wire.md shows the same frames")
    func page() throws {
        let page = try Repository.text("docs/wire.md")
        let block = try GoldenMessage.read("messages").map(\.page).joined(separator: "\n")
        #expect(page.contains("<!-- golden -->\n```\n\(block)\n```\n"))
    }
}

@Suite("What a newer version adds, this one passes over or refuses by name")
struct UpgradeTests {
    @Test(
        "messages of a newer sender, and of an older one",
        arguments: try GoldenMessage.read("newer") + GoldenMessage.read("older")
    )
    func newer(_ golden: GoldenMessage) throws {
        let known = try golden.entry["readAs"]?.string.map { name in
            try #require(try GoldenMessage.read("messages").first { $0.name == name })
        }
        do {
            switch golden.entry["from"] {
            case .string("client"):
                let message = try ClientMessage(frames: golden.frames)
                #expect(try message == ClientMessage(frames: try #require(known).frames))
            case .string("broker"):
                let message = try BrokerMessage(frames: golden.frames)
                if let code = golden.entry["code"]?.string {
                    guard case .nak(_, let refusal) = message else { throw ContractError("no NAK: \(message)") }
                    #expect(refusal.code.rawValue == code)
                    #expect(refusal.retryAfterMs == 50)
                } else {
                    #expect(try message == BrokerMessage(frames: try #require(known).frames))
                }
            default:
                let read = try Record(frames: golden.frames)
                #expect(read.flags.rawValue == UInt8(golden.entry["flags"]?.int ?? 0))
                #expect(read.header == bytes(attributes))
            }
            #expect(golden.entry["refusedAs"] == nil, "was read")
        } catch let error as WireError {
            #expect(golden.entry["refusedAs"] == .string(error.code.rawValue), "\(error)")
        }
    }

    @Test("the broker refuses a command that it does not know under the correlation it came with")
    func unknownCommand() throws {
        var broker = Broker(site: "local", log: LogSnapshot(epoch: 1))
        let peer = PeerID([1])
        broker.receive(
            from: peer,
            try ClientMessage.hello(1, Hello(name: "a")).frames(),
            now: .zero,
            at: Timestamp(microseconds: 0)
        )
        _ = broker.takeActions()
        var header = CommandHeader(.ping, correlation: 77).bytes
        header[3] = 200
        broker.receive(from: peer, [header], now: .zero, at: Timestamp(microseconds: 0))
        let answers = broker.takeActions().compactMap { action -> BrokerMessage? in
            guard case .send(_, let message) = action else { return nil }
            return message
        }
        guard case .error(77, let refusal)? = answers.first else { throw ContractError("\(answers)") }
        #expect(refusal.code == .unknownCommand)
    }

    @Test("a client passes over a command that it does not know, and hears that its own is not known")
    func clientAndUnknown() throws {
        var core = ClientCore(hello: Hello(name: "a"), now: .zero)
        core.tick(now: .zero)
        let welcome = try #require(brokerMessage("WELCOME"))
        core.receive(try welcome.frames(), now: .zero)
        _ = core.takeActions()
        var header = CommandHeader(.pong).bytes
        header[3] = 200
        core.receive([header], now: .seconds(1))
        #expect(core.isReady)
        #expect(core.takeActions().isEmpty)
        core.ask(5, .fetch(5, FetchRequest(filters: [])), deadline: .seconds(60))
        _ = core.takeActions()
        core.receive(
            try BrokerMessage.error(5, Refusal(.unknownCommand, "command 10 is not known")).frames(),
            now: .seconds(1)
        )
        guard case .answered(5, .refused(let refusal))? = core.takeActions().first else {
            throw ContractError("the asker was left waiting")
        }
        #expect(refusal.code == .unknownCommand)
    }
}
