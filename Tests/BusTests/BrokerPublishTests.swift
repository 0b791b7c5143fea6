import BusSimulation
import Events
import Testing

@testable import Bus

@Suite("The broker acknowledges what is on disk, once")
struct BrokerPublishTests {
    private func named(
        _ id: String,
        _ request: UInt64 = 5,
        _ topic: String = "e/site/x/y/v1/a/"
    ) throws -> ClientMessage {
        .publishUnsequenced(
            request,
            topic: topic,
            header: try CloudEvent(id: id, source: "//s", type: "t").header(),
            data: [1]
        )
    }

    @Test("nothing is acknowledged or fanned out before the commit")
    func ackAfterCommit() throws {
        var harness = BrokerHarness()
        harness.holdsLog = true
        try harness.hello("a", producer: "p")
        _ = harness.take("a")
        try harness.publish("a", 1)
        try harness.publish("a", 2)
        try harness.send("a", named("x"))
        #expect(harness.take("a").isEmpty)
        #expect(harness.fannedOut.isEmpty)
        harness.release()
        #expect(harness.take("a") == [.ack(5, sequence: 3, duplicate: false), .ackSequenced(upTo: 2, sequence: 2)])
        #expect(harness.fannedOut.count == 3)
        #expect(try Record(frames: harness.fannedOut[1]).sequence == 2)
        #expect(harness.broker.pendingBytes == 0)
    }

