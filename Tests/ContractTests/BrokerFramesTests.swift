import ChildProcesses
import Events
import Foundation
import Glibc
import Testing
import ZeroMQ

@testable import Bus

/// Golden frames against the broker's program, as a client of another version would send them.
@Suite("A real broker and golden frames")
struct BrokerFramesTests {
    @Test(
        "takes every message of docs/golden, refuses what is newer by its code, and the session goes on",
        .timeLimit(.minutes(1))
    )
    func frames() async throws {
        let directory = "/tmp/hexloop-frames-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let address = try #require(BusAddress("ipc://\(directory)/run"))
        let broker = try ChildProcess(
            "bus",
            environment: ["HEXLOOP_DATA": directory, "HEXLOOP_BUS": address.text],
            output: "\(directory)/log"
        )
        defer {
            broker.signal(SIGKILL)
            broker.wait()
        }
        let messages = try (GoldenMessage.read("messages") + GoldenMessage.read("newer") + GoldenMessage.read("older"))
            .filter { $0.entry["from"] == .string("client") && !$0.name.hasPrefix("ART.") && $0.name != "BYE" }
        try await DedicatedThread.run("frames") {
            let peer = try Peer(address.endpoint(SocketTable.command))
            for message in messages {
                let answers = try peer.answers(to: message.frames, until: Self.wanted(message))
                #expect(answers.last.map(Self.wanted(message)) == true, "\(message.name): \(answers)")
            }
        }
    }

    /// Tells the answer that a message has; PONG for one that has none.
    private static func wanted(_ message: GoldenMessage) -> (BrokerMessage) -> Bool {
        let correlation = message.frames[0].bigEndian(UInt64.self, at: 8) ?? 0
        func refused(_ code: ErrorCode) -> (BrokerMessage) -> Bool {
            { answer in
                switch answer {
                case .error(correlation, let refusal), .nak(correlation, let refusal): refusal.code == code
                case .error(0, let refusal): refusal.code == code
                default: false
                }
            }
        }
        if let code = message.entry["refusedAs"]?.string.flatMap(ErrorCode.init(rawValue:)) { return refused(code) }
        switch message.frames[0][3] {
        case Command.hello.rawValue: return { if case .welcome = $0 { true } else { false } }
        case Command.fetch.rawValue, Command.last.rawValue:
            return { if case .endOfRecords(correlation, _) = $0 { true } else { false } }
        case Command.done.rawValue, Command.fail.rawValue, Command.extend.rawValue: return refused(.staleLease)
        case Command.subscribe.rawValue, Command.join.rawValue:
            // One group cannot have two kinds of jobs while it has members.
            if message.name == "JOIN for several questions at once" { return refused(.badFrame) }
            return { if case .ack(correlation, _, false) = $0 { true } else { false } }
        case Command.publish.rawValue:
            return switch message.name {
            case "PUB sequenced": refused(.outOfOrder)
            case "PUB named": { $0 == .ack(correlation, sequence: 1, duplicate: false) }
            case "PUB structured": { $0 == .ack(correlation, sequence: 1, duplicate: true) }
            default: refused(.busy)
            }
        default: return { $0 == .pong }
        }
    }

    /// A bare DEALER.
    private final class Peer {
        private let context: Context
        private let socket: Socket

        init(_ endpoint: String) throws {
            context = try Context(ioThreads: 1)
            socket = try Socket(context, .dealer)
            try socket.connect(endpoint)
        }

        /// What comes after a message, to the answer that `isLast`. A PING behind it shows that the session goes on.
        func answers(to frames: Frames, until isLast: (BrokerMessage) -> Bool) throws -> [BrokerMessage] {
            try send(frames)
            try send([CommandHeader(.ping).bytes])
            var answers: [BrokerMessage] = []
            var hasPong = false
            var isDone = false
            let deadline = ContinuousClock.now + .seconds(20)
            while !hasPong || !isDone {
                if ContinuousClock.now > deadline { throw ContractError("no answer, only \(answers)") }
                socket.waitReadable(milliseconds: 100)
                guard case .message(let received) = try socket.receive() else { continue }
                let answer = try BrokerMessage(frames: received)
                if answer == .pong { hasPong = true }
                if !isDone { answers.append(answer) }
                if isLast(answer) { isDone = true }
            }
            return answers
        }

        private func send(_ frames: Frames) throws {
            while try socket.send(frames) != .queued { socket.waitWritable(milliseconds: 100) }
        }
    }
}
