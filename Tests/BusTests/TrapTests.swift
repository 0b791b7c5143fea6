import Events
import FoundationEssentials
import Logging
import Testing
import ZeroMQ

@testable import Bus

/// Traps of libzmq that the bus guards against; `docs/libzmq.md` has the table, and the numbers stand in the names.
@Suite("What would make a bus fail on libzmq is refused before it is sent", .timeLimit(.minutes(1)))
struct BusTrapTests {
    @Test("T8: an event over the limit is refused by the client, at once, and nothing goes to the socket")
    func oversized() async throws {
        let directory = "/tmp/hexloop-bus-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // A router that says nothing: were the event sent, it would come here, and the call would end by its timeout.
        let context = try Context()
        let router = try Socket(context, .router)
        try router.bind("ipc://\(directory)/command.sock")
        let address = try #require(BusAddress("ipc://\(directory)"))
        let logger = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        let client = BusClient(.init(address: address, name: "test"), logger: logger)
        let topic = try LabelRecorded.kind.topic(site: "local", subject: "s")
        for (data, attribute) in [(CloudEvent.dataBytesMax + 1, 1), (1, CloudEvent.headerBytesMax + 1), (2 << 20, 1)] {
            var event = try CloudEvent(
                LabelRecorded(stream: "s", key: "k", value: 1),
                id: String(repeating: "i", count: attribute),
                source: "//test",
                time: Timestamp(microseconds: 0)
            )
            event.data = [UInt8](repeating: 0x20, count: data)
            let code = await #expect(throws: BusError.self) {
                try await client.publish(topic: topic, event, timeout: .seconds(50))
            }?.code
            #expect(code == .tooLarge)
        }
        client.close()
        while case .message(let frames) = try router.receive() {
            #expect(frames.count == 3)
            #expect(try CommandHeader(frames[1]).command == .hello)
        }
    }

    @Test("T8: the largest message of the bus is far below what disconnects a peer")
    func arithmetic() {
        let frame = Int(SocketOptions().messageBytesMax)
        #expect(CloudEvent.dataBytesMax < frame)
        #expect(CloudEvent.headerBytesMax < frame)
        #expect(Topic.bytesMax < frame)
        #expect(CloudEvent.dataBytesMax + CloudEvent.headerBytesMax + Topic.bytesMax + 1000 < Socket.messageBytesMax)
        #expect(Int64(ArtifactLimits.chunkBytes) < ArtifactLimits.frameBytesMax)
        // The credit and libzmq's late notice of what was read fit into the queue, so a good peer never fills it.
        #expect(Int32(2 * ArtifactLimits.chunksInFlightMax) <= ArtifactLimits.queuedChunksMax)
    }

    @Test("T16: every topic and filter ends with a slash, so a prefix cannot match a longer word")
    func slashes() throws {
        #expect(throws: TopicError.self) { try Topic("e/local/decay/detected/v1/x") }
        #expect(throws: TopicError.self) { try TopicFilter("e/local/decay/detected/v1") }
        let filter = try TopicFilter("e/*/decay/detected/v1/")
        #expect(!filter.matches("e/local/decay/detected/v10/x/"))
        #expect(filter.matches("e/local/decay/detected/v1/x/"))
        #expect(try TopicFilter("e/local/decay/*/").literalPrefix == "e/local/decay/")
    }
}
