import BusSimulation
import Events
import Testing

@testable import Bus

@Suite("Work groups over restarts, with requests beside the log, and with dead letters")
struct BrokerWorkTests {
    private static let jobTopic = "e/site/job/wanted/v1/a/"

    private func join(
        _ filters: [String] = ["e/site/job/"],
        id: UInt64 = 2,
        start: StartPosition = .origin,
        credit: Int = 2,
        batch: Int = 1
    ) throws -> ClientMessage {
        .join(
            id,
            JoinRequest(
                group: "g",
                filters: try filters.map { try TopicFilter($0) },
                start: start,
                credit: credit,
                leaseMs: 1000,
                batch: batch
            )
        )
    }

    private func request(_ id: UInt64, _ data: [UInt8] = []) throws -> ClientMessage {
        .publishUnsequenced(
            id,
            topic: "q/site/x/ask/v1/a/",
            header: try CloudEvent(id: "\(id)", source: "//s", type: "t").header(),
            data: data.isEmpty ? [UInt8(id)] : data
        )
    }

    private func seed(_ harness: inout BrokerHarness, _ count: Int) {
        harness.seed([String](repeating: Self.jobTopic, count: count))
    }

    // MARK: Deliveries are counted

    @Test("a job that ends its worker is given up after five deliveries, though the broker restarts after each")
    func poisonOverRestarts() throws {
        var harness = BrokerHarness()
        seed(&harness, 2)
        var (deliveries, others) = ([UInt32](), [LeaseToken]())
        for _ in 0..<6 {
            try harness.hello("worker")
            try harness.send("worker", join(credit: 1))
            let token = try #require(harness.jobs("worker").first)
            if token.job == 1 { deliveries.append(token.delivery) } else { others.append(token) }
            harness.broker.end(BrokerHarness.peer("worker"), now: harness.now)
            harness.run()
            harness.restart()
        }
        #expect(deliveries == [1, 2, 3, 4, 5])
        #expect(others == [LeaseToken(job: 2, delivery: 1)], "the queue moves on")
        try harness.hello("worker")
        try harness.send("worker", join(credit: 1))
        harness.tick()
        #expect(harness.log.snapshot.deadCounts == ["g": 1])
        #expect(harness.log.snapshot.groups["g"]?.failures.keys.sorted() == [2])
    }

