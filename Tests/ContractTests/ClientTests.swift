import Bus
import Events
import Foundation
import Glibc
import Testing
import WholeLoop
import ZeroMQ

/// `examples/clients` against the real programs, with the broker killed in the middle, and everything that was said
/// then against the schemas.
@Suite("Programs in Python and C", .enabled(if: Repository.python != nil, Repository.noPython))
struct ClientTests {
    @Test(
        "are heard, hear all, survive the broker, and every event of the run fits the contract",
        .timeLimit(.minutes(3))
    )
    func clients() async throws {
        let stack = try await RunningStack()
        do {
            let run = try ClientRun(stack)
            defer { run.clean() }
            let telemetry = stack.bus.listen(prefixes: ["t/"])
            try await run.buildC()
            async let badInput: Void = run.badInput()
            async let noBus: Void = run.noBus()
            try await run.factory.begin()
            try await run.http()
            try await run.simpleDoor()
            try await run.page()
            try await run.localDoor()
            try await run.artifacts()
            try await run.questions()
            try await run.workers()
            try await run.leaks()
            try await badInput
            try await run.brokerKilled()
            try await noBus
            try await run.contract(telemetry)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }
}

private struct ClientRun {
    let stack: RunningStack
    let factory: Factory
    let address: String
    let directory: String
    let python: String

