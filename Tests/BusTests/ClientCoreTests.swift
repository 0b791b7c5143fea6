import Events
import Testing

@testable import Bus

/// A client's core and what it wants, driven by hand.
private struct CoreHarness {
    var core: ClientCore
    var now: Duration = .zero
    private(set) var events: [String] = []
    private(set) var sent: [ClientMessage] = []
    private(set) var delivered: [UInt64] = []
    private(set) var answers: [UInt64: String] = [:]
    private(set) var reopened = 0

    init(producer: String? = "p") {
        core = ClientCore(
            hello: Hello(name: "x", producer: producer, producerEpoch: producer.map { _ in 1 }),
            now: .zero
        )
    }

    mutating func run() throws {
        for action in core.takeActions() {
            switch action {
            case .send(let frames): sent.append(try ClientMessage(frames: frames))
            case .reopen: reopened += 1
            case .connected: events.append("connected")
            case .disconnected: events.append("disconnected")
            case .producerAcknowledged(let upTo): events.append("acknowledged \(upTo)")
            case .producerFenced(let refusal): events.append("fenced \(refusal.code.rawValue)")
            case .answered(let id, let answer):
                #expect(answers[id] == nil, "\(id) was answered twice")
                switch answer {
                case .accepted(let sequence, let duplicate): answers[id] = "accepted \(sequence) \(duplicate)"
                case .result(let data): answers[id] = "result \(data)"
                case .records(let records, let scanned): answers[id] = "records \(records.map(\.sequence)) \(scanned)"
                case .refused(let refusal): answers[id] = "refused \(refusal.code.rawValue)"
                }
            case .deliver(_, let record): delivered.append(record.sequence)
            case .job(_, let token, _): events.append("job \(token.job).\(token.delivery)")
            case .jobs(_, let token, let records): events.append("jobs \(token.job) \(records.count)")
            case .ended(let id, let refusal): events.append("ended \(id) \(refusal.code.rawValue)")
            }
        }
    }

    mutating func tick(after duration: Duration = .zero) throws {
        now += duration
        core.tick(now: now)
        try run()
    }

    mutating func receive(_ message: BrokerMessage) throws {
        core.receive(try message.frames(), now: now)
        try run()
    }

    mutating func welcome(_ producerSequence: UInt64 = 0, producerEpoch: UInt64 = 1, epoch: UInt64 = 7) throws {
        try receive(
            .welcome(
                0,
                Welcome(
                    session: 1,
                    epoch: epoch,
                    head: 100,
                    producerEpoch: producerEpoch,
                    producerSequence: producerSequence,
                    limits: BusLimits()
                )
            )
        )
    }

    /// Greets and is welcomed.
    mutating func connect(_ producerSequence: UInt64 = 0, epoch: UInt64 = 7) throws {
        try tick(after: .seconds(10))
        _ = take()
        try welcome(producerSequence, epoch: epoch)
    }

    mutating func append(_ numbers: ClosedRange<UInt64>, epoch: UInt64 = 1) throws {
        core.append(numbers.map { ($0, "e/site/x/", [], []) }, epoch: epoch)
        try run()
    }

    mutating func deliver(_ sequence: UInt64, epoch: UInt64 = 7) throws {
        try receive(
            .deliver(
                subscription: 5,
                Record(topic: "e/site/x/", epoch: epoch, sequence: sequence, previous: 0, header: [], data: [])
            )
        )
    }

    mutating func take() -> [ClientMessage] {
        defer { sent = [] }
        return sent
    }

    mutating func takePublished() -> [UInt64] {
        take().compactMap { message in
            if case .publish(_, let sequence, _, _, _) = message { sequence } else { nil }
        }
    }

    mutating func takeEvents() -> [String] {
        defer { events = [] }
        return events
    }
}

@Suite("A client keeps its promises over broken sessions")
struct ClientCoreTests {
    private let fetch = ClientMessage.fetch(9, FetchRequest(filters: [], after: 3))
    private var request: SubscribeRequest {
        get throws {
            SubscribeRequest(consumer: "c", filters: [try TopicFilter("e/")], start: .after(10), credit: 8)
        }
    }

