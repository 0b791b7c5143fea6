import Bus
import Events
import Foundation
import Synchronization
import Testing

@testable import Membership

/// Traps of libzmq that need a broker to show; `docs/libzmq.md` has the table, and the numbers stand in the names.
@Suite("What libzmq hides from a program is noticed by the bus", .serialized, .timeLimit(.minutes(2)))
struct BrokerTrapTests {
    private let topic: Topic

    init() throws { topic = try LabelRecorded.kind.topic(site: "local", subject: "s") }

    private func event(_ key: String) throws -> CloudEvent {
        try CloudEvent(
            LabelRecorded(stream: "s", key: key, value: 1),
            id: key,
            source: "//test",
            time: Timestamp(microseconds: 0)
        )
    }

    @Test("T14: a client that is closed with a long queue loses nothing that was acknowledged, and tells all others")
    func closedWithQueue() async throws {
        let bus = try BusProcess()
        try bus.start()
        let client = try bus.client("gateway")
        let count = 3000
        let events = try (0..<count).map { try event("k\($0)") }
        let topic = topic
        let outcomes = await withTaskGroup(of: UInt64?.self) { group in
            for event in events {
                group.addTask { try? await client.publish(topic: topic, event, timeout: .seconds(60)).sequence }
            }
            var outcomes: [UInt64?] = []
            for await outcome in group {
                outcomes.append(outcome)
                if outcomes.count == 200 { client.close() }
            }
            return outcomes
        }
        #expect(outcomes.count == count, "every caller was told")
        let acknowledged = outcomes.compactMap(\.self)
        #expect(acknowledged.count >= 200)
        let reader = try bus.client("reader")
        defer { reader.close() }
        var (logged, after) = (Set<UInt64>(), UInt64(0))
        while true {
            let page = try await reader.fetch([try TopicFilter("e/")], after: after, timeout: .seconds(30))
            logged.formUnion(page.records.map(\.sequence))
            if page.scannedTo <= after { break }
            after = page.scannedTo
        }
        #expect(logged.isSuperset(of: acknowledged))
    }

    @Test(
        "T18, T19: after the broker was replaced, a client takes up its subscription, its group and its fan-out again"
    )
    func takenUpAgain() async throws {
        let bus = try BusProcess()
        try bus.start()
        let (reader, worker, writer) = (try bus.client("reader"), try bus.client("worker"), try bus.client("writer"))
        defer { for client in [reader, worker, writer] { client.close() } }
        let filter = try TopicFilter("e/local/label/")
        let (subscription, records) = reader.subscribe(
            SubscribeRequest(consumer: nil, filters: [filter], start: .origin, credit: 64)
        )
        let (membership, jobs) = worker.join(
            JoinRequest(group: "labels", filters: [filter], start: .origin, credit: 4)
        )
        let (watched, watch) = AsyncThrowingStream.makeStream(of: UInt64.self)
        let watching = Task {
            do {
                try await reader.watch([filter], after: 0) { record in watch.yield(record.sequence) }
                watch.finish()
            } catch { watch.finish(throwing: error) }
        }
        var (seen, worked, live) = (Set<String>(), Set<String>(), Set<UInt64>())
        var watchIterator = watched.makeAsyncIterator()
        for round in 0..<3 {
            let keys = (0..<20).map { "\(round)-\($0)" }
            for key in keys { _ = try await writer.publish(topic: topic, try event(key), timeout: .seconds(60)) }
            while seen.count < 20 * (round + 1) {
                try Task.checkCancellation()
                for record in await records.next(max: 64) {
                    seen.insert(try record.event().id)
                    reader.acknowledge(subscription, upTo: record.sequence, credit: 1)
                }
            }
            while worked.count < 20 * (round + 1) {
                try Task.checkCancellation()
                for job in await jobs.next(max: 4) {
                    worked.insert(try job.record.event().id)
                    worker.finish(membership, job.token)
                }
            }
            while live.count < 20 * (round + 1) {
                live.insert(try #require(await watchIterator.next(), "\(live.count) came live until round \(round)"))
            }
            bus.kill()
            try bus.start()
        }
        #expect(seen == worked)
        #expect(live.count == 60)
        watching.cancel()
        await watching.value
    }
}
