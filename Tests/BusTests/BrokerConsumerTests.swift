import BusSimulation
import Events
import Testing

@testable import Bus

@Suite("A consumer reads every record that matches, once and in order")
struct BrokerConsumerTests {
    private func subscribe(
        _ consumer: String? = "c",
        _ filter: String = "e/",
        _ start: StartPosition? = .origin,
        credit: Int = 100
    ) throws -> ClientMessage {
        .subscribe(
            2,
            SubscribeRequest(consumer: consumer, filters: [try TopicFilter(filter)], start: start, credit: credit)
        )
    }

    private func topics(_ count: Int) -> [String] {
        (0..<count).map { "e/site/x/y/v1/\($0 % 2 == 0 ? "even" : "odd")/" }
    }

    @Test("it catches up from the log and follows commits without hole or repeat")
    func catchUpAndFollow() throws {
        var harness = BrokerHarness()
        harness.seed(topics(120))
        try harness.hello("a")
        harness.holdsLog = true
        try harness.send("a", subscribe(credit: 1000))
        harness.seed(topics(10))
        harness.release()
        harness.seed(topics(10))
        harness.holdsLog = false
        harness.release()
        harness.seed(topics(5))
        #expect(harness.deliveries("a") == Array(1...145))
    }

    @Test("what comes from the log is marked as replayed, what follows a commit is not")
    func replayedFlag() throws {
        var harness = BrokerHarness()
        harness.seed(topics(1))
        try harness.hello("a")
        try harness.send("a", subscribe())
        harness.seed(topics(1))
        let flags = harness.take("a").compactMap { (message) -> Bool? in
            if case .deliver(_, let record) = message { record.flags.contains(.replayed) } else { nil }
        }
        #expect(flags == [true, false])
    }

    @Test("no more is sent than credit allows, and each credit brings more", arguments: [1, 2, 7])
    func credit(_ credit: Int) throws {
        var harness = BrokerHarness()
        harness.seed(topics(20))
        try harness.hello("a")
        try harness.send("a", subscribe(credit: credit))
        var seen: [UInt64] = []
        while true {
            let batch = harness.deliveries("a")
            #expect(batch.count <= credit)
            seen += batch
            if seen.count == 20 { harness.seed(topics(3)) }
            if batch.isEmpty { break }
            try harness.send("a", .credit(subscription: 2, batch.count))
        }
        #expect(seen == Array(1...23))
    }

    @Test("credit given while nothing waits is not lost, and none counts beyond the limit")
    func creditAhead() throws {
        var limits = BusLimits()
        limits.creditMax = 5
        var harness = BrokerHarness(limits: limits)
        try harness.hello("a")
        try harness.send("a", subscribe(credit: 0))
        harness.seed(topics(1))
        #expect(harness.deliveries("a").isEmpty)
        try harness.send("a", .credit(subscription: 2, Int(UInt32.max)))
        harness.seed(topics(9))
        #expect(harness.deliveries("a") == Array(1...5))
    }

    @Test("the cursor survives a restart and a reader without a start goes on from it")
    func cursor() throws {
        var harness = BrokerHarness()
        harness.seed(topics(10))
        try harness.hello("a")
        try harness.send("a", subscribe())
        try harness.send("a", .acknowledge(subscription: 2, sequence: 4))
        try harness.send("a", .acknowledge(subscription: 2, sequence: 3))
        #expect(harness.broker.consumerLag == ["c": 6])
        harness.restart()
        try harness.hello("b")
        try harness.send("b", subscribe(start: nil))
        #expect(harness.deliveries("b") == Array(5...10))
    }

    private func subscribe(start: StartPosition?) throws -> ClientMessage { try subscribe("c", "e/", start) }

    @Test("a cursor cannot pass what was delivered")
    func cursorClamped() throws {
        var harness = BrokerHarness()
        harness.seed(topics(10))
        try harness.hello("a")
        try harness.send("a", subscribe(credit: 3))
        try harness.send("a", .acknowledge(subscription: 2, sequence: .max))
        harness.restart()
        try harness.hello("a")
        try harness.send("a", subscribe(start: nil))
        #expect(harness.deliveries("a") == Array(4...10))
    }

    @Test(
        "reading begins where asked",
        arguments: [
            (StartPosition.origin, [1, 2, 3, 4]), (.head, [4]), (.after(2), [3, 4]), (.after(.max), [4]),
            (nil, [1, 2, 3, 4]),
        ] as [(StartPosition?, [UInt64])]
    )
    func starts(_ start: StartPosition?, _ expected: [UInt64]) throws {
        var harness = BrokerHarness()
        harness.seed(topics(3))
        try harness.hello("a")
        try harness.send("a", subscribe(nil, "e/", start))
        harness.seed(topics(1))
        #expect(harness.deliveries("a") == expected)
    }

    @Test("only matching topics come, by segments and not by letters")
    func filters() throws {
        var harness = BrokerHarness()
        harness.seed(["e/site/x/y/v1/a/", "e/site/x/y/v10/a/", "e/other/x/y/v1/b/", "e/site/z/y/v1/a/"])
        try harness.hello("a")
        try harness.send("a", subscribe(nil, "e/*/x/y/v1/"))
        #expect(harness.deliveries("a") == [1, 3])
    }

    @Test("a long stretch that does not match is passed")
    func sparse() throws {
        var harness = BrokerHarness()
        harness.seed([String](repeating: "e/site/noise/", count: 400) + ["e/site/signal/"])
        try harness.hello("a")
        try harness.send("a", subscribe(nil, "e/site/signal/", credit: 1))
        #expect(harness.deliveries("a") == [401])
    }

