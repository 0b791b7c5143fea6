import Bus
import Events
import Foundation
import Glibc
import Testing
import WholeLoop
import ZeroMQ

/// The whole loop in real processes, over `ipc://` where nothing else is said.
@Suite(.serialized)
struct LapTests {
    private static let programs = [
        "bus", "registry", "converter", "trainer", "inference-node", "monitor", "alert", "gateway",
    ]

    @Test(
        "A changed world becomes a decay event, three models, and a new champion on every node, with keys too",
        .timeLimit(.minutes(3)),
        arguments: [false, true]
    )
    func lapCloses(hasKeys: Bool) async throws {
        let stack = try await RunningStack(nodes: 2, hasKeys: hasKeys)
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            let decayed = try await factory.stepUntil(DecayDetected.self, from: 0, shift: 12) { _ in true }
            var end = decayed
            var lap: Lap?
            while lap == nil, end < decayed + 600 {
                try await factory.step(end, shift: 12)
                end += 1
                if end % 5 == 0 { lap = try await closedLap(factory) }
            }
            let closed = try #require(lap, "no lap closed in 600 steps")
            try await factory.expectAllAnswered(0..<end)

            #expect(closed.candidates == 3)
            let times = [
                closed.detected, closed.trainingStarted, closed.trained, closed.converted, closed.gatesPassed,
                closed.firstNode, closed.lastNode,
            ]
            #expect(times.allSatisfy { $0 != nil })
            // One node's answers may clear the decay before another node has loaded.
            #expect((closed.cleared ?? .zero) > (closed.firstNode ?? .zero))
            #expect(zip(times, times.dropFirst()).allSatisfy { ($0 ?? .zero) <= ($1 ?? .zero) })
            let rollout = try #require(try await factory.all(RolloutCompleted.self).last)
            #expect(rollout.nodes == ["node-1", "node-2"])
            let nodes = Set(try await factory.all(PredictionsMade.self).map(\.node))
            #expect(nodes == ["node-1", "node-2"])
            // Each program has the rights that it needs.
            let refused = try await factory.all(EventRefused.self).filter { $0.code == .denied }
            #expect(refused.map(\.message) == [])
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    @Test(
        "The loop closes and nothing acknowledged is lost when a program is killed",
        .timeLimit(.minutes(3)),
        arguments: programs
    )
    func survivesKill(of program: String) async throws {
        let stack = try await RunningStack()
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            var generator = SeededGenerator(seed: 17)
            let before = Int.random(in: 3...9, using: &generator)
            for index in 0..<before { try await factory.step(index, shift: 12) }
            try stack.kill(program)
            let detected = try await factory.stepUntil(DecayDetected.self, from: before, shift: 12) { _ in true }
            try stack.kill(program)
            let end = try await factory.stepUntil(ModelPromoted.self, from: detected, shift: 12) {
                $0.alias == "champion" && $0.previous != nil
            }
            try await factory.expectAllAnswered(0..<end)

            let observed = try await factory.records(ObservationRecorded.self).map(\.1.key)
            #expect(observed.count == end && Set(observed).count == end, "each acknowledged event is in the log once")
            let labels = try await factory.records(LabelRecorded.self).map(\.1.key)
            #expect(labels.count == end && Set(labels).count == end)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    @Test("What cannot be used is refused by name, and the loop goes on", .timeLimit(.minutes(3)))
    func badInput() async throws {
        let stack = try await RunningStack()
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            let stream = "press-in"
            try await factory.publish(
                ObservationRecorded(stream: stream, key: "bad-1", inputs: ["load": [1, 2, 3], "spede": [1]])
            )
            try await factory.publish(
                ObservationRecorded(stream: stream, key: "bad-2", inputs: ["load": [1, .nan, 3], "speed": [1]])
            )
            try await factory.publish(
                ObservationRecorded(stream: stream, key: "bad-3", inputs: ["load": [1, 2, 3], "speed": [-1]])
            )
            try await factory.publish(ObservationRecorded(stream: "nobody", key: "bad-4", inputs: ["x": [1]]))
            try await factory.publish(TrainingRequested(pipeline: "unknown", reason: "test"))
            try await factory.publish(PipelinePushed(pipeline: "press", file: "pipeline: press\nautomatoin: automatic"))
            for (code, word) in [
                (ErrorCode.unknownFeature, "spede"), (.notFinite, "load[1]"), (.outOfSchema, "speed"),
                (.noModel, "nobody"), (.unknownPipeline, "unknown"),
            ] {
                try await factory.wait(for: EventRefused.self) { $0.code == code && $0.message.contains(word) }
            }
            try await factory.wait(for: PipelineRejected.self) { $0.message.contains("automatoin") }
            let rollout = try #require(try await factory.all(RolloutStepped.self).last)
            var forged = rollout
            forged.champion.digest = String(repeating: "0", count: 64)
            try await factory.publish(forged)
            try await factory.wait(for: ModelRefused.self) { $0.code == .badSignature }
            try await factory.publish(rollout)
            try await factory.step(0, shift: 0)
            try await factory.expectAllAnswered(0..<1)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    @Test(
        "A flipped byte in a node's own copy is repaired, in the registry's copy it is refused by name",
        .timeLimit(.minutes(3))
    )
    func damagedContainer() async throws {
        let stack = try await RunningStack()
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            let digest = try #require(try await factory.all(RolloutStepped.self).last).champion.digest
            let own = "\(stack.directory)/inference-node/node-1/models/\(digest)"
            let registered = "\(stack.directory)/registry/artifacts/\(digest)"
            let loads = try await factory.all(ModelLoaded.self).count

            try Self.flipByte(of: own)
            try stack.kill("inference-node")
            while try await factory.all(ModelLoaded.self).count == loads {}
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: own)) == Data(contentsOf: URL(fileURLWithPath: registered))
            )

            try Self.flipByte(of: own)
            try Self.flipByte(of: registered)
            try stack.kill("inference-node")
            try await factory.wait(for: ModelRefused.self) {
                $0.digest == digest && $0.code == .digestMismatch && $0.message.contains(digest)
            }
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    private static func flipByte(of path: String) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    @Test(
        "An application on the device is answered while the bus is away, and its predictions follow later",
        .timeLimit(.minutes(3))
    )
    func localDoor() async throws {
        let stack = try await RunningStack()
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            try stack.signal("bus", SIGSTOP)
            let requests = (0..<20).map { index in
                #"{"pipeline": "press", "key": "k-\#(index)", "inputs": {"load": [1, 2, \#(index)], "speed": [500]}}"#
            }
            let unusable = [#"{"pipeline": "press", "inputs": {"load": [1, 2], "speed": [500]}}"#, "no JSON"]
            let endpoint = "ipc://\(stack.directory)/inference-node/node-1/infer.sock"
            let answers = try await DedicatedThread.run("application") {
                try LocalApplication.ask(requests + unusable, at: endpoint)
            }
            try stack.signal("bus", SIGCONT)
            for answer in answers.prefix(requests.count) { #expect(answer.contains("outputs"), "\(answer)") }
            #expect(answers[20].contains("bad-shape"), "\(answers[20])")
            #expect(answers[21].contains("bad-data"), "\(answers[21])")
            try await factory.expectAllAnswered(0..<20)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    /// A lap whose own model brought the error back under the near level, once its last arc is known.
    private func closedLap(_ factory: Factory) async throws -> Lap? {
        try await laps(factory).first { $0.cause == "decay.detected" && $0.outcome == "closed" && $0.lastNode != nil }
    }

    private func laps(_ factory: Factory) async throws -> [Lap] {
        let query = RegistryQuery(.laps)
        let topic = try RegistryQuery.kind.topic(site: "local", subject: query.subject)
        let event = try CloudEvent(
            query,
            id: UUID().uuidString,
            source: "//factory",
            time: Timestamp(seconds: Date().timeIntervalSince1970)
        )
        let answer = try await factory.stack.bus.request(topic: topic, event)
        return try EventCoding.decode(LapsAnswer.self, from: answer).laps
    }
}

extension Timestamp {
    fileprivate static let zero = Timestamp(microseconds: 0)
}

/// SplitMix64, so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