    init(_ stack: RunningStack) throws {
        self.stack = stack
        factory = Factory(stack: stack, pipeline: "press")
        address = "ipc://\(stack.directory)/run"
        python = try #require(Repository.python)
        directory = "/tmp/hexloop-clients-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func clean() { try? FileManager.default.removeItem(atPath: directory) }

    // MARK: Starting programs

    private func script(_ name: String) -> String {
        Repository.root.appendingPathComponent("examples/clients/python/\(name).py").path
    }

    private func run(_ name: String, _ arguments: String...) async throws -> String {
        let (code, output) = try await Repository.run(python, [script(name)] + arguments)
        if code != 0 { throw ContractError("\(name).py ended with \(code): \(output)\n\(stack.output)") }
        return output
    }

    private func shell(_ line: String) async throws -> (code: Int32, output: String) {
        try await Repository.run("/bin/sh", ["-c", line])
    }

    func buildC() async throws {
        let source = Repository.root.appendingPathComponent("examples/clients/c").path
        let (code, output) = try await shell(
            "make -C '\(source)' OUT='\(directory)' CFLAGS='-O1 -gdwarf-4' CC=$(command -v clang || command -v cc)"
        )
        try #require(code == 0, "\(output)")
    }

    // MARK: Reading the log

    /// Waits for `count` records that match, from the beginning of the log, and gives them.
    private func records(_ filter: String, count: Int) async throws -> [Record] {
        let (id, channel) = stack.bus.subscribe(
            SubscribeRequest(consumer: nil, filters: [try TopicFilter(filter)], start: .origin, credit: 256)
        )
        defer { stack.bus.leave(id) }
        var found: [Record] = []
        while found.count < count {
            let batch = await channel.next(max: 64)
            guard let last = batch.last else { throw ContractError("the bus ended\n" + stack.output) }
            found += batch
            stack.bus.acknowledge(id, upTo: last.sequence, credit: batch.count)
        }
        return found
    }

    private func labels(_ records: [Record]) throws -> [String] {
        try records.map { try $0.event().decode(LabelRecorded.self).key }
    }

    // MARK: What clients do

    func http() async throws {
        let url = "http://127.0.0.1:\(stack.gatewayPort)/events"
        let output = try await run("cloudevents_http", url, "press-out")
        let lines = output.split(separator: "\n")
        #expect(lines.map { $0.prefix { $0 != "{" } } == ["binary 202 ", "structured 202 ", "batch 202 "])
        for line in lines { try fits("http/accepted.v1", line.drop { $0 != "{" }) }
        let keys = try labels(try await records("e/*/label/recorded/v1/press-out/", count: 5))
        #expect(keys == ["http-binary", "http-structured", "http-batch-0", "http-batch-1", "http-batch-2"])
        let (code, refused) = try await Repository.run(python, [script("cloudevents_http"), url, "nobody"])
        #expect(code == 1)
        #expect(refused.contains("422") && refused.contains("unknown-pipeline"))
        try fits("http/refused.v1", refused.drop { $0 != "{" })
    }

    private func fits(_ schema: String, _ text: some StringProtocol) throws {
        let value = try EventCoding.decode(JSONValue.self, from: Array(text.utf8))
        #expect(try Schema("docs/schemas/\(schema).json").faults(value) == [])
    }

    func localDoor() async throws {
        let socket = "ipc://\(stack.directory)/inference-node/node-1/infer.sock"
        let inputs = #"{"load": [1, -2, 0.5], "speed": 500}"#
        let answer = try await run("local_door", socket, "press", inputs, "local-1")
        try fits("local/answer.v1", answer)
        #expect(answer.contains(#""key": "local-1""#))
        for (pipeline, inputs, code) in [("nobody", inputs, "no-model"), ("press", #"{"load": 1}"#, "-")] {
            let (status, refused) = try await Repository.run(python, [script("local_door"), socket, pipeline, inputs])
            #expect(status == 1)
            #expect(refused.contains(code), "\(refused)")
            try fits("local/answer.v1", refused)
        }
    }

    func simpleDoor() async throws {
        _ = try await run("simple_door", address, "simple", "1.5", "2.5", "-3")
        let found = try await records("e/*/label/recorded/v1/simple/", count: 3)
        #expect(try found.map { try $0.event().decode(LabelRecorded.self).value } == [1.5, 2.5, -3])
    }

    /// The programs that docs/wire.md shows.
    func page() async throws {
        let page = try Repository.text("docs/wire.md")
        let blocks = page.components(separatedBy: "\n```python\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```\n").first }
        try #require(blocks.count == 4)
        for (number, block) in blocks.enumerated() {
            let path = "\(directory)/page-\(number).py"
            try block.write(toFile: path, atomically: true, encoding: .utf8)
        }
        func run(_ number: Int, _ arguments: String = "", then: String = "") async throws -> String {
            let (code, output) = try await shell("'\(python)' '\(directory)/page-\(number).py' \(arguments) \(then)")
            #expect(code == 0, "\(output)")
            return output
        }
        _ = try await run(0)  // The checksum, with its own assertion.
        _ = try await run(1, address)
        _ = try await records("e/*/label/recorded/v1/wti-next/", count: 1)
        #expect(try await run(2, "\(address) page-1").hasPrefix("in the log at"))
        #expect(try await run(2, "\(address) page-1").contains("(it was there before)"))
        let lines = try await run(3, address, then: "2>/dev/null | head -n 20").split(separator: "\n")
        #expect(lines.count == 20)
        #expect(lines.first?.hasPrefix("1 dev.hexloop.pipeline.pushed.v1 ") == true)
    }

    func artifacts() async throws {
        let file = "\(directory)/artifact"
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<600_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let digest = try await run("artifact", "put", address, file).trimmingCharacters(in: .whitespacesAndNewlines)
        // A download that broke off in the middle of a chunk.
        try Data(bytes.prefix(300_000)).write(to: URL(fileURLWithPath: "\(file).copy.part"))
        #expect(try await run("artifact", "get", address, digest, "\(file).copy") == "600000 bytes\n")
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(file).copy")) == Data(bytes))
        // One whose beginning is wrong is refused, and does not stay.
        try Data(bytes.prefix(300_000).reversed()).write(to: URL(fileURLWithPath: "\(file).copy.part"))
        let (code, output) = try await Repository.run(
            python,
            [script("artifact"), "get", address, digest, "\(file).copy"]
        )
        #expect(code == 1)
        #expect(output.contains("digest-mismatch"))
        #expect(!FileManager.default.fileExists(atPath: "\(file).copy.part"))
        #expect(try await run("artifact", "put", address, file).contains(digest), "once more does no harm")
    }

    func questions() async throws {
        let kind = RegistryQuery.kind.type
        let topic = try RegistryQuery.kind.topic(site: "local", subject: "registry").text
        for question in RegistryQuery.Question.allCases {
            let answer = try await run("ask", address, topic, kind, #"{"question": "\#(question.rawValue)"}"#)
            try fits("answers/\(question.rawValue).v1", answer)
        }
        let model = try InferenceRequest.kind.topic(site: "local", subject: "press").text
        let request = #"{"pipeline": "press", "key": "ask-1", "inputs": {"load": [1, -2, 0.5], "speed": 500}}"#
        try fits("answers/inference.v1", try await run("ask", address, model, InferenceRequest.kind.type, request))
        // A foreign asker and a foreign member; whoever comes first waits for the other.
        async let member = run("worker", address, "echo", "q/*/echo/", "1")
        let answer = try await run(
            "ask",
            address,
            "q/local/echo/ask/v1/x/",
            "com.example.echo.v1",
            #"{"a": [1, null]}"#
        )
        #expect(
            try EventCoding.decode(JSONValue.self, from: Array(answer.utf8))
                == .object(["a": .array([.integer(1), .null])])
        )
        #expect(try await member.hasSuffix("delivery 1\n"))
    }

    func workers() async throws {
        for part in 0..<4 {
            let data = part == 2 ? #"{"part": 2, "poison": true}"# : #"{"part": \#(part)}"#
            let event = CloudEvent(
                id: "part-\(part)",
                source: "//factory/parts",
                type: "com.example.part.v1",
                dataContentType: "application/json",
                data: Array(data.utf8)
            )
            _ = try await stack.bus.publish(topic: try Topic("e/local/external/com.example.part.v1/v1/parts/"), event)
        }
        let output = try await run("worker", address, "sorting", "e/*/external/com.example.part.v1/", "8")
        let lines = output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("done") && $0.hasSuffix("delivery 1") }.count == 3)
        #expect(lines.filter { $0.hasPrefix("failed") }.map { String($0.suffix(1)) } == ["1", "2", "3", "4", "5"])
        try await factory.wait(for: EventRefused.self) {
            $0.service == "sorting" && $0.id == "part-2" && $0.message.contains("cannot be sorted")
        }
        let broker = try BusQuery.kind.topic(site: "local", subject: "bus").text
        for (question, schema) in [("status", "bus-status"), ("dead.list", "dead-letters")] {
            let answer = try await run("ask", address, broker, BusQuery.kind.type, #"{"question": "\#(question)"}"#)
            try fits("answers/\(schema).v1", answer)
            #expect(answer.contains("sorting"))
        }
    }