    @Test("a number that is on disk is acknowledged again, one on its way is not written twice")
    func duplicates() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        try harness.publish("a", 1)
        _ = harness.take("a")
        try harness.publish("a", 1)
        #expect(harness.take("a") == [.ackSequenced(upTo: 1, sequence: 1)])
        harness.holdsLog = true
        try harness.publish("a", 2)
        try harness.publish("a", 2)
        harness.release()
        #expect(harness.log.records.count == 2)
        #expect(harness.broker.counters.duplicates == 1)
    }

    @Test("a number that leaves a hole is refused and leaves no trace")
    func outOfOrder() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        try harness.publish("a", 1)
        _ = harness.take("a")
        try harness.publish("a", 3)
        #expect(harness.take("a").refusals == [.outOfOrder])
        try harness.publish("a", 2)
        #expect(harness.take("a") == [.ackSequenced(upTo: 2, sequence: 2)])
        #expect(harness.log.records.count == 2)
    }

    @Test("an older epoch is fenced, a newer one counts from 1")
    func epochs() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p", epoch: 2)
        try harness.publish("a", 1)
        _ = harness.take("a")
        try harness.hello("b", producer: "p", epoch: 1)
        #expect(harness.take("b").refusals == [.fenced])
        try harness.publish("a", 2)
        #expect(harness.take("a") == [.ackSequenced(upTo: 2, sequence: 2)])
        try harness.hello("c", producer: "p", epoch: 3)
        #expect(harness.take("a").refusals == [.fenced])
        try harness.publish("c", 1)
        #expect(harness.take("c").last == .ackSequenced(upTo: 1, sequence: 3))
        harness.restart()
        try harness.hello("d", producer: "p", epoch: 2)
        #expect(harness.take("d").refusals == [.fenced])
    }

    @Test("the newest session of a producer takes over and is told what the log has, also of events under way")
    func takeover() throws {
        var harness = BrokerHarness()
        harness.holdsLog = true
        try harness.hello("a", producer: "p")
        try harness.publish("a", 1)
        try harness.hello("b", producer: "p")
        #expect(harness.take("a").refusals == [.fenced])
        guard case .welcome(1, let welcome)? = harness.take("b").first else {
            Issue.record("no WELCOME")
            return
        }
        #expect(welcome.producerSequence == 0)
        try harness.publish("b", 1)
        try harness.publish("b", 2)
        harness.release()
        #expect(harness.take("b") == [.ackSequenced(upTo: 2, sequence: 2)])
        #expect(harness.log.records.count == 2)
        try harness.publish("a", 3)
        #expect(harness.take("a").refusals == [.rehello])
    }

    @Test("after a failed commit everything under way is refused, and sent again it is written once and in order")
    func failedCommit() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        try harness.hello("b", producer: "q")
        try harness.publish("a", 1)
        harness.holdsLog = true
        harness.isDiskFull = true
        try harness.publish("a", 2)
        try harness.publish("b", 1)
        try harness.send("b", named("x"))
        (_, _) = (harness.take("a"), harness.take("b"))
        harness.release()
        #expect(harness.take("a").refusals == [.full])
        #expect(harness.take("b").refusals == [.full, .full])
        #expect(harness.broker.pendingBytes == 0)
        harness.isDiskFull = false
        harness.holdsLog = false
        try harness.publish("a", 3)
        #expect(harness.take("a").refusals == [.outOfOrder])
        for number: UInt64 in 2...3 { try harness.publish("a", number) }
        try harness.publish("b", 1)
        try harness.send("b", named("x"))
        #expect(harness.take("a").last == .ackSequenced(upTo: 3, sequence: 3))
        #expect(harness.log.records.count == 5)
    }

    @Test("the late failure of an older batch does not undo what was sent again since")
    func lateFailure() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        harness.holdsLog = true
        func append(_ number: UInt64, generation: UInt64) -> Append {
            Append(
                topic: "e/site/x/",
                flags: .durable,
                header: [],
                data: [],
                identity: .sequenced(producer: "p", epoch: 1, sequence: number),
                requester: nil,
                generation: generation
            )
        }
        let generation = harness.broker.generation
        try harness.publish("a", 1)
        try harness.publish("a", 2)
        harness.broker.committed(FakeLog.refusal([append(1, generation: generation)]), now: .zero)
        try harness.publish("a", 1)
        harness.broker.committed(FakeLog.refusal([append(2, generation: generation)]), now: .zero)
        let again = append(1, generation: harness.broker.generation)
        harness.broker.committed(harness.log.write([again], []), now: .zero)
        harness.run()
        _ = harness.take("a")
        harness.broker.pendingBytes = 0
        try harness.publish("a", 2)
        #expect(harness.take("a").refusals.isEmpty)
    }

    @Test("the broker's own events wait for room on the disk")
    func postponed() throws {
        var harness = BrokerHarness()
        harness.isDiskFull = true
        harness.broker.ingress([Array("bad topic".utf8), Array("{}".utf8)], now: .zero, at: BrokerHarness.time)
        harness.run()
        #expect(harness.log.records.isEmpty)
        harness.isDiskFull = false
        harness.tick()
        #expect(harness.log.records.count == 1)
        harness.tick()
        #expect(harness.log.records.count == 1)
    }

    @Test("events without numbers are known again by source and id")
    func namedDuplicate() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", named("x", 5))
        try harness.send("a", named("x", 6))
        try harness.send(
            "a",
            .publishStructured(
                7,
                topic: "e/site/x/",
                event: Array(#"{"specversion":"1.0","id":"x","source":"//s","type":"t","data":1}"#.utf8)
            )
        )
        #expect(
            harness.take("a").suffix(3) == [
                .ack(5, sequence: 1, duplicate: false), .ack(6, sequence: 1, duplicate: true),
                .ack(7, sequence: 1, duplicate: true),
            ]
        )
        #expect(harness.log.records.count == 1)
    }

    @Test(
        "what breaks a rule is refused with its code",
        arguments: [
            ("e/site/x", 2, 1, ErrorCode.badTopic), ("t/site/x/", 2, 1, .badTopic), ("c/head/", 2, 1, .badTopic),
            ("e/Site/x/", 2, 1, .badTopic), ("", 2, 1, .badTopic),
            ("e/site/x/", 2, CloudEvent.dataBytesMax + 1, .tooLarge),
            ("e/site/x/", CloudEvent.headerBytesMax + 1, 1, .tooLarge), ("e/site/x/", 2, 1, .badAttribute),
        ]
    )
    func refusals(_ topic: String, _ header: Int, _ data: Int, _ code: ErrorCode) throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        let bytes = header == 2 ? Array("{}".utf8) : [UInt8](repeating: 32, count: header)
        try harness.send(
            "a",
            .publishUnsequenced(5, topic: topic, header: bytes, data: [UInt8](repeating: 1, count: data))
        )
        #expect(harness.take("a").refusals == [code])
        #expect(harness.log.records.isEmpty)
    }

    @Test("publishers are told to come back while the disk is behind")
    func backpressure() throws {
        var harness = BrokerHarness()
        harness.holdsLog = true
        try harness.hello("a", producer: "p")
        harness.broker.pendingBytes = Broker.pendingBytesMax
        try harness.publish("a", 1)
        try harness.send("a", named("x"))
        #expect(harness.take("a").refusals == [.full, .full])
        harness.broker.pendingBytes = 0
        try harness.publish("a", 1)
        #expect(harness.take("a").isEmpty)
    }

    @Test("who has not greeted is asked to, and a session without a producer cannot number events")
    func strangers() throws {
        var harness = BrokerHarness()
        try harness.send("a", .ping)
        #expect(harness.take("a").refusals == [.rehello])
        try harness.send("a", .bye)
        #expect(harness.take("a").isEmpty)
        try harness.hello("a")
        try harness.publish("a", 1)
        #expect(harness.take("a").refusals == [.fenced])
        harness.sendFrames("a", [[1, 2, 3]])
        #expect(harness.take("a").refusals == [.badFrame])
    }

    @Test("a silent session ends; one that pings stays")
    func silence() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        try harness.hello("b")
        for _ in 0..<5 {
            harness.tick(after: .seconds(1))
            try harness.ping("b")
        }
        #expect(harness.broker.sessionNames == ["b"])
        #expect(harness.broker.counters.sessionsEnded == 1)
        try harness.hello("c", producer: "p")
        #expect(!harness.take("a").refusals.contains(.fenced))
    }

    @Test("telemetry is numbered, and what a publisher lost is counted exactly")
    func telemetry() throws {
        var harness = BrokerHarness()
        func send(_ sequence: UInt64, epoch: UInt64 = 1, topic: String = "t/site/x/") {
            let record = Record(
                topic: topic,
                flags: [],
                stream: 2,
                epoch: epoch,
                sequence: sequence,
                previous: 0,
                header: [],
                data: []
            )
            harness.broker.ingress(record.frames, now: .zero, at: BrokerHarness.time)
            harness.run()
        }
        for number: UInt64 in [1, 2, 5, 6, 4, 9] { send(number) }
        #expect(harness.broker.counters.telemetryLost == 4)
        send(1, epoch: 2)
        #expect(harness.broker.counters.telemetryLost == 4)
        let relayed = try harness.fannedOut.map { try Record(frames: $0) }
        #expect(relayed.map(\.sequence) == Array(1...7))
        #expect(relayed.map(\.previous) == Array(0...6))
        send(.max, epoch: 3)
        send(1, epoch: 3)
        send(.max, epoch: 3)
        #expect(harness.broker.counters.telemetryLost == 4)
        send(1, epoch: 9, topic: "e/site/x/")
        #expect(harness.log.records.count == 1)
        #expect(harness.log.records.first?.topic == "e/site/event/refused/v1/bus/")
    }

    @Test("two frames from a foreigner become a record; bad ones an event that says why")
    func simpleDoor() throws {
        var harness = BrokerHarness()
        func send(_ frames: String...) {
            harness.broker.ingress(frames.map { Array($0.utf8) }, now: .zero, at: BrokerHarness.time)
            harness.run()
        }
        let event = #"{"specversion":"1.0","id":"1","source":"//plc","type":"t","data":{"v":1}}"#
        send("e/site/x/y/v1/a/", event)
        send("e/site/x/y/v1/a/", event)
        #expect(harness.log.records.count == 1)
        #expect(try harness.log.records[0].event().data == Array(#"{"v":1}"#.utf8))
        send("t/site/x/", event)
        #expect(try Record(frames: harness.fannedOut.last ?? []).topic == "t/site/x/")
        let before = harness.log.records.count
        send("e/site/x", event)
        send("q/site/x/", event)
        send("e/site/x/", #"{"specversion":"1.0","id":"1","type":"t"}"#)
        send("e/site/x/", "not json")
        send("one frame")
        let refusals = try harness.log.records.dropFirst(before).map { try $0.event().decode(EventRefused.self) }
        #expect(refusals.map(\.code) == [.badTopic, .badTopic, .badAttribute, .badData, .badFrame])
        #expect(refusals[2].message.contains("'source'"))
        for _ in 0..<50 { send("one frame") }
        #expect(harness.log.records.count == before + TelemetryRelay.reportsPerSecondMax)
    }

    @Test("messages over the limits are refused")
    func oversized() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        _ = harness.take("a")
        harness.broker.oversized(from: BrokerHarness.peer("a"), at: BrokerHarness.time)
        harness.broker.oversized(from: nil, at: BrokerHarness.time)
        harness.run()
        #expect(harness.take("a").refusals == [.tooLarge])
        #expect(harness.log.records.count == 1)
    }

    @Test("random messages never trap the broker, and its log stays whole", arguments: 0..<6)
    func hostile(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var harness = BrokerHarness()
        let peers = ["a", "b", "c"]
        let topics = ["e/site/x/", "q/site/x/", "t/x/", "bad", "e/site/y/"]
        let filters = try ["", "e/", "q/", "*/site/", "e/*/x/"].map { try TopicFilter($0) }
        let numbers: [UInt64] = [0, 1, 2, 3, 4, 5, 1 << 40, UInt64(Int64.max), UInt64(Int64.max) + 1, .max]
        for _ in 0..<600 {
            let peer = peers.randomElement(using: &random) ?? ""
            let id = UInt64.random(in: 0...4, using: &random)
            let number = numbers.randomElement(using: &random) ?? 0
            let some = [filters.randomElement(using: &random)].compactMap { $0 }
            let token = LeaseToken(job: number, delivery: UInt32.random(in: 0...3, using: &random))
            let topic = topics.randomElement(using: &random) ?? ""
            let count = Int(truncatingIfNeeded: number)
            let start: StartPosition? = [.origin, .head, .after(number), nil][Int(id) % 4]
            let message: ClientMessage =
                switch Int.random(in: 0..<16, using: &random) {
                case 0: .hello(id, Hello(name: peer, producer: random.one(in: 2) ? "p" : nil, producerEpoch: number))
                case 1, 2: .publish(id, sequence: number, topic: topic, header: [], data: [])
                case 3:
                    .publishUnsequenced(
                        id,
                        topic: topic,
                        header: try CloudEvent(id: "\(number)", source: "//s", type: "t").header(),
                        data: []
                    )
                case 4: .publishStructured(id, topic: topic, event: Array("{}".utf8))
                case 5, 6: .subscribe(id, SubscribeRequest(consumer: "c", filters: some, start: start, credit: count))
                case 7: .credit(subscription: id, count)
                case 8: .acknowledge(subscription: id, sequence: number)
                case 9: .fetch(id, FetchRequest(filters: some, after: number, limit: count))
                case 10, 11:
                    .join(
                        id,
                        JoinRequest(
                            group: "g\(id)",
                            filters: some,
                            start: start ?? .head,
                            credit: count,
                            leaseMs: count
                        )
                    )
                case 12: .done(membership: id, token, result: [])
                case 13: .fail(membership: id, token, Refusal(.failed, "no"))
                case 14: .extend(membership: id, token)
                default: random.one(in: 3) ? .bye : random.one(in: 2) ? .leave(id) : .ping
                }
            try harness.send(peer, message)
            if random.one(in: 20) { harness.tick(after: .milliseconds(900)) }
        }
        #expect(harness.log.records.map(\.sequence) == Array(1...UInt64(max(harness.log.records.count, 1))))
        #expect(harness.broker.pendingBytes == 0)
        #expect(harness.log.snapshot.consumers.values.allSatisfy { $0 <= harness.log.snapshot.head })
    }
}
