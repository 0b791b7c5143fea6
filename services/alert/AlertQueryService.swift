import Events
import Logging
import Membership
import ServiceLifecycle
import Storage

/// Answers questions as the only member of the work group `alert`.
struct AlertQueryService: Sendable {
    private static let credit = 8

    let member: Member
    let configuration: AlertConfiguration
    let teller: SinkTeller
    /// Called when something is due that was not.
    let wake: @Sendable () -> Void

    func run() async throws {
        try await member.answer(AlertQuery.self, group: "alert", credit: Self.credit) { query, source in
            try await answer(query, from: source)
        }
    }

    private func answer(_ query: AlertQuery, from source: String) async throws -> [UInt8] {
        let now = Member.clock()
        switch query.question {
        case .list:
            let sinks = configuration.sinks.keys.map(\.rawValue).sorted()
            return try await member.store.read { db in
                try EventCoding.encode(
                    AlertsAnswer(
                        incidents: try IncidentTable.shown(all: query.all ?? false, db),
                        silences: try SilenceTable.all(at: now, db),
                        sinks: sinks
                    )
                )
            }
        case .dead:
            return try await member.store.read {
                try EventCoding.encode(DeadNoticesAnswer(notices: try DeliveryTable.givenUp($0)))
            }
        case .requeue:
            let count = try await member.store.write {
                try DeliveryTable.requeue(query.number, at: $0.now, $0.database)
            }
            if let number = query.number, count == 0 {
                throw EventError(.notFound, "there is no notice \(number) that was given up")
            }
            wake()
            return try EventCoding.encode(RequeuedNoticesAnswer(requeued: count))
        case .test: return try EventCoding.encode(try await test(query.sink, by: source, now))
        }
    }

    /// Sends a notice about nothing, past the table: the answer says what became of it.
    private func test(_ name: String?, by: String, _ now: Timestamp) async throws -> AlertTestAnswer {
        let chosen = configuration.sinks.filter { name == nil || $0.key.rawValue == name }
        guard !chosen.isEmpty else {
            let names = configuration.sinks.keys.map(\.rawValue).sorted().joined(separator: ", ")
            throw EventError(.notFound, "there is no sink '\(name ?? "")'; there are \(names)")
        }
        let notice = AlertNotice(testAt: now, by: by)
        let results = await withTaskGroup(of: AlertTestAnswer.Result.self) { group in
            for (sink, settings) in chosen {
                group.addTask { [teller] in
                    let key = "test-\(now.microseconds)"
                    let outcome = await teller.tell(notice, settings, key: key, incident: key)
                    switch outcome {
                    case .taken: return AlertTestAnswer.Result(sink: sink.rawValue, failure: nil)
                    case .failed(let reason), .refused(let reason):
                        return AlertTestAnswer.Result(sink: sink.rawValue, failure: reason)
                    }
                }
            }
            var results: [AlertTestAnswer.Result] = []
            for await result in group { results.append(result) }
            return results
        }
        return AlertTestAnswer(results: results.sorted { $0.sink < $1.sink })
    }
}
