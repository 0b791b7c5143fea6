import Events
import Foundation
import Storage
import Testing

@testable import AlertApp

@Suite("Alerts in their store")
struct AlertStoreTests {
    private func store() throws -> Store {
        let directory = FileManager.default.temporaryDirectory.appending(path: "alert-\(UUID().uuidString)").path
        return try Store(
            directory: directory,
            identity: .init(site: "local", service: "alert", instance: "main"),
            migrations: AlertMigrations.all,
            clock: { Timestamp(seconds: 100) }
        )
    }

    private let raised = AlertRaised(
        alert: "r/oil",
        rule: "r",
        severity: .warning,
        about: "oil",
        title: "t",
        detail: "d",
        eventID: "e",
        eventType: "x"
    )

    @Test("cannot be open twice for one rule and subject")
    func unique() async throws {
        let (store, raised) = (try store(), raised)
        _ = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        await #expect(throws: (any Error).self) {
            _ = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        }
    }

    @Test("are counted, resolved and open again")
    func life() async throws {
        let (store, raised) = (try store(), raised)
        let key = OpenAlert.Key(rule: "r", about: "oil")
        let first = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        try await store.write { try AlertTable.count(key, repeats: 3, at: $0.now, $0.database) }
        #expect(try await store.read { try AlertTable.open(about: "oil", $0) } == [OpenAlert(key: key, repeats: 3)])
        let ended = try await store.write { try AlertTable.resolve(key, by: "e2", at: $0.now, $0.database) }
        #expect(ended == first)
        #expect(try await store.write { try AlertTable.resolve(key, by: "e2", at: $0.now, $0.database) } == nil)
        let second = try await store.write { try AlertTable.insert(raised, at: $0.now, $0.database) }
        #expect(second > first)
        #expect(try await store.read { try AlertTable.openCount($0) } == 1)
    }

    @Test("tell their end only after their begin, and a begin that failed only when it is due again")
    func deliveries() async throws {
        let (store, raised) = (try store(), raised)
        let begin = Timestamp(seconds: 100)
        try await store.write { transaction in
            let number = try AlertTable.insert(raised, at: begin, transaction.database)
            let first = AlertNotice(raised, at: begin, runID: nil)
            var last = first
            last.state = .resolved
            for notice in [first, last] {
                try DeliveryTable.insert(
                    alert: number,
                    sink: .webhook,
                    notice,
                    at: begin,
                    transaction.database
                )
            }
        }
        @Sendable func due(_ seconds: Double) async throws -> [DeliveryTable.Delivery] {
            try await store.read { try DeliveryTable.due(.webhook, at: Timestamp(seconds: seconds), limit: 10, $0) }
        }
        let first = try #require(try await due(100).first)
        #expect(try await due(100).map(\.state) == ["raised"])
        try await store.write {
            try DeliveryTable.fail(
                first.number,
                "500",
                attempts: 1,
                dueAt: Timestamp(seconds: 160),
                at: begin,
                $0.database
            )
        }
        #expect(try await due(159).isEmpty)
        let again = try #require(try await due(160).first)
        #expect(again.attempts == 1)
        #expect(again.idempotencyKey == first.idempotencyKey)
        try await store.write {
            try DeliveryTable.fail(first.number, "500", attempts: 2, dueAt: nil, at: begin, $0.database)
        }
        let last = try await due(160)
        #expect(last.map(\.state) == ["resolved"])
        #expect(last.first?.idempotencyKey != first.idempotencyKey)
        #expect(try await store.read { try DeliveryTable.due(.log, at: begin, limit: 10, $0) }.isEmpty)
    }
}
