import Bus
import Events

extension Simulation {
    /// Whether everything that was begun has come to its end.
    var isSettled: Bool {
        guard logQueue.isEmpty, logResults.isEmpty else { return false }
        return clients.allSatisfy { $0.role == .double || isDone($0) }
            && openJobs.isEmpty && clients.allSatisfy { missed($0) == nil }
    }

    private func isDone(_ client: Client) -> Bool {
        guard client.downUntil == nil, client.isGreeted || client.producer == nil, client.namedWanted.isEmpty,
            client.received.isEmpty, client.applied.count == disk.wanted[client.index], client.asked.isEmpty
        else { return false }
        if client.role == .asker { return client.questionCount == Client.questionsMax }
        return client.produced >= Client.eventsMax && unlogged(client) == nil
    }

    /// Says which events of a program are not in the log.
    private func unlogged(_ client: Client) -> String? {
        guard let producer = client.producer, client.role != .double else { return nil }
        let position = disk.log.snapshot.producers["c\(producer)"]
        let number = position?.epoch == client.epoch ? position?.sequence ?? 0 : 0
        return Int(number) == client.produced - client.base
            ? nil : "the log has \(number) of client \(client.index)'s \(client.produced - client.base) events"
    }

    private var openJobs: [UInt64] {
        let done = clients.reduce(into: disk.buried) { $0.formUnion($1.worked) }
        return disk.jobs.filter { !done.contains($0) }
    }

    /// Says what a reader of the fan-out did not hand on, or handed on twice or in the wrong order.
    private func missed(_ client: Client) -> String? {
        guard let watched = client.watched else { return nil }
        guard let begin = client.reader?.begin else { return "client \(client.index) never heard a beat" }
        var wanted: [String: [UInt64]] = [:]
        for record in disk.log.records.dropFirst(Int(begin)) where watched.matches(record.topic) {
            wanted[record.topic, default: []].append(record.sequence)
        }
        guard wanted != client.handed else { return nil }
        let topics = wanted.keys.filter { wanted[$0] != client.handed[$0] }.sorted()
        return "client \(client.index) watched "
            + topics.map { "\($0): \(client.handed[$0] ?? []), the log has \(wanted[$0] ?? [])" }.joined(
                separator: "; "
            )
    }

    func checkEnd() {
        checkCounters()
        for client in clients {
            if let wrong = unlogged(client) { fail(wrong) }
            if !client.namedWanted.isEmpty {
                fail("named events \(client.namedWanted) of client \(client.index) were never acknowledged")
            }
            if let filter = client.filter {
                let wanted = disk.log.records.filter { filter.matches($0.topic) }.map(\.sequence)
                if client.applied != wanted {
                    fail("client \(client.index) applied \(client.applied), wanted \(wanted)")
                }
            }
            if let wrong = missed(client) { fail(wrong) }
            if client.asked.contains(where: { if case .question = $0.value { true } else { false } }) {
                fail("questions of client \(client.index) have no end")
            }
        }
        if let job = openJobs.first { fail("job \(job) was neither done nor given up") }
        if violation == nil, !isSettled { fail("the system does not come to rest") }
    }
}
