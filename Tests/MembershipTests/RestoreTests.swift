import Bus
import Events
import Foundation
import Testing

/// A backup of a broker that runs takes the place of its log, in real processes.
@Suite(.timeLimit(.minutes(1)))
struct RestoreTests {
    private func ask<Answer: Decodable>(
        _ client: BusClient,
        _ query: BusQuery,
        _ kind: Answer.Type
    ) async throws -> Answer {
        let topic = try BusQuery.kind.topic(site: "local", subject: query.subject)
        let time = Timestamp(seconds: Date().timeIntervalSince1970)
        let event = try CloudEvent(query, id: UUID().uuidString, source: "//test", time: time)
        return try EventCoding.decode(kind, from: try await client.request(topic: topic, event, timeout: .seconds(30)))
    }

    private func publish(_ client: BusClient, _ range: Range<Int>) async throws {
        for number in range {
            let event = CloudEvent(id: "\(number)", source: "//test", type: "test.x")
            _ = try await client.publish(topic: try Topic("e/local/x/said/v1/a/"), event, timeout: .seconds(30))
        }
    }

    @Test("the log goes back to the backup under a new epoch, and consumers notice")
    func restore() async throws {
        let bus = try BusProcess()
        try bus.start()
        let client = try bus.client("test")
        try await publish(client, 0..<30)
        var progress = try await ask(client, BusQuery(.backup, name: "b.sqlite"), BackupProgress.self)
        try await publish(client, 30..<40)
        while progress.state == .copying || progress.state == .verifying {
            progress = try await ask(client, BusQuery(.backupProgress), BackupProgress.self)
        }
        #expect(progress.state == .done, "\(progress)")
        let head = try #require(progress.head)
        #expect((30...40).contains(head))
        try await publish(client, 40..<50)
        let (_, records) = client.subscribe(
            SubscribeRequest(consumer: "c", filters: [try TopicFilter("e/")], start: .origin, credit: 1000)
        )
        var seen = 0
        while seen < 50 {
            try Task.checkCancellation()
            seen += await records.next(max: 100).count
        }

        bus.kill()
        try FileManager.default.copyItem(atPath: progress.path, toPath: "\(bus.directory)/data/bus/restore.sqlite")
        try bus.start()
        var epochs: [UInt64] = []
        for await signal in client.signals {
            guard case .connected(let welcome) = signal else { continue }
            epochs.append(welcome.epoch)
            if epochs.count == 2 {
                #expect(welcome.head == head)
                break
            }
        }
        #expect(epochs[1] > epochs[0])
        var again: [UInt64] = []
        while again.count < Int(head) {
            try Task.checkCancellation()
            again += await records.next(max: 100).map(\.sequence)
        }
        #expect(again == Array(1...head), "the subscription begins at the restored log's origin")
        try await publish(client, 40..<50)
        let (fetched, _) = try await client.fetch([try TopicFilter("e/")], after: head, timeout: .seconds(30))
        #expect(fetched.map(\.sequence) == Array(head + 1...head + 10))
        client.close()
    }
}
