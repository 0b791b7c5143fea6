import Bus
import ChildProcesses
import Events
import Foundation
import FoundationNetworking
import Testing
import WholeLoop
import ZeroMQ

/// Questions through the bus, over HTTP and by the command, and what an operator sees of it, in real processes.
@Suite(.serialized)
struct QuestionTests {
    @Test(
        "A model answers the same through the bus, over HTTP, by the command and at its own door; an operator sees it all",
        .timeLimit(.minutes(3))
    )
    func everyDoor() async throws {
        let stack = try await RunningStack(nodes: 2)
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            try await sameAnswers(stack, factory)
            try await refusals(stack)
            try await operatorsView(stack)
            try await deadLetters(stack)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    private func sameAnswers(_ stack: RunningStack, _ factory: Factory) async throws {
        let request = InferenceRequest(pipeline: "press", inputs: ["load": [1, 2, 3], "speed": [500]], key: "bus-1")
        let bus = try EventCoding.decode(InferenceAnswer.self, from: try await ask(stack, request))
        #expect(bus.key == "bus-1" && bus.pipeline == "press" && bus.node.hasPrefix("node-"))

        let endpoint = "ipc://\(stack.directory)/inference-node/node-1/infer.sock"
        let text = #"{"pipeline": "press", "inputs": {"load": [1, 2, 3], "speed": 500}}"#
        let local = try await DedicatedThread.run("application") { try LocalApplication.ask([text], at: endpoint) }
        let own = try EventCoding.decode(InferenceAnswer.self, from: Array(try #require(local.first).utf8))

        let (status, body) = try await post(
            stack,
            "press",
            #"{"inputs": {"load": [1, 2, 3], "speed": 500}, "key": "http-1"}"#
        )
        #expect(status == 200, "\(body)")
        let http = try EventCoding.decode(InferenceAnswer.self, from: Array(body.utf8))

        let (code, output) = try await hexloop(
            stack,
            "infer",
            "press",
            "--input",
            "load=1,2,3",
            "--input",
            "speed=500",
            "--key",
            "command-1",
            "--json"
        )
        #expect(code == 0, "\(output)")
        let command = try EventCoding.decode(InferenceAnswer.self, from: Array(output.utf8))

        for answer in [own, http, command] {
            #expect(answer.outputs == bus.outputs && answer.digest == bus.digest)
        }
        let many = try await hexloop(
            stack,
            "infer",
            "press",
            "--input",
            "load=1,2,3",
            "--input",
            "speed=500",
            "--count",
            "100"
        )
        #expect(many.0 == 0 && many.1.contains("100 answers, p50"), "\(many.1)")
        print("hexloop infer, two nodes: \(many.1.split(separator: "\n").last ?? "")")
        for key in ["bus-1", "http-1", "command-1", own.key] {
            try await factory.wait(for: PredictionsMade.self) { $0.predictions.contains { $0.key == key } }
        }
    }

    private func refusals(_ stack: RunningStack) async throws {
        let wrong = [
            ("press", #"{"inputs": {"load": [1, 2], "speed": 500}}"#, 422, "bad-shape"),
            ("press", #"{"inputs": {"load": [1, 2, 3]}}"#, 422, "missing-feature"),
            ("press", #"{"inputs": {"load": [1, 2, 3], "speed": 500, "colour": 1}}"#, 422, "unknown-feature"),
            ("press", "no JSON", 400, "bad-data"), ("nothing", #"{"inputs": {"x": 1}}"#, 404, "unknown-pipeline"),
        ]
        for (pipeline, body, expected, code) in wrong {
            let (status, text) = try await post(stack, pipeline, body)
            #expect(status == expected && text.contains(code), "\(pipeline) \(body): \(status) \(text)")
        }
        let shape = try await hexloop(stack, "infer", "press", "--input", "load=1,2", "--input", "speed=500")
        #expect(shape.0 != 0 && shape.1.contains("bad-shape"), "\(shape.1)")
        let unknown = try await hexloop(stack, "infer", "nothing", "--input", "x=1")
        #expect(unknown.0 != 0 && unknown.1.contains("no model of pipeline 'nothing'"), "\(unknown.1)")
        let number = try await hexloop(stack, "infer", "press", "--input", "load=one")
        #expect(number.0 != 0 && number.1.contains("'one' is no number"), "\(number.1)")
    }

    private func operatorsView(_ stack: RunningStack) async throws {
        let (code, output) = try await hexloop(stack, "bus", "status", "--json")
        #expect(code == 0, "\(output)")
        let status = try EventCoding.decode(BusStatus.self, from: Array(output.utf8))
        let infer = try #require(status.groups.first { $0.name == "infer" })
        #expect(infer.members.map(\.name) == ["inference-node/node-1", "inference-node/node-2"])
        #expect(infer.members.contains { $0.serviceSeconds != nil } && infer.credit == 128)
        #expect(status.consumers.contains { $0.name == "monitor/press" && $0.session == "monitor/press" })
        #expect(status.log.head > 240 && status.log.oldest == 1 && status.log.bytes > 0)
        #expect(status.peers.contains { $0.name == "gateway/main" })
        let page = try await hexloop(stack, "bus", "status")
        #expect(page.0 == 0 && page.1.contains("infer") && page.1.contains("monitor/press"), "\(page.1)")

        let busy = try await hexloop(stack, "bus", "forget", "consumer", "monitor/press")
        #expect(busy.0 != 0 && busy.1.contains("is being read"), "\(busy.1)")
        let saved = try await hexloop(stack, "bus", "backup", "one.sqlite", "--json")
        #expect(saved.0 == 0, "\(saved.1)")
        let backup = try EventCoding.decode(BackupProgress.self, from: Array(saved.1.utf8))
        #expect(backup.state == .done && backup.head ?? 0 >= status.log.head)
        #expect(FileManager.default.fileExists(atPath: backup.path))
        let again = try await hexloop(stack, "bus", "backup", "one.sqlite")
        #expect(again.0 != 0 && again.1.contains("exists"), "\(again.1)")
    }

    /// A job fails until it is dead, is requeued, and done.
    private func deadLetters(_ stack: RunningStack) async throws {
        let filter = try TopicFilter("e/local/poison/")
        let (id, jobs) = stack.bus.join(JoinRequest(group: "poison", filters: [filter], start: .head, credit: 1))
        let event = CloudEvent(id: "p-1", source: "//test", type: "test.poison")
        let sequence = try await stack.bus.publish(topic: try Topic("e/local/poison/said/v1/x/"), event).sequence
        for _ in 0..<5 {
            let job = try #require(await jobs.next(max: 1).first)
            #expect(job.record.sequence == sequence)
            stack.bus.fail(id, job.token, Refusal(.failed, "it bites"))
        }
        // The dead letter is written when the group's next job comes, at the latest.
        var listed = ""
        while !listed.contains("it bites") {
            listed = try await hexloop(stack, "bus", "dead", "list", "--group", "poison", "--json").1
        }
        let letter = try EventCoding.decode(DeadLetter.self, from: Array(listed.utf8))
        #expect(letter.sequence == sequence && letter.deliveries == 5)
        let shown = try await hexloop(stack, "bus", "dead", "show", "poison", "\(sequence)")
        #expect(shown.0 == 0 && shown.1.contains("test.poison"), "\(shown.1)")
        let requeued = try await hexloop(stack, "bus", "dead", "requeue", "poison", "\(sequence)")
        #expect(requeued.0 == 0 && requeued.1.contains("1 requeued"), "\(requeued.1)")
        let job = try #require(await jobs.next(max: 1).first)
        #expect(job.record.sequence == sequence && job.token.delivery == 1)
        stack.bus.finish(id, job.token)
        let twice = try await hexloop(stack, "bus", "dead", "requeue", "poison", "\(sequence)")
        #expect(twice.0 != 0 && twice.1.contains("no dead letter"), "\(twice.1)")
        stack.bus.leave(id)
        let forgotten = try await hexloop(stack, "bus", "forget", "group", "poison")
        #expect(forgotten.0 == 0, "\(forgotten.1)")
    }

    private func ask(_ stack: RunningStack, _ request: InferenceRequest) async throws -> [UInt8] {
        let topic = try InferenceRequest.kind.topic(site: "local", subject: request.subject)
        let event = try CloudEvent(
            request,
            id: UUID().uuidString,
            source: "//test",
            time: Timestamp(seconds: Date().timeIntervalSince1970)
        )
        return try await stack.bus.request(topic: topic, event, timeout: .seconds(40))
    }

    private func post(_ stack: RunningStack, _ pipeline: String, _ body: String) async throws -> (Int, String) {
        let url = try #require(URL(string: "http://127.0.0.1:\(stack.gatewayPort)/pipelines/\(pipeline)/infer"))
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }

    private func hexloop(_ stack: RunningStack, _ arguments: String...) async throws -> (Int32, String) {
        let output = "\(stack.directory)/\(UUID().uuidString).txt"
        let child = try ChildProcess("hexloop", arguments: arguments + ["--data", stack.directory], output: output)
        let code = try await DedicatedThread.run("wait") { child.wait() }
        defer { try? FileManager.default.removeItem(atPath: output) }
        return (code, try String(contentsOfFile: output, encoding: .utf8))
    }
}