    @Test("FAIL with the final flag gives a job up at once")
    func final() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.send("worker", join(["e/site/job/", "q/"]))
        seed(&harness, 1)
        let job = try #require(harness.jobs("worker").first)
        try harness.send("worker", .refuse(membership: 2, job, Refusal(.badData, "never")))
        #expect(harness.log.snapshot.deadCounts == ["g": 1])
        try harness.send("asker", request(9))
        let token = try #require(harness.jobs("worker").first)
        try harness.send("worker", .refuse(membership: 2, token, Refusal(.badShape, "never")))
        #expect(harness.take("asker").refusals == [.badShape])
        #expect(harness.jobs("worker").isEmpty)
    }

    // MARK: Dead letters

    @Test("a dead letter becomes a job again with five new deliveries, beside the group's progress")
    func requeue() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("operator")
        try harness.send("worker", join())
        seed(&harness, 3)
        while let token = harness.jobs("worker").first(where: { $0.job == 1 }) {
            try harness.send("worker", .fail(membership: 2, token, Refusal(.failed, "no")))
        }
        #expect(harness.log.snapshot.deadCounts == ["g": 1])
        try harness.send("operator", question(BusQuery(.deadRequeue, group: "g", sequence: 1), id: 30))
        let asked = try #require(harness.stores.first)
        #expect(asked.operation == .requeue(group: "g", sequence: 1, limit: 1000))
        let fresh = JobFailure(sequence: 1, deliveries: 0, reason: Refusal(.failed, "no"))
        let revived = RevivedJob(group: "g", failure: fresh, record: harness.log.records[0])
        harness.answer(asked, .revived([revived], counts: [:]))
        let answers: [RequeueAnswer] = try self.answers(harness.take("operator"))
        #expect(answers == [RequeueAnswer(requeued: [.init(group: "g", sequence: 1)], left: 0)])
        _ = harness.jobs("worker")
        harness.restart()
        try harness.hello("worker")
        try harness.send("worker", join(credit: 9))
        #expect(harness.jobs("worker").map(\.job) == [2, 3])
        // The log still has it as revived and hands it over at the start.
        harness.broker.stored(
            StoreRequest(asker: nil, operation: .loadRevived),
            .revived([revived], counts: [:]),
            now: harness.now
        )
        harness.run()
        let again = try #require(harness.jobs("worker").first)
        #expect(again == LeaseToken(job: 1, delivery: 1))
        try harness.send("worker", .done(membership: 2, again, result: []))
        #expect(harness.log.snapshot.groups["g"]?.revived.isEmpty == true)
        #expect(harness.broker.groups["g"]?.revivedCount == 0)
        #expect(harness.log.snapshot.groups["g"]?.floor == 1, "2 and 3 are still open")
    }

    private func question(_ query: BusQuery, id: UInt64) throws -> ClientMessage {
        .publishUnsequenced(
            id,
            topic: try BusQuery.kind.topic(site: "site", subject: query.subject).text,
            header: try CloudEvent(id: "\(id)", source: "//s", type: BusQuery.kind.type).header(),
            data: try EventCoding.encode(query)
        )
    }

    private func answers<Answer: Decodable>(_ messages: [BrokerMessage]) throws -> [Answer] {
        try messages.compactMap { message in
            guard case .answer(_, let bytes) = message else { return nil }
            return try EventCoding.decode(Answer.self, from: bytes)
        }
    }

    @Test("an operator's questions are checked")
    func questions() throws {
        var harness = BrokerHarness()
        try harness.hello("operator")
        try harness.hello("worker")
        try harness.send("worker", join())
        try harness.send(
            "worker",
            .subscribe(7, SubscribeRequest(consumer: "c", filters: [try TopicFilter("e/")], start: nil, credit: 1))
        )
        _ = harness.take("operator")
        let wrong: [(BusQuery, ErrorCode)] = [
            (BusQuery(.deadShow, group: "g"), .badData), (BusQuery(.deadRequeue, sequence: 7), .badData),
            (BusQuery(.backup), .badData), (BusQuery(.backup, name: "../x"), .badData),
            (BusQuery(.backup, name: ".x"), .badData), (BusQuery(.consumerRemove, name: "nobody"), .notFound),
            (BusQuery(.consumerRemove, name: "c"), .busy), (BusQuery(.groupRemove, group: "none"), .notFound),
            (BusQuery(.groupRemove, group: "g"), .busy),
        ]
        for (query, code) in wrong {
            try harness.send("operator", question(query, id: 40))
            #expect(harness.take("operator").refusals == [code], "\(query)")
        }
        #expect(harness.stores.isEmpty)
        try harness.send("worker", .bye)
        try harness.send("operator", question(BusQuery(.groupRemove, group: "g"), id: 41))
        try harness.send("operator", question(BusQuery(.consumerRemove, name: "c"), id: 42))
        #expect(harness.stores.map(\.operation) == [.removeGroup("g"), .removeConsumer("c")])
        for request in harness.stores { harness.answer(request, .removed) }
        let done: [BusDone] = try answers(harness.take("operator"))
        #expect(done.map(\.removed) == ["g", "c"])
        #expect(harness.broker.groups["g"] == nil && harness.broker.cursors["c"] == nil)
    }

    @Test("the status names log, consumers, groups, peers and refusals")
    func status() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("reader", producer: "reader")
        try harness.hello("operator")
        try harness.send("worker", join(credit: 1))
        try harness.send(
            "reader",
            .subscribe(7, SubscribeRequest(consumer: "c", filters: [try TopicFilter("e/")], start: nil, credit: 1))
        )
        seed(&harness, 3)
        try harness.send("reader", .acknowledge(subscription: 7, sequence: 1))
        harness.holdsLog = true
        try harness.publish("reader", 1)
        try harness.publish("reader", 7)
        harness.now += .seconds(2)
        try harness.send("operator", question(BusQuery(.status), id: 50))
        let figures = LogFigures(
            epoch: 7,
            head: 3,
            oldest: 1,
            bytes: 4096,
            walBytes: 0,
            streams: [.init(topic: Self.jobTopic, last: 3)],
            streamCount: 1,
            dead: ["g": 4]
        )
        harness.answer(try #require(harness.stores.first), .status(figures))
        let statuses: [BusStatus] = try answers(harness.take("operator"))
        let status = try #require(statuses.first)
        #expect(status.log == figures && status.upSeconds == 2)
        let consumer = try #require(status.consumers.first)
        #expect(consumer.name == "c" && consumer.cursor == 1 && consumer.lag == 2 && consumer.session == "reader")
        #expect(consumer.idleSeconds == 2)
        let group = try #require(status.groups.first)
        #expect(group.credit == 1 && group.leased == 1 && group.waiting == 1 && group.dead == 4)
        #expect(group.floor == 0 && group.lag == 3 && group.members.map(\.name) == ["worker"])
        #expect(status.peers.map(\.name) == ["operator", "reader", "worker"] && status.peerCount == 3)
        let reader = try #require(status.peers.first { $0.name == "reader" })
        #expect(reader.inFlight == 1 && reader.producer == "reader" && reader.subscriptions == 1)
        #expect(status.counters.refusedByCode == ["out-of-order": 1])
    }

    // MARK: Requests and the log in one group

    @Test("observations and requests share the members' credit, and their numbers never meet")
    func mixed() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.send("worker", join(["e/site/job/", "q/site/x/"], credit: 2))
        seed(&harness, 3)
        for id: UInt64 in 5...6 { try harness.send("asker", request(id)) }
        var (sequences, answered) = ([UInt64](), [UInt64]())
        while let token = harness.jobs("worker").first {
            if token.job < WorkGroup.requestBit {
                sequences.append(token.job)
                try harness.send("worker", .done(membership: 2, token, result: []))
            } else {
                try harness.send("worker", .done(membership: 2, token, result: [1]))
            }
            for case .answer(let id, _) in harness.take("asker") { answered.append(id) }
            harness.tick(after: .milliseconds(1000))
            try harness.ping("worker", "asker")
        }
        #expect(Set(sequences).isSuperset(of: [1, 2, 3]))
        #expect(answered.sorted() == [5, 6])
        #expect(harness.log.snapshot.groups["g"]?.floor == 3)
        #expect(harness.log.snapshot.groups["g"]?.filters.map(\.text) == ["e/site/job/", "q/site/x/"])
    }

    @Test("several requests in one JOB are answered one by one, each to its asker")
    func batch() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.hello("other")
        try harness.send("worker", join(["q/"], credit: 1, batch: 15))
        try harness.send("asker", request(9))
        let first = try #require(harness.jobs("worker").first)
        try harness.send("asker", request(10))
        try harness.send("other", request(10))
        try harness.send("asker", request(11))
        _ = (harness.take("asker"), harness.take("other"))
        try harness.send("worker", .done(membership: 2, first, result: [0]))
        let batch = try #require(
            harness.take("worker").compactMap { message -> (LeaseToken, [Record])? in
                if case .jobs(_, let token, _, let records) = message { (token, records) } else { nil }
            }.first
        )
        #expect(batch.1.map(\.data) == [[10], [10], [11]])
        // A DONE that does not fit its JOB ends nothing.
        try harness.send("worker", .done(membership: 2, batch.0, result: [1]))
        #expect(harness.take("worker").refusals == [.badFrame])
        _ = harness.take("asker")
        let refusal = Refusal(.badShape, "one number is missing")
        try harness.send("worker", .doneParts(membership: 2, batch.0, [.answer([1]), .answer([2]), .refusal(refusal)]))
        #expect(harness.take("asker") == [.answer(10, [1]), .nak(11, refusal)])
        #expect(harness.take("other") == [.answer(10, [2])])
        #expect(harness.broker.groups["g"]?.leasedCount == 0)
    }

    @Test("a request of a batch that is refused for now goes to another member, alone")
    func batchRetry() throws {
        var harness = BrokerHarness()
        for name in ["worker", "asker"] { try harness.hello(name) }
        try harness.send("worker", join(["q/"], credit: 1, batch: 15))
        try harness.send("asker", request(9))
        let first = try #require(harness.jobs("worker").first)
        for id: UInt64 in 10...11 { try harness.send("asker", request(id)) }
        try harness.send("worker", .done(membership: 2, first, result: [0]))
        let batch = try #require(
            harness.take("worker").compactMap { message -> LeaseToken? in
                if case .jobs(_, let token, _, _) = message { token } else { nil }
            }.first
        )
        _ = harness.take("asker")
        let noModel = Refusal(.noModel, "not here", retryAfterMs: 0)
        try harness.send("worker", .doneParts(membership: 2, batch, [.answer([1]), .refusal(noModel)]))
        #expect(harness.take("asker") == [.answer(10, [1])])
        while let token = harness.jobs("worker").first {
            try harness.send("worker", .fail(membership: 2, token, noModel))
        }
        #expect(harness.take("asker") == [.nak(11, Refusal(.noModel, "not here"))], "the asker has had its tries")
    }

    @Test("the answer to a question of an earlier life of the broker is nobody's")
    func answerOfEarlierLife() throws {
        var harness = BrokerHarness()
        for name in ["worker", "asker"] { try harness.hello(name) }
        try harness.send("worker", join(["q/"], credit: 1))
        try harness.send("asker", request(9))
        let old = try #require(harness.jobs("worker").first)
        harness.restart()
        for name in ["worker", "asker"] { try harness.hello(name) }
        try harness.send("worker", join(["q/"], credit: 1))
        try harness.send("asker", request(10))
        let new = try #require(harness.jobs("worker").first)
        #expect(new != old)
        _ = harness.take("asker")
        try harness.send("worker", .done(membership: 2, old, result: [1]))
        #expect(harness.take("asker") == [])
        #expect(harness.take("worker").refusals == [.staleLease])
        try harness.send("worker", .done(membership: 2, new, result: [2]))
        #expect(harness.take("asker") == [.answer(10, [2])])
    }

    @Test("jobs that end out of order leave a floor and nothing above it")
    func outOfOrder() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.send("worker", join())
        seed(&harness, 2)
        let tokens = harness.jobs("worker")
        try harness.send("worker", .done(membership: 2, tokens[1], result: []))
        #expect(harness.log.snapshot.groups["g"]?.done == [2])
        try harness.send("worker", .done(membership: 2, tokens[0], result: []))
        #expect(
            harness.log.snapshot.groups["g"] == LogSnapshot.Group(filters: [try TopicFilter("e/site/job/")], floor: 2)
        )
    }

    // MARK: Filters change

    @Test("a group takes other filters when the last member with the old ones has left, also after a restart")
    func otherFilters() throws {
        var harness = BrokerHarness()
        try harness.hello("old")
        try harness.hello("new")
        try harness.send("old", join(["e/site/job/"]))
        harness.seed([Self.jobTopic, "e/site/other/said/v1/a/", Self.jobTopic])
        let tokens = harness.jobs("old")
        #expect(tokens.map(\.job) == [1, 3])
        try harness.send("old", .done(membership: 2, tokens[1], result: []))
        try harness.send("new", join(["e/site/"], credit: 9))
        guard case .nak(2, let refusal)? = harness.take("new").last else {
            Issue.record("the new filters were taken while a member worked by the old ones")
            return
        }
        #expect(refusal.code == .badFrame && refusal.retryAfterMs == 1000)
        try harness.send("old", .bye)
        try harness.send("new", join(["e/site/"], credit: 9))
        #expect(harness.jobs("new").map(\.job) == [1, 2], "what was done stays done")
        #expect(harness.log.snapshot.groups["g"]?.filters.map(\.text) == ["e/site/"])
        harness.restart()
        try harness.hello("newer")
        try harness.send("newer", join(["e/site/other/"], credit: 9))
        #expect(harness.jobs("newer").map(\.job) == [2])
    }

    @Test("a client that finds other members' filters in the way comes back until they have left")
    func rejoin() throws {
        var core = ClientCore(hello: Hello(name: "c"), now: .zero)
        core.tick(now: .zero)
        let welcome = Welcome(
            session: 1,
            epoch: 7,
            head: 0,
            producerEpoch: 0,
            producerSequence: 0,
            limits: BusLimits()
        )
        core.receive(try BrokerMessage.welcome(0, welcome).frames(), now: .zero)
        core.join(4, JoinRequest(group: "g", filters: [try TopicFilter("e/")], credit: 1))
        _ = core.takeActions()
        let refusal = Refusal(.badFrame, "other filters", retryAfterMs: 300)
        core.receive(try BrokerMessage.nak(4, refusal).frames(), now: .milliseconds(100))
        #expect(core.takeActions().isEmpty)
        core.tick(now: .milliseconds(399))
        #expect(core.takeActions().isEmpty)
        core.tick(now: .milliseconds(400))
        let sent = core.takeActions().compactMap { action -> ClientMessage? in
            if case .send(let frames) = action { try? ClientMessage(frames: frames) } else { nil }
        }
        #expect(sent.contains { if case .join(4, _) = $0 { true } else { false } })
        core.receive(try BrokerMessage.nak(4, Refusal(.badTopic, "never")).frames(), now: .milliseconds(500))
        #expect(core.takeActions().contains { if case .ended(4, _) = $0 { true } else { false } })
    }

    @Test("JOB and DONE of several requests survive the wire")
    func wire() throws {
        let record = Record(
            topic: "q/s/x/",
            flags: [],
            stream: 0,
            epoch: 1,
            sequence: 2,
            previous: 0,
            header: [1],
            data: [2]
        )
        let token = LeaseToken(job: WorkGroup.requestBit | 7, delivery: 3)
        let most = [Record](repeating: record, count: WorkGroup.batchMax)
        let jobs = BrokerMessage.jobs(membership: 4, token, leaseMs: 500, most)
        #expect(try jobs.frames().count <= 63, "with the routing id, 64 frames")
        #expect(try BrokerMessage(frames: try jobs.frames()) == jobs)
        var results = [JobResult](repeating: .answer([9]), count: WorkGroup.batchMax)
        results[0] = .refusal(Refusal(.badData, "first"))
        results[14] = .refusal(Refusal(.failed, "last"))
        let done = ClientMessage.doneParts(membership: 4, token, results)
        #expect(try ClientMessage(frames: try done.frames()) == done)
        let final = ClientMessage.refuse(membership: 4, token, Refusal(.badData, "x"))
        #expect(try ClientMessage(frames: try final.frames()) == final)
        #expect(throws: WireError.self) { try ClientMessage(frames: Array(try done.frames().prefix(2))) }
        #expect(throws: WireError.self) { try BrokerMessage(frames: Array(try jobs.frames().dropLast())) }
    }
}