    @Test("it greets, and a reconnect sends exactly what was not acknowledged")
    func resend() throws {
        var harness = CoreHarness()
        try harness.append(1...5)
        #expect(harness.take().isEmpty)
        try harness.connect()
        #expect(harness.takePublished() == [1, 2, 3, 4, 5])
        try harness.receive(.ackSequenced(upTo: 2, sequence: 2))
        try harness.append(6...6)
        #expect(harness.takePublished() == [6])
        harness.core.sendFailed(now: harness.now)
        try harness.run()
        #expect(harness.reopened == 1)
        try harness.append(7...7)
        #expect(harness.take().isEmpty)
        try harness.connect(4)
        #expect(harness.takePublished() == [5, 6, 7])
        #expect(
            harness.takeEvents() == ["connected", "acknowledged 2", "disconnected", "connected", "acknowledged 4"]
        )
    }

    @Test("a refusal with a delay sends everything again after it, however many refusals there are")
    func retryAfter() throws {
        var harness = CoreHarness()
        try harness.connect()
        try harness.append(1...3)
        _ = harness.take()
        try harness.receive(.nak(0, Refusal(.full, "disk", retryAfterMs: 500)))
        try harness.receive(.nak(0, Refusal(.outOfOrder, "hole", retryAfterMs: 0)))
        try harness.append(4...4)
        try harness.tick(after: .milliseconds(499))
        #expect(harness.takePublished().isEmpty)
        try harness.tick(after: .milliseconds(1))
        #expect(harness.takePublished() == [1, 2, 3, 4])
        try harness.tick(after: .milliseconds(900))
        #expect(harness.takePublished().isEmpty)
    }

    @Test("a refusal for good says so")
    func fenced() throws {
        var harness = CoreHarness()
        try harness.connect()
        try harness.receive(.nak(0, Refusal(.badTopic, "no")))
        try harness.receive(.error(0, Refusal(.fenced, "another")))
        #expect(harness.takeEvents() == ["connected", "fenced bad-topic", "fenced fenced"])
    }

    @Test("it pings each second and leaves a silent broker after three")
    func liveness() throws {
        var harness = CoreHarness()
        try harness.connect()
        _ = harness.take()
        for _ in 0..<3 { try harness.tick(after: .seconds(1)) }
        #expect(harness.take() == [.ping, .ping, .ping])
        try harness.tick(after: .milliseconds(1))
        #expect(!harness.core.isReady)
        #expect(harness.reopened == 1)
        try harness.tick(after: .milliseconds(100))
        #expect(harness.take().count == 1)
        try harness.tick(after: .seconds(4))
        #expect(harness.reopened == 2)
    }

    @Test("without a connection it greets again with growing pauses, never longer than the limit")
    func backoff() throws {
        var harness = CoreHarness()
        var greetings: [Duration] = []
        for _ in 0..<300 {
            try harness.tick(after: .milliseconds(100))
            if !harness.take().isEmpty {
                greetings.append(harness.now)
                harness.core.sendFailed(now: harness.now)
            }
        }
        let pauses = zip(greetings.dropFirst(), greetings).map { $0 - $1 }
        #expect(pauses.first == .milliseconds(100))
        #expect(pauses == pauses.sorted())
        #expect(pauses.max() ?? .zero <= ClientCore.greetIntervalMax + .milliseconds(100))
    }

    @Test("a broker that restarted is greeted again on the same connection")
    func rehello() throws {
        var harness = CoreHarness()
        try harness.connect()
        try harness.append(1...2)
        harness.core.subscribe(5, try request)
        try harness.run()
        _ = harness.take()
        for _ in 0..<3 { try harness.receive(.error(0, Refusal(.rehello, "who"))) }
        let greeting = harness.take()
        #expect(greeting == [.hello(0, Hello(name: "x", producer: "p", producerEpoch: 1))])
        try harness.welcome(1)
        let messages = harness.take()
        #expect(messages.count == 2)
        #expect(messages.last == .subscribe(5, try request))
        #expect(harness.reopened == 0)
    }

    @Test("a subscription goes on after the last record it handed on, with the credit that is left")
    func resubscribe() throws {
        var harness = CoreHarness()
        try harness.connect()
        harness.core.subscribe(5, try request)
        for sequence: UInt64 in [11, 12, 15] { try harness.deliver(sequence) }
        try harness.deliver(12)
        harness.core.acknowledge(5, sequence: 11, credit: 1)
        try harness.run()
        #expect(harness.take().suffix(2) == [.acknowledge(subscription: 5, sequence: 11), .credit(subscription: 5, 1)])
        harness.core.sendFailed(now: harness.now)
        harness.core.acknowledge(5, sequence: 12, credit: 1)
        try harness.connect()
        var expected = try request
        (expected.start, expected.credit) = (.after(15), 7)
        #expect(harness.take() == [.subscribe(5, expected)])
        try harness.deliver(15)
        try harness.deliver(16)
        #expect(harness.delivered == [11, 12, 15, 16])
    }

    @Test("a log that was made anew is read from its origin, lower sequences included")
    func epochChange() throws {
        var harness = CoreHarness()
        try harness.connect()
        harness.core.subscribe(5, try request)
        try harness.deliver(50)
        harness.core.sendFailed(now: harness.now)
        try harness.connect(epoch: 8)
        guard case .subscribe(5, let again)? = harness.take().last else {
            Issue.record("no SUB")
            return
        }
        #expect(again.start == .origin)
        try harness.deliver(1, epoch: 8)
        #expect(harness.delivered == [50, 1])
    }

    @Test("a numbering that begins anew is greeted with before anything is sent under it, even while greeting")
    func newNumbering() throws {
        var harness = CoreHarness()
        try harness.append(1...3)
        try harness.tick(after: .seconds(1))
        #expect(harness.take().count == 1)
        try harness.append(1...2, epoch: 2)
        #expect(harness.reopened == 1)
        try harness.tick()
        #expect(harness.take() == [.hello(0, Hello(name: "x", producer: "p", producerEpoch: 2))])
        try harness.welcome(0, producerEpoch: 2)
        #expect(harness.takePublished() == [1, 2])
        try harness.append(1...1, epoch: 3)
        #expect(harness.reopened == 2)
        #expect(harness.takePublished().isEmpty)
    }

    @Test("a question is asked again in the next session and answered once")
    func ask() throws {
        var harness = CoreHarness()
        harness.core.ask(9, fetch, deadline: .seconds(60))
        try harness.connect()
        #expect(harness.take() == [fetch])
        func record(_ sequence: UInt64) -> BrokerMessage {
            .record(9, Record(topic: "e/site/x/", epoch: 7, sequence: sequence, previous: 0, header: [], data: []))
        }
        try harness.receive(record(4))
        try harness.receive(record(5))
        harness.core.sendFailed(now: harness.now)
        try harness.connect()
        #expect(harness.take() == [fetch])
        try harness.receive(record(4))
        try harness.receive(.endOfRecords(9, scannedTo: 4))
        try harness.receive(.endOfRecords(9, scannedTo: 4))
        #expect(harness.answers == [9: "records [4] 4"])
    }

    @Test("each kind of answer reaches its asker")
    func answerKinds() throws {
        var harness = CoreHarness()
        try harness.connect()
        for id: UInt64 in 11...14 { harness.core.ask(id, fetch, deadline: .seconds(60)) }
        harness.core.cancel(14)
        try harness.receive(.ack(11, sequence: 3, duplicate: true))
        try harness.receive(.answer(12, [1]))
        try harness.receive(.nak(13, Refusal(.badTopic, "no")))
        try harness.receive(.ack(14, sequence: 3, duplicate: false))
        #expect(harness.answers == [11: "accepted 3 true", 12: "result [1]", 13: "refused bad-topic"])
    }

    @Test("a busy broker is asked again until the deadline, and then the asker is told")
    func deadline() throws {
        var harness = CoreHarness()
        try harness.connect()
        harness.core.ask(9, fetch, deadline: harness.now + .milliseconds(300))
        try harness.run()
        _ = harness.take()
        try harness.receive(.nak(9, Refusal(.busy, "later", retryAfterMs: 200)))
        #expect(harness.answers.isEmpty)
        try harness.tick(after: .milliseconds(200))
        #expect(harness.take() == [fetch])
        try harness.receive(.nak(9, Refusal(.busy, "later", retryAfterMs: 200)))
        #expect(harness.answers == [9: "refused busy"])
        harness.core.ask(10, fetch, deadline: harness.now + .milliseconds(100))
        try harness.tick(after: .milliseconds(100))
        #expect(harness.answers[10] == "refused timeout")
    }

    @Test("a question without a bus ends at its deadline")
    func deadlineWithoutBus() throws {
        var harness = CoreHarness()
        harness.core.ask(9, fetch, deadline: .seconds(1))
        try harness.tick(after: .milliseconds(999))
        #expect(harness.answers.isEmpty)
        try harness.tick(after: .milliseconds(1))
        #expect(harness.answers == [9: "refused timeout"])
    }

    @Test("memberships are taken up again; an end for good is told once")
    func memberships() throws {
        var harness = CoreHarness()
        let join = JoinRequest(group: "g", filters: [], credit: 1)
        harness.core.join(6, join)
        try harness.connect()
        #expect(harness.take() == [.join(6, join)])
        let record = Record(topic: "e/site/x/", epoch: 7, sequence: 3, previous: 0, header: [], data: [])
        let token = LeaseToken(job: 3, delivery: 2)
        try harness.receive(.job(membership: 6, token, leaseMs: 5, record))
        harness.core.finish(6, token, result: [1])
        harness.core.extend(6, token)
        harness.core.fail(6, token, Refusal(.failed, "no"))
        try harness.run()
        #expect(
            harness.take() == [
                .done(membership: 6, token, result: [1]), .extend(membership: 6, token),
                .fail(membership: 6, token, Refusal(.failed, "no")),
            ]
        )
        try harness.receive(.error(6, Refusal(.staleLease, "late")))
        try harness.receive(.nak(6, Refusal(.badFrame, "no")))
        try harness.receive(.nak(6, Refusal(.badFrame, "no")))
        #expect(harness.takeEvents() == ["connected", "job 3.2", "ended 6 bad-frame"])
        harness.core.leave(6)
        harness.core.bye()
        try harness.run()
        #expect(harness.take() == [.bye])
    }

    @Test("what cannot be read breaks the session, and nothing else happens")
    func garbage() throws {
        var harness = CoreHarness()
        try harness.connect()
        harness.core.receive([[1, 2, 3]], now: harness.now)
        try harness.run()
        #expect(!harness.core.isReady)
        #expect(harness.takeEvents() == ["connected", "disconnected"])
        try harness.connect()
        #expect(harness.core.isReady)
    }
}

