import Bus
import ChildProcesses
import Events
import Foundation
import Glibc
import Membership
import Testing
import ZeroMQ

@Suite("The broker over TCP lets in who has a key, and grants what the access file says", .timeLimit(.minutes(2)))
struct DoorTests {
    @Test("without keys it does not start over TCP, unless it is told to be open")
    func keyless() async throws {
        let secure = try SecureBus(setUp: false)
        #expect(try secure.start([:]).wait() == 1)
        #expect(secure.log("bus").contains("hexloop keys setup"))
        #expect(try secure.start(["HEXLOOP_ACCESS_OPEN": "true"]).isRunning)
        let client = secure.client("anybody", keyed: false)
        defer { client.close() }
        try await client.say("e/local/x/y/v1/a/", source: "//anybody")
        #expect(secure.log("bus").contains("access.open is on"))
    }

    @Test("no key, an unknown key and a wrong server key do not get in, and the log says so")
    func strangers() async throws {
        let secure = try SecureBus()
        try secure.start()
        let context = try Context()
        let known = try secure.key("monitor")
        let (stranger, other) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        func dealer(_ curve: CurveOptions?) throws -> Socket {
            var options = SocketOptions()
            options.curve = curve
            let socket = try Socket(context, .dealer, options: options)
            try socket.connect(secure.address.endpoint(SocketTable.command))
            _ = try socket.send(try ClientMessage.hello(1, Hello(name: "stranger")).frames())
            return socket
        }
        let keyless = try dealer(nil)
        let unknown = try dealer(.client(serverKey: known.busKey, keys: stranger))
        let misled = try dealer(.client(serverKey: other.publicKey, keys: known.keys))
        let `operator` = secure.client("operator")
        defer { `operator`.close() }
        try await `operator`.waitForRefusal("the key \(stranger.publicKey.prefix(8))... is not known")
        try await `operator`.waitForRefusal("takes this program for another one")
        try await `operator`.waitForRefusal("showed no key")
        #expect(try keyless.receive() == .none)
        #expect(try unknown.receive() == .none)
        #expect(try misled.receive() == .none)
    }

