import Bus
import Events
import Foundation
import Storage
import Testing

@testable import Membership

@Suite("A program and the loop stay in step over restarts", .serialized, .timeLimit(.minutes(2)))
struct MembershipTests {
    private func logged(_ bus: BusProcess) async throws -> [Bus.Record] {
        let client = try bus.client("reader")
        defer { client.close() }
        var (records, after) = ([Bus.Record](), UInt64(0))
        while true {
            let page = try await client.fetch(
                [try TopicFilter("e/local/label/")],
                after: after,
                timeout: .seconds(30)
            )
            records += page.records
            if page.scannedTo <= after { return records }
            after = page.scannedTo
        }
    }

    private func keys(_ records: [Bus.Record]) throws -> [String] {
        try records.map { try $0.event().decode(LabelRecorded.self).key }
    }

    @Test("the outbox reaches the log in order, and each event takes effect once over restarts")
    func outboxAndInbox() async throws {
        let bus = try BusProcess()
        let expected = (0..<700).map { "k\($0)" }
        do {
            let program = try await Program("demo", bus)
            try await program.send(Array(expected[..<300]))
            try bus.start()
            try await program.waitUntilLogged()
            #expect(try await program.seen(300) == Array(expected[..<300]))
            try await program.send(["refused"], value: -1)
            try await program.waitUntilLogged()
            try await program.stop()
        }
        do {
            let program = try await Program("demo", bus)
            try await program.send(Array(expected[300...]))
            try await program.waitUntilLogged()
            #expect(try await program.seen(700) == expected)
            let waiting = try await program.member.store.outboxEvents(after: 0, limit: 10)
            #expect(waiting.count <= 1)
            try await program.stop()
        }
        #expect(try keys(await logged(bus)).filter { $0 != "refused" } == expected)
    }

    @Test("kill -9 of the broker while events stream loses nothing and repeats nothing")
    func brokerKilled() async throws {
        let bus = try BusProcess()
        try bus.start()
        let program = try await Program("demo", bus)
        var expected: [String] = []
        for round in 0..<3 {
            for batch in 0..<12 {
                let keys = (0..<40).map { "\(round)-\(batch)-\($0)" }
                expected += keys
                try await program.send(keys)
                if batch == 4 + round { bus.kill() }
            }
            try bus.start()
            try await program.waitUntilLogged()
        }
        #expect(try await program.seen(expected.count) == expected)
        #expect(try keys(await logged(bus)) == expected)
        try await program.stop()
    }