    /// Two numbered and named publishers and two consumers at work while the broker is killed.
    func brokerKilled() async throws {
        let count = 300
        let events = (0..<count).map { number in
            #"{"specversion":"1.0","id":"c-\#(number)","source":"//plant-a/c/main","type":"dev.hexloop.label.recorded.v1","#
                + #""data":{"stream":"kill-c","key":"k-\#(number)","value":\#(number)}}"#
        }
        try (events.joined(separator: "\n") + "\n").write(
            toFile: "\(directory)/events",
            atomically: true,
            encoding: .utf8
        )
        async let numbered = run("publisher", address, "\(directory)/outbox.sqlite", "kill-py", "\(count)")
        async let named = shell(
            "'\(directory)/publish' \(address) e/local/label/recorded/v1/kill-c/ < '\(directory)/events'"
        )
        async let counted = run(
            "consumer",
            address,
            "\(directory)/counts.sqlite",
            "e/*/label/recorded/v1/kill-py/",
            "\(count)"
        )
        async let printed = shell(
            "'\(directory)/consume' \(address) 'e/*/label/recorded/v1/kill-c/' '\(directory)/cursor' \(count)"
        )
        _ = try await records("e/*/label/recorded/v1/kill-c/", count: 20)
        try stack.kill("bus")
        _ = try await records("e/*/label/recorded/v1/kill-c/", count: 120)
        try stack.kill("bus")

        #expect(try await numbered == "\(count) events are in the log\n")
        let cPublisher = try await named
        #expect(cPublisher.code == 0, "\(cPublisher.output)")
        #expect(cPublisher.output.split(separator: "\n").count == count)
        #expect(try await counted.contains("\(count) events, 0 of them twice"))
        let cConsumer = try await printed
        #expect(cConsumer.code == 0, "\(cConsumer.output)")
        let expected = (0..<count).map { "k-\($0)" }
        for stream in ["kill-py", "kill-c"] {
            let all = try await factory.records(LabelRecorded.self).filter { $0.1.stream == stream }
            #expect(all.map(\.1.key) == expected, "\(stream): each once, in order")
        }
        let lines = cConsumer.output.split(separator: "\n")
        #expect(lines.count == count)
        #expect(zip(lines, expected).allSatisfy { $0.contains("\"key\":\"\($1)\"") })
        // The next run goes on behind the cursor, and publishing the same again doubles nothing.
        let again = try await shell(
            "head -n 3 '\(directory)/events' | '\(directory)/publish' \(address) e/local/label/recorded/v1/kill-c/"
        )
        #expect(again.output.split(separator: "\n").allSatisfy { $0.hasSuffix("it was there before") })
        #expect(
            try await run("publisher", address, "\(directory)/outbox.sqlite", "kill-py", "\(count)").hasPrefix(
                "\(count) "
            )
        )
    }