@Suite("A channel hands elements to one task", .timeLimit(.minutes(1)))
struct BatchChannelTests {
    @Test("elements come in order, at most as many as asked")
    func order() async {
        let channel = BatchChannel<Int>()
        for number in 0..<5 { channel.send(number) }
        #expect(await channel.next(max: 2) == [0, 1])
        channel.finish()
        #expect(await channel.next(max: 9) == [2, 3, 4])
        #expect(await channel.next(max: 9).isEmpty)
    }

    @Test("a waiting task is woken by an element, by the end, and by its cancellation")
    func waking() async {
        let channel = BatchChannel<Int>()
        async let first = channel.next(max: 1)
        channel.send(1)
        #expect(await first == [1])
        let cancelled = Task { await channel.next(max: 1) }
        cancelled.cancel()
        #expect(await cancelled.value.isEmpty)
        let ended = Task { await channel.next(max: 1) }
        channel.finish()
        #expect(await ended.value.isEmpty)
    }

    @Test("nothing is lost between many threads")
    func threads() async {
        let channel = BatchChannel<Int>()
        let sum = await withTaskGroup(of: Int.self) { group in
            group.addTask {
                var (count, sum) = (0, 0)
                while count < 4000 {
                    let batch = await channel.next(max: 64)
                    count += batch.count
                    sum += batch.reduce(0, +)
                }
                return sum
            }
            for part in 0..<4 {
                group.addTask {
                    for number in 0..<1000 { channel.send(part * 1000 + number) }
                    return 0
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 3999 * 4000 / 2)
    }
}
