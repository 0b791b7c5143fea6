import BusSimulation
import Events
import Testing

@testable import Bus

@Suite("A work group gives each job to one member at a time")
struct BrokerGroupTests {
    private func join(
        _ id: UInt64 = 2,
        group: String = "g",
        _ filter: String = "e/",
        start: StartPosition = .origin,
        credit: Int = 2,
        leaseMs: Int = 1000
    ) throws -> ClientMessage {
        .join(
            id,
            JoinRequest(
                group: group,
                filters: [try TopicFilter(filter)],
                start: start,
                credit: credit,
                leaseMs: leaseMs
            )
        )
    }

    private func jobs(_ count: Int) -> [String] { [String](repeating: "e/site/job/wanted/v1/a/", count: count) }

    private func request(_ id: UInt64) throws -> ClientMessage {
        .publishUnsequenced(
            id,
            topic: "q/site/x/ask/v1/a/",
            header: try CloudEvent(id: "\(id)", source: "//s", type: "t").header(),
            data: [UInt8(id)]
        )
    }

    @Test("jobs are shared by spare credit and all are done")
    func share() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.hello("b")
        try harness.send("a", join(credit: 1))
        try harness.send("b", join(credit: 3))
        harness.seed(jobs(12))
        var done: [UInt64] = []
        var counts = ["a": 0, "b": 0]
        while done.count < 12 {
            let before = done.count
            for peer in ["a", "b"] {
                let tokens = harness.jobs(peer)
                #expect(tokens.count <= (peer == "a" ? 1 : 3))
                counts[peer, default: 0] += tokens.count
                for token in tokens {
                    done.append(token.job)
                    try harness.send(peer, .done(membership: 2, token, result: []))
                }
            }
            guard done.count > before else { break }
        }
        #expect(done.sorted() == Array(1...12))
        #expect(counts["a"] ?? 0 > 0)
        #expect(counts["b"] ?? 0 > 0)
        #expect(harness.log.snapshot.groups["g"]?.floor == 12)
        #expect(harness.log.snapshot.groups["g"]?.done == [])
    }

    @Test("a job whose lease is over goes to another, and its first holder's DONE is refused")
    func leaseExpiry() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(credit: 1))
        harness.seed(jobs(1))
        let first = try #require(harness.jobs("a").first)
        try harness.hello("b")
        try harness.send("b", join(credit: 4))
        harness.tick(after: .milliseconds(999))
        #expect(harness.jobs("b").isEmpty)
        harness.tick(after: .milliseconds(1))
        let second = try #require(harness.jobs("b").first)
        #expect(second == LeaseToken(job: 1, delivery: 2))
        try harness.send("a", .done(membership: 2, first, result: []))
        try harness.send("a", .extend(membership: 2, first))
        try harness.send("a", .fail(membership: 2, second, Refusal(.failed, "not mine")))
        #expect(harness.take("a").refusals == [.staleLease, .staleLease, .staleLease])
        #expect(harness.log.snapshot.groups["g"]?.floor == 0)
        try harness.send("b", .done(membership: 2, second, result: []))
        #expect(harness.log.snapshot.groups["g"]?.floor == 1)
        try harness.send("b", .done(membership: 2, second, result: []))
        #expect(harness.take("b").refusals == [.staleLease])
    }

    @Test("a lease that is extended lasts")
    func extend() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(credit: 1))
        harness.seed(jobs(1))
        let token = try #require(harness.jobs("a").first)
        for _ in 0..<5 {
            harness.tick(after: .milliseconds(900))
            try harness.send("a", .extend(membership: 2, token))
        }
        #expect(harness.take("a").isEmpty)
        try harness.send("a", .done(membership: 2, token, result: []))
        #expect(harness.log.snapshot.groups["g"]?.floor == 1)
    }

    @Test("what a lost member held goes to the others at once", arguments: ["bye", "leave", "gone", "silent"])
    func memberLoss(_ way: String) throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(leaseMs: 60_000))
        harness.seed(jobs(2))
        #expect(harness.jobs("a").map(\.job) == [1, 2])
        try harness.hello("b")
        try harness.send("b", join(leaseMs: 60_000))
        switch way {
        case "bye": try harness.send("a", .bye)
        case "leave": try harness.send("a", .leave(2))
        case "gone": harness.broker.end(BrokerHarness.peer("a"), now: harness.now)
        default:
            harness.tick(after: .seconds(3))
            try harness.ping("b")
            harness.tick(after: .milliseconds(1100))
        }
        harness.run()
        #expect(harness.jobs("b") == [LeaseToken(job: 1, delivery: 2), LeaseToken(job: 2, delivery: 2)])
    }

    @Test("a job that fails five times is given up, and the log says why")
    func dead() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join("e/site/job/"))
        harness.seed(jobs(2))
        var deliveries: [UInt32] = []
        while let token = harness.jobs("a").first(where: { $0.job == 1 }) {
            deliveries.append(token.delivery)
            try harness.send("a", .fail(membership: 2, token, Refusal(.badData, "cannot")))
        }
        #expect(deliveries == [1, 2, 3, 4, 5])
        #expect(harness.broker.counters.jobsDead == 1)
        let refused = try #require(harness.log.records.last).event().decode(EventRefused.self)
        #expect(refused.sequence == 1)
        #expect(refused.code == .badData)
        #expect(refused.service == "g")
        #expect(harness.log.snapshot.groups["g"]?.done == [1] || harness.log.snapshot.groups["g"]?.floor == 1)
    }

    private func join(_ filter: String) throws -> ClientMessage { try join(2, filter) }

    @Test("a job that ends every member is given up after five of them")
    func poison() throws {
        var harness = BrokerHarness()
        harness.seed(jobs(1))
        for round in 0..<8 {
            let peer = "w\(round)"
            try harness.hello(peer)
            try harness.send(peer, join("e/site/job/"))
            let tokens = harness.jobs(peer)
            #expect(tokens.map(\.delivery) == (round < 5 ? [UInt32(round + 1)] : []))
            harness.broker.end(BrokerHarness.peer(peer), now: harness.now)
            harness.run()
            harness.tick()
        }
        #expect(harness.broker.counters.jobsDead == 1)
        #expect(harness.log.snapshot.groups["g"]?.floor == 1)
    }

    @Test("after a restart done jobs stay done and the others come again")
    func restart() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(credit: 3))
        harness.seed(jobs(4))
        let tokens = harness.jobs("a")
        try harness.send("a", .done(membership: 2, tokens[1], result: []))
        harness.restart()
        try harness.hello("a")
        try harness.send("a", join(start: .head, credit: 9))
        #expect(harness.jobs("a").map(\.job) == [1, 3, 4])
    }

    @Test("a new group begins where asked, also between appends")
    func start() throws {
        var harness = BrokerHarness()
        harness.seed(jobs(3))
        try harness.hello("a")
        try harness.send("a", join(start: .head))
        harness.seed(jobs(1))
        #expect(harness.jobs("a").map(\.job) == [4])
        try harness.send("a", join(3, group: "h", start: .after(2)))
        #expect(harness.jobs("a").map(\.job) == [3, 4])
    }

    @Test("jobs beyond what members take are read later, none is skipped")
    func appetite() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(credit: 2))
        harness.seed(jobs(300))
        var done: [UInt64] = []
        while true {
            let tokens = harness.jobs("a")
            if tokens.isEmpty { break }
            for token in tokens {
                done.append(token.job)
                try harness.send("a", .done(membership: 2, token, result: []))
            }
        }
        #expect(done == Array(1...300))
    }

    @Test("a request is answered to its asker")
    func answers() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.send("worker", join("q/"))
        try harness.send("asker", request(9))
        let job = try #require(
            harness.take("worker").compactMap { message in
                if case .job(_, let token, _, let record) = message { (token, record) } else { nil }
            }.first
        )
        #expect(job.1.data == [9])
        _ = harness.take("asker")
        try harness.send("worker", .done(membership: 2, job.0, result: [42]))
        #expect(harness.take("asker") == [.answer(9, [42])])
        #expect(harness.log.records.isEmpty)
        #expect(harness.log.snapshot.groups.isEmpty)
    }

    @Test("a request that fails five times is refused to its asker with the reason")
    func failedRequest() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.send("worker", join("q/"))
        try harness.send("asker", request(9))
        while let token = harness.jobs("worker").first {
            try harness.send("worker", .fail(membership: 2, token, Refusal(.noModel, "none")))
        }
        #expect(harness.take("asker").refusals == [.noModel])
    }

    @Test("nobody there, too many waiting and the last member's leaving are all busy")
    func busy() throws {
        var limits = BusLimits()
        limits.waitingRequestsMax = 2
        var harness = BrokerHarness(limits: limits)
        try harness.hello("asker")
        try harness.send("asker", request(5))
        #expect(harness.take("asker").refusals == [.busy])
        try harness.hello("worker")
        try harness.send("worker", join(2, "q/", credit: 1))
        for id: UInt64 in 6...9 { try harness.send("asker", request(id)) }
        #expect(harness.take("asker").refusals == [.busy])
        try harness.send("worker", .leave(2))
        #expect(harness.take("asker").refusals == [.busy, .busy, .busy])
        #expect(harness.broker.groups["g"]?.waitingCount == 0)
    }

    @Test("requests leave nothing behind")
    func memory() throws {
        var harness = BrokerHarness()
        try harness.hello("worker")
        try harness.hello("asker")
        try harness.send("worker", join("q/"))
        for id: UInt64 in 10..<60 {
            try harness.send("asker", request(id))
            for token in harness.jobs("worker") { try harness.send("worker", .done(membership: 2, token, result: [])) }
        }
        var group = try #require(harness.broker.groups["g"])
        #expect(group.takeNotes().isEmpty)
        #expect(group.progress().done.isEmpty)
        #expect(group.leasedCount == 0)
    }

    @Test("a group's name, filters and classes are checked")
    func joinRefusals() throws {
        var harness = BrokerHarness()
        try harness.hello("a")
        try harness.send("a", join(2, group: "Bad Name"))
        try harness.send("a", join(2, ""))
        try harness.send("a", .join(2, JoinRequest(group: "g", filters: [], credit: 1)))
        try harness.send(
            "a",
            .join(2, JoinRequest(group: "g", filters: [try TopicFilter("e/"), try TopicFilter("t/")], credit: 1))
        )
        try harness.send("a", join(2, "e/"))
        try harness.send("a", join(3, "e/site/"))
        #expect(harness.take("a").refusals == [.badFrame, .badTopic, .badFrame, .badTopic, .badFrame])
    }
}