    /// Messages that help, and exit codes that scripts can use.
    func badInput() async throws {
        let label = #"{"specversion":"1.0","id":"1","source":"//c","type":"t"}"#
        let lines: [(String, Int32, String)] = [
            ("ask.py \(address) q/local/nobody/ask/v1/x/ com.example.ask.v1 nonsense", 1, "the data is no JSON"),
            ("ask.py \(address) Q/x com.example.ask.v1 1", 1, "bad-topic"),
            ("publisher.py", 1, "usage: publisher.py"), ("publisher.py a b c many", 1, "usage: publisher.py"),
            (
                "consumer.py http://bus '\(directory)/x.sqlite' e/ 1", 1,
                "must be ipc://<absolute directory>, tcp://<host>"
            ),
            ("consumer.py \(address) '\(directory)/x.sqlite' E/ 1", 1, "bad-frame"),
            ("worker.py \(address) a b c", 1, "usage: worker.py"),
            ("worker.py \(address) 'Bad Name' e/ 1", 1, "bad-frame"),
            ("artifact.py get \(address) abc '\(directory)/x'", 1, "not-found"),
            ("artifact.py put \(address) '\(directory)/missing'", 1, "No such file"),
            ("cloudevents_http.py http://127.0.0.1:1/events s", 1, "no gateway at"),
            ("simple_door.py", 1, "usage: simple_door.py"),
            ("publish", 2, "usage: publish"), ("consume \(address)", 2, "usage: consume"),
            ("publish http://bus e/a/ < /dev/null", 1, "must be ipc://<absolute directory>, tcp://<host>"),
            ("consume \(address) e/X '\(directory)/x' 1", 1, "bad-frame"),
            ("echo nonsense | publish \(address) e/local/x/", 1, "bad-data"),
            ("echo '\(label)' | publish \(address) e/Local/", 1, "bad-topic"),
        ]
        let folder = Repository.root.appendingPathComponent("examples/clients/python").path
        for (line, code, message) in lines {
            // Only the last word of a pipe is one of ours.
            var words = line.components(separatedBy: " | ")
            let program = words[words.count - 1].split(separator: " ")[0]
            let place = program.hasSuffix(".py") ? "'\(python)' '\(folder)'/" : "'\(directory)'/"
            words[words.count - 1] = place + words[words.count - 1]
            let result = try await shell(words.joined(separator: " | "))
            #expect(result.code == code, "\(line): \(result.output)")
            #expect(result.output.contains(message), "\(line): \(result.output)")
            #expect(!result.output.contains("Traceback"), "\(line): \(result.output)")
        }
    }