    @Test("outside its topics an identity is refused, whichever way it tries, and inside it is served")
    func topics() async throws {
        let secure = try SecureBus()
        try secure.hexloop(
            "keys",
            "make",
            "plc",
            "--data",
            secure.directory,
            "--publish",
            "e/local/label/",
            "--subscribe",
            "e/local/decay/",
            "--group",
            "work"
        )
        try secure.start()
        let (plc, `operator`) = (secure.client("plc"), secure.client("operator"))
        defer {
            plc.close()
            `operator`.close()
        }
        try await plc.say("e/local/label/recorded/v1/a/", source: "//local/plc/1")
        #expect(
            await plc.refusal { try await $0.say("e/local/decay/detected/v1/a/", source: "//local/plc/1") } == .denied
        )
        #expect(
            await plc.refusal { try await $0.say("e/local/label/recorded/v1/a/", source: "//local/trainer/main") }
                == .denied
        )
        #expect(await plc.refusal { _ = try await $0.fetch([try TopicFilter("e/")], after: 0) } == .denied)
        #expect(await plc.refusal { _ = try await $0.last([try TopicFilter("e/")]) } == .denied)
        #expect(try await plc.fetch([try TopicFilter("e/local/decay/")], after: 0).records.isEmpty)
        let question = CloudEvent(id: "1", source: "//local/plc/1", type: "x.y")
        #expect(
            await plc.refusal {
                _ = try await $0.request(topic: try Topic("q/local/registry/query/v1/registry/"), question)
            } == .denied
        )
        // A subscription and a membership that are not granted end at once.
        let everything = [try TopicFilter("e/")]
        let (_, records) = plc.subscribe(
            SubscribeRequest(consumer: nil, filters: everything, start: .origin, credit: 1)
        )
        #expect(await records.next(max: 1).isEmpty)
        let (_, jobs) = plc.join(JoinRequest(group: "infer", filters: [try TopicFilter("e/local/decay/")], credit: 1))
        #expect(await jobs.next(max: 1).isEmpty)
        // A name under which the trainer numbers its events.
        let impostor = BusClient(
            .init(address: secure.address, name: "plc", producer: "trainer/main/x", keyPath: secure.keyPath("plc")),
            logger: quietLogger
        )
        for await signal in impostor.signals {
            guard case .fenced(let refusal) = signal else { continue }
            #expect(refusal.code == .denied)
            break
        }
        impostor.close()
        try await `operator`.waitForRefusal("'plc' may not publish on 'e/local/decay/detected/v1/a/'")
        try await `operator`.waitForRefusal("'plc' may not speak as '//local/trainer/main'")
        try await `operator`.waitForRefusal("'plc' may not number events as 'trainer/main/x'")
        try await `operator`.waitForRefusal("'plc' may not work in group 'infer'")
    }

    @Test("the fan-out socket sends what may be read, and nothing else")
    func fanOut() async throws {
        let secure = try SecureBus()
        try secure.hexloop("keys", "make", "reader", "--data", secure.directory, "--subscribe", "e/local/decay/")
        try secure.start()
        let (reader, `operator`) = (secure.client("reader"), secure.client("operator"))
        defer {
            reader.close()
            `operator`.close()
        }
        let heard = reader.listen(prefixes: ["e/", "e/local/decay/"])
        let heardByOperator = `operator`.listen(prefixes: ["e/"])
        try await `operator`.waitForRefusal("'reader' may not listen to 'e/'")
        // Both are said again until the reader's own subscription stands.
        let saying = Task {
            for number in 0..<10_000 where !Task.isCancelled {
                try await `operator`.say("e/local/label/recorded/v1/a/", source: "//local/x", id: "l\(number)")
                try await `operator`.say("e/local/decay/detected/v1/a/", source: "//local/x", id: "d\(number)")
            }
        }
        var topics: [String] = []
        for await frames in heard {
            topics.append(String(decoding: frames[0], as: UTF8.self))
            if topics.count == 5 { break }
        }
        #expect(Set(topics) == ["e/local/decay/detected/v1/a/"])
        for await frames in heardByOperator where frames[0] == Array("e/local/label/recorded/v1/a/".utf8) { break }
        saying.cancel()
        _ = await saying.result
    }

    @Test("a revoked key is put out of a connection that stands; a rotated one is taken up without a restart")
    func life() async throws {
        let secure = try SecureBus()
        for name in ["plc", "plc-2"] {
            try secure.hexloop("keys", "make", name, "--data", secure.directory, "--publish", "e/local/label/")
        }
        try secure.start()
        let (plc, second, `operator`) = (secure.client("plc"), secure.client("plc-2"), secure.client("operator"))
        defer {
            plc.close()
            second.close()
            `operator`.close()
        }
        try await plc.say("e/local/label/recorded/v1/a/", source: "//local/plc/1")
        try await second.say("e/local/label/recorded/v1/a/", source: "//local/plc-2/1")
        let old = try secure.key("plc-2")
        try secure.hexloop("keys", "revoke", "plc", "--data", secure.directory)
        try secure.hexloop("keys", "rotate", "plc-2", "--grace", "0s", "--data", secure.directory)
        #expect(try secure.key("plc-2") != old)
        // Each is met while its connection stands, is put out, and comes back: one in vain, one with its new key.
        try await `operator`.waitForRefusal("the key of 'plc' was revoked")
        try await `operator`.waitForRefusal("the key of 'plc-2' was replaced")
        let refused = await plc.refusal {
            let event = CloudEvent(id: "9", source: "//local/plc/1", type: "x.y")
            _ = try await $0.publish(topic: try Topic("e/local/label/recorded/v1/a/"), event, timeout: .seconds(1))
        }
        #expect([.denied, .timeout].contains(refused))
        try await second.say("e/local/label/recorded/v1/a/", source: "//local/plc-2/1")
    }

    @Test("an access file that cannot be read leaves the rights as they are, and the log says so")
    func brokenFile() async throws {
        let secure = try SecureBus()
        try secure.start()
        let `operator` = secure.client("operator")
        defer { `operator`.close() }
        try await `operator`.say("e/local/x/y/v1/a/", source: "//local/x")
        try Data("{".utf8).write(to: URL(fileURLWithPath: secure.accessFile))
        while !secure.log("bus").contains("the rights that were in force stay in force") {
            _ = try await `operator`.fetch([try TopicFilter("e/")], after: 0)
        }
        try await `operator`.say("e/local/x/y/v1/a/", source: "//local/x")
    }

    @Test("artifacts are fetched and stored by those who may")
    func artifacts() async throws {
        let secure = try SecureBus()
        try secure.hexloop("keys", "init", secure.keys)
        try secure.start()
        try secure.start(
            "registry",
            [
                "HEXLOOP_BUS_KEY": secure.keyPath("registry"), "HEXLOOP_ACCESS_FILE": secure.accessFile,
                "HEXLOOP_VERIFICATION_KEY": "\(secure.keys)/signing.pub",
            ]
        )
        func artifacts(_ name: String) -> ArtifactClient {
            ArtifactClient(secure.address, keyPath: secure.keyPath(name))
        }
        func refusal(_ body: () async throws -> Void) async -> ErrorCode? {
            do { try await body() } catch { return (error as? BusError)?.code }
            return nil
        }
        let bytes = [UInt8](repeating: 7, count: 300_000)
        let digest = "a9ab3b0ac8f8f8a4d6b4f8bc9b5d4d6b6ee3bb1e0ae0c2a6ae1ea9e4f3c0f8aa"
        // Whoever may not store is told so before its bytes are looked at.
        #expect(await refusal { try await artifacts("inference-node").upload(bytes, digest: digest) } == .denied)
        #expect(await refusal { _ = try await artifacts("monitor").download(digest) } == .denied)
        #expect(await refusal { _ = try await artifacts("inference-node").download(digest) } == .notFound)
        #expect(await refusal { try await artifacts("trainer").upload(bytes, digest: digest) } == .digestMismatch)
        let context = try Context()
        var options = SocketOptions()
        options.curve = .client(serverKey: try secure.key("monitor").artifactsKey, keys: try CurveKeyPair.generate())
        let stranger = try Socket(context, .dealer, options: options)
        try stranger.connect(secure.address.endpoint(SocketTable.artifacts))
        let `operator` = secure.client("operator")
        defer { `operator`.close() }
        try await `operator`.waitForRefusal("'inference-node' may not store artifacts", service: "registry")
        try await `operator`.waitForRefusal("is not known", service: "registry")
        _ = stranger.lastEndpoint()
    }
}
