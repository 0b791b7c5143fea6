import BusSimulation
import Events
import Testing
import ZeroMQ

@testable import Bus

private func filter(_ text: String) throws -> AccessFilter { try #require(AccessFilter(text)) }

@Suite("A right covers what lies inside it, and nothing beside it")
struct AccessFilterTests {
    @Test(
        "topics",
        arguments: [
            ("", "e/a/b/", true), ("e/a/", "e/a/b/", true), ("e/a/", "e/ab/", false), ("e/a/b/", "e/a/", false),
            ("e/*/b/", "e/x/b/c/", true), ("e/*/b/", "e/x/c/", false),
            ("t/s/b/v1/trainer.*/", "t/s/b/v1/trainer.main/", true),
            ("t/s/b/v1/trainer.*/", "t/s/b/v1/trainers/", false), ("e/a*/", "e/a/", true),
        ]
    )
    func topics(_ right: String, _ topic: String, _ isCovered: Bool) throws {
        #expect(try filter(right).covers(topic) == isCovered)
    }

    @Test(
        "filters: every topic that they match",
        arguments: [
            ("", "", true), ("e/", "", false), ("e/", "e/*/x/", true), ("e/*/x/", "e/*/x/y/", true),
            ("e/a/x/", "e/*/x/", false), ("e/*/x/", "e/a/x/", true), ("e/*/x/", "e/a/", false),
            ("e/a*/x/", "e/*/x/", false), ("e/a*/x/", "e/ab/x/", true),
        ]
    )
    func filters(_ right: String, _ text: String, _ isCovered: Bool) throws {
        #expect(try filter(right).covers(try TopicFilter(text)) == isCovered)
    }

    @Test(
        "byte prefixes of the fan-out socket: every topic that begins so",
        arguments: [
            ("", "", true), ("e/a/", "e/a/", true), ("e/a/", "e/a", false), ("e/a/", "e/a/b", true),
            ("e/a/", "", false), ("e/a/", "e/", false), ("e/*/b/", "e/x/b/", true), ("e/*/b/", "e/x/b", false),
            ("t/x/trainer.*/", "t/x/trainer.", true), ("t/x/trainer.*/", "t/x/trainer", false),
            ("t/x/trainer.*/", "t/x/trainer.m", true), ("e/*/", "e/", false), ("c/head/", "c/head/", true),
        ]
    )
    func prefixes(_ right: String, _ prefix: String, _ isCovered: Bool) throws {
        #expect(try filter(right).covers(prefix: prefix) == isCovered)
    }

    @Test("what is no filter is refused", arguments: ["e", "e/a", "/", "e//", "E/", "e/**/", "e/*a/", "e/a b/"])
    func wrong(_ text: String) { #expect(AccessFilter(text) == nil) }

    @Test("a filter that covers another covers every topic that the other matches")
    func agreement() throws {
        var random = SeededGenerator(seed: 11)
        let segments = ["a", "ab", "b"]
        func text(_ open: [String], _ count: Int) -> String {
            (0..<count).map { _ in (segments + open).randomElement(using: &random) ?? "a" }.map { $0 + "/" }.joined()
        }
        for _ in 0..<4000 {
            let right = try filter("e/" + text(["*", "a*"], Int.random(in: 0...3, using: &random)))
            let wanted = try TopicFilter("e/" + text(["*"], Int.random(in: 0...3, using: &random)))
            let topic = "e/" + text([], Int.random(in: 1...4, using: &random))
            if right.covers(wanted), wanted.matches(topic) {
                #expect(right.covers(topic), "\(right) \(wanted) \(topic)")
            }
            let prefix = String(topic.prefix(Int.random(in: 0...topic.count, using: &random)))
            if right.covers(prefix: prefix) { #expect(right.covers(topic), "\(right) \(prefix) \(topic)") }
        }
    }
}

@Suite("The access file says who has which key, until when")
struct AccessPolicyTests {
    private let keys = (0..<4).compactMap { _ in try? CurveKeyPair.generate().publicKey }
    private let time = Timestamp(microseconds: 1_000_000)

    private func policy() throws -> AccessPolicy {
        var policy = try AccessPolicy(identities: [
            .init(name: "trainer", role: "trainer", keys: [.init(keys[0])], rights: .init(groups: ["g"])),
            .init(name: "plc", keys: [.init(keys[1])], rights: .init(sources: ["//site/plc/", "//exact"])),
        ])
        policy.servers = .init(bus: keys[2], artifacts: keys[3])
        return policy
    }

    @Test("it comes back from its file as it was, and a field that is left out gives nothing")
    func file() throws {
        var policy = try policy()
        _ = try policy.revoke("plc", at: time)
        #expect(try AccessPolicy(parsing: try policy.text()) == policy)
        let text = #"{"version": 1, "identities": [{"name": "x", "keys": [], "rights": {}}]}"#
        #expect(try AccessPolicy(parsing: Array(text.utf8)).identities[0].rights == AccessRights())
    }

    @Test(
        "a file that is wrong is refused with the place",
        arguments: [
            ("{", "not valid JSON"), (#"{"version": 2, "identities": []}"#, "version is 2"),
            (#"{"version": 1, "identities": [{"name": "X", "keys": [], "rights": {}}]}"#, "the name 'X'"),
            (#"{"version": 1, "identities": [{"name": "x", "keys": [{"key": "k"}], "rights": {}}]}"#, "a key of 'x'"),
            (#"{"version": 1, "identities": [{"name": "x", "keys": [], "rights": {"publish": ["e"]}}]}"#, "publish"),
            (
                #"{"version": 1, "identities": [{"name": "x", "keys": [], "rights": {}}, {"name": "x", "keys": [], "rights": {}}]}"#,
                "there twice"
            ),
        ]
    )
    func wrongFile(_ text: String, _ part: String) {
        #expect { try AccessPolicy(parsing: Array(text.utf8)) } throws: { "\($0)".contains(part) }
    }

    @Test("a rotated key has its time of grace, a revoked one has none")
    func life() throws {
        var policy = try policy()
        func isGranted(_ key: String, at time: Timestamp) -> Bool {
            if case .granted = policy.standing(of: key, at: time) { true } else { false }
        }
        let later = Timestamp(microseconds: 5_000_000)
        try policy.rotate("trainer", to: keys[2], graceUntil: later)
        #expect(isGranted(keys[0], at: time) && isGranted(keys[2], at: time))
        #expect(!isGranted(keys[0], at: later) && isGranted(keys[2], at: later))
        try policy.rotate("trainer", to: keys[3], graceUntil: Timestamp(microseconds: 9_000_000))
        #expect(!isGranted(keys[0], at: later))
        #expect(try policy.revoke(keys[3], at: time) == [keys[3]])
        #expect(!isGranted(keys[3], at: time) && isGranted(keys[2], at: time))
        #expect(
            policy.standing(of: keys[3], at: time) == .refused("the key of 'trainer' was revoked at \(time.rfc3339)")
        )
        #expect(throws: AccessError.self) { try policy.revoke("nobody", at: time) }
        #expect(throws: AccessError.self) { try policy.rotate("nobody", to: keys[1], graceUntil: later) }
    }

    @Test("a source or a name is its own, or lies below one that ends with a slash")
    func sources() throws {
        let rights = try policy().identities[1].rights
        #expect(rights.maySpeak(as: "//site/plc/1") && rights.maySpeak(as: "//exact"))
        #expect(!rights.maySpeak(as: "//site/plc") && !rights.maySpeak(as: "//exact/1") && !rights.maySpeak(as: ""))
        #expect(!rights.mayUse(name: "plc"))
    }

    @Test("a key file comes back as it was, and one that does not fit together is refused")
    func keyFile() throws {
        let (own, server) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        let key = BusKey(
            name: "bus",
            keys: own,
            busKey: server.publicKey,
            artifactsKey: keys[1],
            serverSecretKey: server.secretKey
        )
        #expect(try BusKey(parsing: try key.text()) == key)
        let mixed = BusKey(
            name: "bus",
            keys: CurveKeyPair(publicKey: server.publicKey, secretKey: own.secretKey),
            busKey: server.publicKey,
            artifactsKey: keys[1]
        )
        #expect { try BusKey(parsing: try mixed.text()) } throws: {
            "\($0)".contains("do not belong together") && !"\($0)".contains(own.secretKey)
        }
        #expect(throws: AccessError.self) { try BusKey(path: "/nowhere/bus.key") }
    }
}

@Suite("The broker grants what the policy says, and says in the log what it refused")
struct BrokerAccessTests {
    private static let keys = ["trainer", "plc", "stranger", "operator"].reduce(into: [String: String]()) {
        $0[$1] = (try? CurveKeyPair.generate().publicKey) ?? ""
    }

    private static func policy() throws -> AccessPolicy {
        try AccessPolicy(identities: [
            .init(
                name: "trainer",
                keys: [.init(keys["trainer"] ?? "")],
                rights: AccessRole.trainer.rights(name: "trainer", site: "site")
            ),
            .init(
                name: "plc",
                keys: [.init(keys["plc"] ?? "")],
                rights: AccessRights(
                    publish: [try filter("e/site/label/"), try filter("t/site/"), try filter("q/site/registry/")],
                    subscribe: [try filter("e/site/decay/")],
                    groups: ["work"],
                    sources: ["//site/plc/"],
                    names: ["plc"]
                )
            ),
            .init(
                name: "operator",
                keys: [.init(keys["operator"] ?? "")],
                rights: AccessRole.operator.rights(name: "operator", site: "site")
            ),
        ])
    }

    private func harness() throws -> BrokerHarness {
        var harness = BrokerHarness()
        harness.keys = Self.keys
        harness.broker.setAccess(try Self.policy(), now: .zero, at: BrokerHarness.time)
        for peer in ["trainer", "plc", "operator"] {
            try harness.hello(peer)
            _ = harness.take(peer)
        }
        return harness
    }

    @Test("an operator sees who is who, and others may not ask the broker")
    func operatorsView() throws {
        var harness = try harness()
        let query = BusQuery(.status)
        let topic = try BusQuery.kind.topic(site: "site", subject: query.subject).text
        let data = try EventCoding.encode(query)
        for peer in ["trainer", "operator"] {
            let event = try event(source: "//site/\(peer)/main")
            try harness.send(peer, .publishUnsequenced(9, topic: topic, header: event.header, data: data))
        }
        #expect(harness.take("trainer").refusals == [.denied])
        let request = try #require(harness.stores.first)
        #expect(harness.stores.count == 1)
        let figures = LogFigures(
            epoch: 7,
            head: 0,
            oldest: 0,
            bytes: 0,
            walBytes: 0,
            streams: [],
            streamCount: 0,
            dead: [:]
        )
        harness.answer(request, .status(figures))
        let answers = try harness.take("operator").compactMap { message -> BusStatus? in
            guard case .answer(9, let bytes) = message else { return nil }
            return try EventCoding.decode(BusStatus.self, from: bytes)
        }
        #expect(answers.first?.peers.map(\.identity) == ["operator", "plc", "trainer"])
    }

    private func event(source: String, id: String = "1") throws -> (header: [UInt8], structured: [UInt8]) {
        let event = CloudEvent(id: id, source: source, type: "t", dataContentType: "application/json", data: [0x31])
        return (try event.header(), try event.structured())
    }

    /// The refusals that are in the log.
    private func refused(_ harness: BrokerHarness) -> [String] {
        harness.log.records.compactMap { record in
            guard record.topic == "e/site/event/refused/v1/bus/",
                let refused = try? EventCoding.decode(EventRefused.self, from: record.data), refused.code == .denied
            else { return nil }
            return refused.message
        }
    }

    @Test("an unknown key gets no session, and the log names it")
    func unknown() throws {
        var harness = try harness()
        try harness.hello("stranger")
        #expect(harness.take("stranger").refusals == [.denied])
        harness.keys["keyless"] = nil
        try harness.hello("keyless")
        #expect(harness.take("keyless").refusals == [.denied])
        #expect(harness.broker.sessionNames == ["operator", "plc", "trainer"])
        #expect(refused(harness).contains { $0.contains("is not known") })
        #expect(harness.broker.counters.denied == 2)
    }

    @Test("events outside the topics, or of another source, are refused in every way in")
    func publishing() throws {
        var harness = try harness()
        let (mine, forged) = (try event(source: "//site/plc/1"), try event(source: "//site/trainer/main"))
        let (good, bad) = ("e/site/label/recorded/v1/a/", "e/site/decay/detected/v1/a/")
        try harness.hello("plc", producer: "plc")
        _ = harness.take("plc")
        // Numbered, named, structured.
        for (topic, event) in [(bad, mine), (good, forged)] {
            try harness.send("plc", .publish(0, sequence: 1, topic: topic, header: event.header, data: [1]))
            #expect(harness.take("plc").refusals == [.denied], "\(topic)")
            try harness.send("plc", .publishUnsequenced(5, topic: topic, header: event.header, data: [1]))
            #expect(harness.take("plc").refusals == [.denied], "\(topic)")
            try harness.send("plc", .publishStructured(6, topic: topic, event: event.structured))
            #expect(harness.take("plc").refusals == [.denied], "\(topic)")
        }
        #expect(harness.log.records.allSatisfy { $0.topic.contains("/event/refused/") })
        // A question, and one with a forged source.
        try harness.send("plc", .publishUnsequenced(7, topic: "q/site/other/ask/v1/x/", header: mine.header, data: []))
        try harness.send(
            "plc",
            .publishUnsequenced(8, topic: "q/site/registry/query/v1/r/", header: forged.header, data: [])
        )
        #expect(harness.take("plc").refusals == [.denied, .denied])
        // The broker itself answers administrators only.
        let query = "q/site/bus/query/v1/bus/"
        var policy = try Self.policy()
        var plc = try #require(policy.identity(named: "plc"))
        plc.rights.publish.append(try filter("q/site/"))
        try policy.set(plc)
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        try harness.send("plc", .publishUnsequenced(9, topic: query, header: mine.header, data: []))
        #expect(harness.take("plc").refusals == [.denied])
        // Ingress: telemetry and the simple door.
        let records = harness.log.records.count
        let telemetry = { (topic: String, header: [UInt8]) in
            Record(topic: topic, flags: [], stream: 2, epoch: 1, sequence: 1, previous: 0, header: header, data: [])
                .frames
        }
        for frames in [
            telemetry("t/other/x/", mine.header), telemetry("t/site/x/", forged.header),
            [Array(bad.utf8), mine.structured], [Array(good.utf8), forged.structured],
        ] {
            harness.broker.ingress(frames, key: harness.keys["plc"], now: .zero, at: BrokerHarness.time)
        }
        harness.broker.ingress(telemetry("t/site/x/", mine.header), key: nil, now: .zero, at: BrokerHarness.time)
        harness.run()
        #expect(harness.broker.counters.telemetry == 0)
        #expect(harness.log.records.dropFirst(records).allSatisfy { $0.topic.contains("/event/refused/") })
        // And what is right goes through each of them.
        try harness.send("plc", .publish(0, sequence: 1, topic: good, header: mine.header, data: [1]))
        try harness.send(
            "plc",
            .publishUnsequenced(5, topic: good, header: try event(source: "//site/plc/1", id: "2").header, data: [1])
        )
        #expect(harness.take("plc").refusals.isEmpty)
        harness.broker.ingress(
            telemetry("t/site/x/", mine.header),
            key: harness.keys["plc"],
            now: .zero,
            at: BrokerHarness.time
        )
        harness.broker.ingress(
            [Array(good.utf8), try event(source: "//site/plc/1", id: "3").structured],
            key: harness.keys["plc"],
            now: .zero,
            at: BrokerHarness.time
        )
        harness.run()
        #expect(harness.broker.counters.telemetry == 1)
        #expect(harness.log.records.count { $0.topic == good } == 3)
        #expect(refused(harness).contains { $0.contains("may not speak as '//site/trainer/main'") })
        #expect(refused(harness).contains { $0.contains("may not publish on '\(bad)'") })
    }

    @Test("reading outside the topics is refused on every command, and on the fan-out socket")
    func reading() throws {
        var harness = try harness()
        let (inside, outside) = (try TopicFilter("e/site/decay/detected/"), try TopicFilter("e/*/decay/"))
        for filters in [[outside], [inside, outside], [try TopicFilter("")]] {
            try harness.send(
                "plc",
                .subscribe(2, SubscribeRequest(consumer: nil, filters: filters, start: nil, credit: 1))
            )
            try harness.send("plc", .fetch(3, FetchRequest(filters: filters)))
            try harness.send("plc", .last(4, FetchRequest(filters: filters)))
            try harness.send("plc", .join(5, JoinRequest(group: "work", filters: filters, credit: 1)))
            #expect(harness.take("plc").refusals == [.denied, .denied, .denied, .denied])
        }
        try harness.send("plc", .join(6, JoinRequest(group: "infer", filters: [inside], credit: 1)))
        try harness.send(
            "plc",
            .subscribe(7, SubscribeRequest(consumer: "trainer/main", filters: [inside], start: nil, credit: 1))
        )
        #expect(harness.take("plc").refusals == [.denied, .denied])
        try harness.send(
            "plc",
            .subscribe(8, SubscribeRequest(consumer: "plc", filters: [inside], start: nil, credit: 1))
        )
        try harness.send("plc", .join(9, JoinRequest(group: "work", filters: [inside], credit: 1)))
        #expect(harness.take("plc").refusals.isEmpty)
        #expect(harness.broker.mayListen("e/", key: harness.keys["plc"], at: BrokerHarness.time) == false)
        #expect(harness.broker.mayListen("", key: harness.keys["stranger"], at: BrokerHarness.time) == false)
        #expect(harness.broker.mayListen("e/site/decay/", key: nil, at: BrokerHarness.time) == false)
        #expect(harness.broker.mayListen("e/site/decay/x", key: harness.keys["plc"], at: BrokerHarness.time) == true)
        #expect(harness.broker.mayListen("", key: harness.keys["operator"], at: BrokerHarness.time) == true)
    }

    @Test("a producer's name and a routing id cannot be taken over")
    func impostors() throws {
        var harness = try harness()
        try harness.hello("trainer", producer: "trainer/main/x")
        #expect(harness.take("trainer").refusals.isEmpty)
        try harness.hello("plc", producer: "trainer/main/x", epoch: 9)
        #expect(harness.take("plc").refusals == [.denied])
        #expect(harness.broker.producers["trainer/main/x"]?.epoch == 1)
        // The trainer's routing id under the plc's key: nobody knows that peer.
        let thief = PeerID(Array("trainer".utf8), key: harness.keys["plc"])
        harness.broker.receive(from: thief, try ClientMessage.ping.frames(), now: .zero, at: BrokerHarness.time)
        let answers = harness.broker.takeActions().compactMap { action -> ErrorCode? in
            if case .send(thief, .error(_, let refusal)) = action { refusal.code } else { nil }
        }
        #expect(answers == [.rehello])
    }

    @Test("revoked while connected: the session ends, its leases go to others, and each message is refused")
    func revocation() throws {
        var harness = try harness()
        let filters = [try TopicFilter("e/site/decay/")]
        for peer in ["plc", "operator"] {
            try harness.send(peer, .join(3, JoinRequest(group: "work", filters: filters, credit: 1)))
        }
        _ = (harness.take("plc"), harness.take("operator"))
        harness.seed(["e/site/decay/detected/v1/a/", "e/site/decay/detected/v1/b/"])
        let leased = harness.jobs("plc")
        #expect(leased.count == 1)
        let token = try #require(harness.jobs("operator").first)
        var policy = try Self.policy()
        _ = try policy.revoke("plc", at: BrokerHarness.time)
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        harness.run()
        #expect(harness.take("plc").refusals == [.denied])
        #expect(harness.broker.sessionNames == ["operator", "trainer"])
        try harness.send("operator", .done(membership: 3, token, result: []))
        #expect(harness.jobs("operator").map(\.job) == leased.map(\.job))
        try harness.send("plc", .done(membership: 3, leased[0], result: []))
        #expect(harness.take("plc").refusals == [.denied])
        try harness.hello("plc")
        #expect(harness.take("plc").refusals == [.denied])
        #expect(refused(harness).contains { $0.contains("the key of 'plc' was revoked") })
    }

    @Test("a right that is taken back ends the subscription that leaned on it; the others go on")
    func narrowed() throws {
        var harness = try harness()
        let all = [try TopicFilter("e/")]
        try harness.send(
            "operator",
            .subscribe(2, SubscribeRequest(consumer: nil, filters: all, start: nil, credit: 9))
        )
        try harness.send(
            "operator",
            .join(3, JoinRequest(group: "g", filters: [try TopicFilter("e/site/a/")], credit: 1))
        )
        _ = harness.take("operator")
        var policy = try Self.policy()
        var identity = try #require(policy.identity(named: "operator"))
        identity.rights.subscribe = [try filter("e/site/a/")]
        try policy.set(identity)
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        harness.run()
        #expect(harness.take("operator").refusals == [.denied])
        harness.seed(["e/site/a/x/", "e/site/b/x/"])
        #expect(harness.jobs("operator").count == 1)
        identity.rights.groups = []
        try policy.set(identity)
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        harness.run()
        #expect(harness.take("operator").refusals == [.denied])
    }

    @Test("the same refusal is said once in ten seconds, with the number of those between")
    func repeats() throws {
        var harness = try harness()
        let event = try event(source: "//site/plc/1")
        for _ in 0..<50 {
            try harness.send("plc", .publishUnsequenced(5, topic: "e/site/x/", header: event.header, data: []))
        }
        #expect(refused(harness).count == 1)
        #expect(harness.broker.counters.denied == 50)
        #expect(harness.take("plc").refusals.count == 50)
    }

    @Test("a header that hides its source behind a second one or an escape is judged by what readers see")
    func hiddenSource() throws {
        let tricks = [
            #"{"id":"1","source":"//site/plc/1","\u0073ource":"//site/trainer/main","specversion":"1.0","type":"t"}"#,
            #"{"id":"1","source":"//site/plc/1","source":"//site/trainer/main","specversion":"1.0","type":"t"}"#,
            #"{"id":"1","x":"\"","source":"//site/trainer/main","specversion":"1.0","type":"t"}"#,
        ]
        for trick in tricks {
            let header = Array(trick.utf8)
            let seen = try? CloudEvent(header: header, data: []).source
            #expect((try? HeaderSource.of(header)) == seen)
        }
        #expect(try HeaderSource.of(Array(#"{ "id" : "1", "source" : "//a/b" }"#.utf8)) == "//a/b")
        for broken in ["", "{", #"{"source":"a""#, #"{"source":1}"#, #"{"source":"a"}x"#, #"["source","a"]"#] {
            #expect(throws: EventError.self, "\(broken)") { try HeaderSource.of(Array(broken.utf8)) }
        }
        for length in 0..<tricks[0].utf8.count { _ = try? HeaderSource.of(Array(tricks[0].utf8.prefix(length))) }
    }

    @Test("without a policy nobody is judged")
    func open() throws {
        var harness = BrokerHarness()
        try harness.hello("a", producer: "p")
        try harness.publish("a", 1, "e/any/thing/")
        #expect(harness.take("a").refusals.isEmpty)
        #expect(harness.broker.mayListen("", key: nil, at: BrokerHarness.time) == true)
    }
}

@Suite("An identity sends what its limits allow")
struct RateLimitTests {
    @Test("a burst of a second's worth goes, the rest is told when to come back")
    func bucket() {
        var limits = RateLimits(messagesPerSecondMax: 10, bytesPerSecondMax: 1000)
        for _ in 0..<10 { #expect(limits.take("a", bytes: 1, now: .zero) == nil) }
        #expect(limits.take("a", bytes: 1, now: .zero) == 100)
        #expect(limits.take("b", bytes: 1, now: .zero) == nil)
        #expect(limits.take("a", bytes: 1, now: .milliseconds(100)) == nil)
        #expect(limits.take("a", bytes: 1, now: .milliseconds(150)) == 50)
        #expect(limits.take("c", bytes: 900, now: .zero) == nil)
        #expect(limits.take("c", bytes: 500, now: .zero) == 400)
        // More than a whole second's bytes goes when the bucket is full.
        #expect(limits.take("c", bytes: 5000, now: .seconds(2)) == nil)
    }

    @Test("over the limit PUB gets NAK busy with a time, telemetry is dropped and counted, a sign of life passes")
    func broker() throws {
        let key = try CurveKeyPair.generate().publicKey
        var harness = BrokerHarness()
        harness.broker.rates = RateLimits(messagesPerSecondMax: 3)
        harness.keys = ["a": key]
        let rights = AccessRole.operator.rights(name: "a", site: "site")
        let policy = try AccessPolicy(identities: [.init(name: "a", keys: [.init(key)], rights: rights)])
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        try harness.hello("a")
        let header = try CloudEvent(id: "1", source: "//x", type: "t").header()
        for _ in 0..<2 { try harness.send("a", .publishUnsequenced(5, topic: "e/s/", header: header, data: [])) }
        #expect(harness.take("a").refusals.isEmpty)
        try harness.send("a", .publishUnsequenced(6, topic: "e/s/", header: header, data: []))
        guard case .nak(6, let refusal) = harness.take("a").first else {
            Issue.record("no refusal came")
            return
        }
        #expect(refusal.code == .busy)
        #expect(refusal.retryAfterMs == 334)
        try harness.send("a", .ping)
        #expect(harness.take("a") == [.pong])
        harness.broker.ingress([[], [], [], []], key: key, now: .zero, at: BrokerHarness.time)
        #expect(harness.broker.counters.throttled == 2)
        #expect(harness.broker.counters.telemetry == 0)
        harness.tick(after: .seconds(1))
        try harness.send("a", .publishUnsequenced(6, topic: "e/s/", header: header, data: []))
        #expect(harness.take("a").refusals.isEmpty)
    }

    @Test("an identity has a number of sessions")
    func sessions() throws {
        let key = try CurveKeyPair.generate().publicKey
        var harness = BrokerHarness()
        harness.broker.rates = RateLimits(sessionsMax: 2)
        harness.keys = ["a": key, "b": key, "c": key]
        let rights = AccessRole.operator.rights(name: "a", site: "site")
        let policy = try AccessPolicy(identities: [.init(name: "a", keys: [.init(key)], rights: rights)])
        harness.broker.setAccess(policy, now: .zero, at: BrokerHarness.time)
        for peer in ["a", "b", "c"] { try harness.hello(peer) }
        #expect(harness.take("b").refusals.isEmpty)
        #expect(harness.take("c").refusals == [.tooMany])
        try harness.send("a", .bye)
        try harness.hello("c")
        #expect(harness.take("c").refusals.isEmpty)
    }
}

@Suite("Roles hold what their programs need")
struct AccessRoleTests {
    @Test("each program reads and writes its events, and no program writes another's")
    func programs() throws {
        let trainer = AccessRole.trainer.rights(name: "trainer", site: "site")
        #expect(trainer.mayRead(try TrainingRequested.kind.filter))
        #expect(trainer.mayPublish("e/site/training/completed/v1/p/"))
        #expect(trainer.mayPublish("t/site/training/progressed/v1/p/"))
        #expect(trainer.mayPublish("t/site/service/beat/v1/trainer.main/"))
        #expect(!trainer.mayPublish("t/site/service/beat/v1/registry.main/"))
        #expect(!trainer.mayPublish("e/other/training/completed/v1/p/"))
        #expect(trainer.maySpeak(as: "//site/trainer/main") && !trainer.maySpeak(as: "//site/registry/main"))
        #expect(trainer.mayUse(name: "trainer/main/7k2") && !trainer.mayUse(name: "trainer"))
        let writers = AccessRole.programs.map { ($0, $0.rights(name: $0.rawValue, site: "site")) }
        for kind in EventCatalogue.kinds where kind.kind.reliability == .event {
            let topic = try kind.kind.topic(site: "site", subject: "x").text
            let who = writers.filter { $0.1.mayPublish(topic) }.map(\.0)
            #expect(who.count <= 1, "\(kind.kind): \(who)")
        }
        let gateway = AccessRole.gateway.rights(name: "gateway", site: "site")
        #expect(gateway.mayPublish("e/site/external/x/v1/none/") && gateway.maySpeak(as: "//anybody"))
        #expect(!gateway.mayPublish("e/site/model/promoted/v1/p/"))
    }
}