    @Test("the newest reader of a durable consumer has it; the other is told")
    func oneReader() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.hello("b")
        try harness.send("a", subscribe())
        try harness.send("b", subscribe())
        #expect(harness.take("a").refusals == [.fenced])
        harness.seed(topics(1))
        #expect(harness.deliveries("a").isEmpty)
        #expect(harness.deliveries("b") == [1])
    }

    @Test("the answer to a read of an earlier session makes no hole for the new one")
    func lateRead() throws {
        var harness = BrokerHarness()
        harness.seed(topics(9))
        try harness.hello("a")
        harness.holdsLog = true
        try harness.send("a", subscribe(nil, "e/", .after(6)))
        try harness.hello("a")
        try harness.send("a", subscribe(nil, "e/", .after(2)))
        harness.release()
        harness.holdsLog = false
        harness.release()
        #expect(harness.deliveries("a") == Array(3...9))
    }

    @Test("a subscription that was left is read no more")
    func leave() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", subscribe())
        try harness.send("a", .leave(2))
        harness.seed(topics(2))
        #expect(harness.deliveries("a").isEmpty)
    }

    @Test("FETCH pages through the log and LAST gives the newest of each topic")
    func pages() throws {
        var harness = BrokerHarness()
        harness.seed(topics(120))
        try harness.hello("a")
        _ = harness.take("a")
        let filters = [try TopicFilter("e/*/*/*/v1/odd/")]
        var (seen, after) = ([UInt64](), UInt64(0))
        while after < 120 {
            try harness.send("a", .fetch(3, FetchRequest(filters: filters, after: after, limit: 13)))
            let answer = harness.take("a")
            for case .record(3, let record) in answer { seen.append(record.sequence) }
            guard case .endOfRecords(3, let scanned)? = answer.last, scanned > after else {
                Issue.record("FETCH after \(after) did not go on")
                return
            }
            after = scanned
        }
        #expect(seen == (1...60).map { $0 * 2 })
        try harness.send("a", .fetch(4, FetchRequest(filters: filters, after: .max, limit: 0)))
        #expect(harness.take("a") == [.endOfRecords(4, scannedTo: 120)])
        try harness.send("a", .last(5, FetchRequest(filters: [try TopicFilter("")])))
        #expect(
            harness.take("a").compactMap { (message) -> UInt64? in
                if case .record(_, let record) = message { record.sequence } else { nil }
            } == [119, 120]
        )
    }

    @Test("too many filters or subscriptions are refused")
    func limits() throws {
        var limits = BusLimits()
        limits.subscriptionsMax = 1
        var harness = BrokerHarness(limits: limits)
        try harness.hello("a")
        let many = try (0...limits.filtersMax).map { try TopicFilter("e/\($0)/") }
        try harness.send("a", .subscribe(2, SubscribeRequest(consumer: nil, filters: many, start: nil, credit: 1)))
        try harness.send("a", .subscribe(3, SubscribeRequest(consumer: nil, filters: [], start: nil, credit: 1)))
        try harness.send("a", subscribe())
        try harness.send("a", .subscribe(4, SubscribeRequest(consumer: nil, filters: [many[0]], start: nil, credit: 1)))
        #expect(harness.take("a").refusals == [.tooMany, .tooMany, .tooMany])
    }

    @Test("the beat names the topics that moved since the last, and shows the loss of their last records")
    func beats() throws {
        var harness = BrokerHarness()
        harness.seed(topics(3))
        var detector = GapDetector(epoch: 7, start: 0)
        let records = try harness.fannedOut.map { try Record(frames: $0) }
        #expect(detector.accept(records[0]) == .next)
        #expect(detector.accept(records[0]) == .repeated)
        #expect(detector.accept(records[1]) == .next)
        harness.broker.beat()
        harness.run()
        let frames = try #require(harness.fannedOut.last)
        #expect(frames[0] == Array(HeadBeat.topic.utf8))
        let beat = try EventCoding.decode(HeadBeat.self, from: frames[1])
        #expect(beat.topics == [topics(2)[0]: 3, topics(2)[1]: 2])
        #expect(beat.since == 0)
        #expect(detector.missing(beat).map(\.topic) == [topics(1)[0]])
        #expect(detector.missing(beat).map(\.after) == [1])
        harness.broker.beat()
        harness.run()
        let next = try EventCoding.decode(HeadBeat.self, from: harness.fannedOut.last?[1] ?? [])
        #expect(next.topics.isEmpty)
        #expect(next.head == 3)
    }

    @Test("a lost record of a followed topic is a gap, another log a new epoch")
    func gaps() {
        func record(_ sequence: UInt64, _ previous: UInt64, epoch: UInt64 = 7) -> Record {
            Record(topic: "e/site/x/", epoch: epoch, sequence: sequence, previous: previous, header: [], data: [])
        }
        var detector = GapDetector(epoch: 7, start: 10)
        #expect(detector.accept(record(12, 8)) == .next)
        #expect(detector.accept(record(15, 14)) == .gap(after: 12))
        #expect(detector.accept(record(14, 12)) == .next)
        #expect(detector.accept(record(15, 14)) == .next)
        #expect(detector.accept(record(16, 15, epoch: 8)) == .newEpoch)
        #expect(detector.missing(HeadBeat(epoch: 8, head: 99, since: 0, topics: ["e/site/x/": 99])).isEmpty)
    }
}