    @Test("what the bus acknowledged to a caller is in the log after kill -9")
    func receipts() async throws {
        let bus = try BusProcess()
        try bus.start()
        let client = try bus.client("gateway")
        defer { client.close() }
        let topic = try LabelRecorded.kind.topic(site: "local", subject: "s")
        let acknowledged = try await withThrowingTaskGroup(of: UInt64.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let event = try CloudEvent(
                        LabelRecorded(stream: "s", key: "\(number)", value: 1),
                        id: "\(number)",
                        source: "//test",
                        time: Timestamp(microseconds: 0)
                    )
                    return try await client.publish(topic: topic, event, timeout: .seconds(60)).sequence
                }
            }
            var sequences: [UInt64] = []
            for try await sequence in group {
                sequences.append(sequence)
                if sequences.count == 20 {
                    bus.kill()
                    try bus.start()
                }
            }
            return sequences
        }
        #expect(Set(acknowledged).count == 60)
        let records = try await logged(bus)
        #expect(Set(records.map(\.sequence)) == Set(acknowledged))
        #expect(Set(try keys(records)).count == 60)
    }

    @Test("a log that was made anew gets what comes next, and the program goes on")
    func logMadeAnew() async throws {
        let bus = try BusProcess()
        try bus.start()
        let program = try await Program("demo", bus)
        try await program.send(["a", "b", "c"])
        try await program.waitUntilLogged()
        #expect(try await program.seen(3) == ["a", "b", "c"])
        bus.kill()
        try FileManager.default.removeItem(atPath: "\(bus.directory)/data/bus")
        try bus.start()
        try await program.send(["d", "e"])
        try await program.waitUntilLogged()
        #expect(try await program.seen(5) == ["a", "b", "c", "d", "e"])
        #expect(try keys(await logged(bus)).suffix(2) == ["d", "e"])
        try await program.stop()
    }

    @Test(
        "a program that is an old copy of itself begins a new numbering, also when it sends more than it lost",
        arguments: [["d"], ["d", "e", "f"]]
    )
    func oldCopy(_ sent: [String]) async throws {
        let bus = try BusProcess()
        try bus.start()
        let (data, copy) = ("\(bus.directory)/data/demo", "\(bus.directory)/copy")
        try await { () async throws in
            let program = try await Program("demo", bus)
            try await program.send(["a"])
            try await program.waitUntilLogged()
            try await program.member.store.pruneOutbox(upTo: 1)
            try await program.stop()
        }()
        try FileManager.default.copyItem(atPath: data, toPath: copy)
        try await { () async throws in
            let program = try await Program("demo", bus)
            try await program.send(["b", "c"])
            try await program.waitUntilLogged()
            try await program.stop()
        }()
        try FileManager.default.removeItem(atPath: data)
        try FileManager.default.moveItem(atPath: copy, toPath: data)
        bus.kill()
        let program = try await Program("demo", bus)
        try await program.send(sent)
        try bus.start()
        try await program.waitUntilLogged()
        #expect(try keys(await logged(bus)) == ["a", "b", "c"] + sent)
        try await program.stop()
    }

    @Test("a program that never finds the bus can be stopped, and keeps its events")
    func stopWithoutBus() async throws {
        let bus = try BusProcess()
        let program = try await Program("demo", bus)
        try await program.send(["a"])
        try await program.stop()
        #expect(try await program.member.store.outboxCount() == 1)
        #expect(await program.member.relay.waitUntilAcknowledged(1) == false)
    }

    @Test("a request is answered by a member of the group, and refused when nobody is there")
    func requests() async throws {
        let bus = try BusProcess()
        try bus.start()
        let (asker, worker) = (try bus.client("asker"), try bus.client("worker"))
        defer {
            asker.close()
            worker.close()
        }
        let topic = try RegistryQuery.kind.topic(site: "local", subject: "registry")
        let event = try CloudEvent(
            RegistryQuery(.laps),
            id: "1",
            source: "//test",
            time: Timestamp(microseconds: 0)
        )
        let (id, jobs) = worker.join(
            JoinRequest(group: "registry", filters: [try RegistryQuery.kind.filter], credit: 4)
        )
        let work = Task {
            while true {
                let batch = await jobs.next(max: 4)
                if batch.isEmpty { return }
                for job in batch { worker.finish(id, job.token, result: Array(job.record.topic.utf8)) }
            }
        }
        let answer = try await asker.request(topic: topic, event, timeout: .seconds(60))
        #expect(String(decoding: answer, as: UTF8.self) == topic.text)
        worker.leave(id)
        await work.value
        await #expect(throws: BusError.self) { try await asker.request(topic: topic, event, timeout: .seconds(1)) }
    }

    @Test("artifacts go up and down in chunks, and an upload that was cut goes on")
    func artifacts() async throws {
        let bus = try BusProcess()
        let address = try bus.address
        try FileManager.default.createDirectory(atPath: "\(bus.directory)/run", withIntermediateDirectories: true)
        let blobs = try BlobStore(directory: "\(bus.directory)/blobs")
        let server = ArtifactServer(
            endpoint: address.bindEndpoint(SocketTable.artifacts),
            storage: ArtifactShelf(blobs),
            logger: quietLogger
        ) { Issue.record("\($0)") }
        defer { server.close() }
        let client = ArtifactClient(address)
        let bytes = (0..<(3 << 20) + 17).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        let digest = BlobStore.digest(of: bytes)
        try blobs.receive(digest).append(Array(bytes[..<700_001]))
        try await client.upload(bytes, digest: digest)
        try await client.upload(bytes, digest: digest)
        #expect(try blobs.read(digest) == bytes)
        #expect(try await client.download(digest) == bytes)
        let empty = BlobStore.digest(of: [])
        try await client.upload([], digest: empty)
        #expect(try await client.download(empty) == [])
        await #expect(throws: BusError.self) { try await client.download(String(repeating: "0", count: 64)) }
        await #expect(throws: BusError.self) { try await client.upload([1], digest: digest.replacing("a", with: "b")) }
    }

    @Test("a broker that cannot start says so and ends", arguments: ["log", "socket"])
    func brokerStartFailure(_ what: String) async throws {
        let bus = try BusProcess()
        if what == "log" {
            try FileManager.default.createDirectory(
                atPath: "\(bus.directory)/data/bus",
                withIntermediateDirectories: true
            )
            try Data(repeating: 65, count: 5000).write(to: URL(filePath: "\(bus.directory)/data/bus/bus.sqlite"))
        } else {
            try FileManager.default.createDirectory(
                atPath: "\(bus.directory)/run/command.sock/in-the-way",
                withIntermediateDirectories: true
            )
        }
        #expect(try bus.run() != 0)
    }
}