    /// A bus that is not there is named after ten seconds.
    func noBus() async throws {
        let nowhere = "ipc://\(directory)/nowhere"
        let outbox = "\(directory)/waiting.sqlite"
        let (code, output) = try await Repository.run(python, [script("publisher"), nowhere, outbox, "s", "1"])
        #expect(code == 1)
        #expect(output.contains("timeout: no bus at \(nowhere); is it running?"))
    }

    /// The C programs under valgrind, where it is installed.
    ///
    /// A connection that libzmq is making at the moment when its context ends is never freed, by libzmq. A run that lost
    /// nothing but that, which no call of the programs made, is repeated; one of a few must be clean.
    func leaks() async throws {
        guard try await shell("command -v valgrind").code == 0 else { return }
        let check = "valgrind -q --leak-check=full --error-exitcode=9"
        let event =
            #"{"specversion":"1.0","id":"leak","source":"//c","type":"dev.hexloop.label.recorded.v1","#
            + #""data":{"stream":"simple","key":"k","value":1}}"#
        let lines: [(_ attempt: Int) -> String] = [
            { _ in "echo '\(event)' | \(check) '\(directory)/publish' \(address) e/local/label/recorded/v1/simple/" },
            { "\(check) '\(directory)/consume' \(address) 'e/*/example/' '\(directory)/leak-\($0)' 70" },
        ]
        for line in lines {
            var last: (code: Int32, output: String) = (9, "")
            for attempt in 1...4 where last.code == 9 && !last.output.contains(": main (") {
                last = try await shell(line(attempt))
            }
            #expect(last.code == 0, "\(last.output)")
        }
    }

    // MARK: The contract

    /// Every record of the run's log, and telemetry, against AsyncAPI and the schemas.
    func contract(_ telemetry: AsyncStream<Frames>) async throws {
        var all: [Record] = []
        var after: UInt64 = 0
        while true {
            let (page, scanned) = try await stack.bus.fetch([try TopicFilter("")], after: after, timeout: .seconds(20))
            all += page
            if scanned == after { break }
            after = scanned
        }
        for await frames in stack.bus.listen(prefixes: ["c/head/"]) {
            try #require(frames.count == 2)
            try fits("commands/head.v1", String(decoding: frames[1], as: UTF8.self))
            break
        }
        var missing: Set = [ServiceBeat.kind.type, TrainingProgressed.kind.type]
        for await frames in telemetry {
            guard let record = try? Record(frames: frames) else { continue }
            all.append(record)
            missing.remove(try record.event().type)
            if missing.isEmpty { break }
        }
        var lines: [String] = []
        var seen: Set<String> = []
        var schemas: [String: Schema] = [:]
        for record in all {
            let event = try record.event()
            seen.insert(event.type)
            let header = try EventCoding.decode(JSONValue.self, from: record.header)
            let data = try EventCoding.decode(JSONValue.self, from: record.data)
            if let kind = EventCatalogue.kind(ofType: event.type) {
                let schema = try schemas[event.type] ?? Schema("docs/schemas/\(Contract.name(kind.kind)).json")
                schemas[event.type] = schema
                #expect(schema.faults(data) == [], "record \(record.sequence)")
            }
            let line = JSONValue.object(["topic": .string(record.topic), "attributes": header, "data": data])
            lines.append(String(decoding: try EventCoding.encode(line), as: UTF8.self))
        }
        #expect(seen.count >= 17, "\(seen.sorted())")
        let file = "\(directory)/run.jsonl"
        try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let validate = Repository.root.appendingPathComponent("Tests/ContractTests/validate.py").path
        let (code, output) = try await Repository.run(python, [validate, file])
        #expect(code == 0, "\(output)")
        #expect(output.contains("\(all.count) events of"), "\(output)")
    }
}
