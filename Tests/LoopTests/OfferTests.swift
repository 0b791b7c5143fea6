import Bus
import ChildProcesses
import Events
import ForeignModels
import Foundation
import FoundationNetworking
import ModelImport
import Testing
import WholeLoop
import ZeroMQ

/// Models of other programs on their way to the nodes, in real processes.
@Suite(.serialized)
struct OfferTests {
    /// `sum(load) + speed / 100`, which is the factory's truth, and a little beside it.
    private static func file(bias: Float) -> [UInt8] {
        ONNXFile.linear(weights: [[1, 1, 1, 0.01]], bias: [bias])
    }

    private static func rows(_ factory: Factory, _ range: Range<Int>, shift: Double) -> (rows: [UInt8], labels: [UInt8])
    {
        let floats = range.flatMap { index in
            let inputs = factory.inputs(index)
            return ((inputs["load"] ?? []) + (inputs["speed"] ?? [])).map(Float.init)
        }
        let labels = range.map { Float(factory.target($0, shift: shift)) }
        return (
            ArrayFile(floats: floats, shape: [range.count, 4]).contents(.npy),
            ArrayFile(floats: labels, shape: [range.count]).contents(.npy)
        )
    }

    @Test(
        "A model that was never trained here is offered by the command and answers; a better one takes its place",
        .timeLimit(.minutes(3)),
        arguments: [false, true]
    )
    func withoutTrainer(hasKeys: Bool) async throws {
        let stack = try await RunningStack(hasKeys: hasKeys)
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.publish(PipelinePushed(pipeline: "press", file: factory.file))
            try await factory.wait(for: PipelineRegistered.self) { $0.pipeline == "press" }
            let (rows, labels) = Self.rows(factory, 0..<200, shift: 12)
            try stack.write(Self.file(bias: 0), "first.onnx")
            try stack.write(Self.file(bias: 12.25), "second.onnx")
            try stack.write(rows, "rows.npy")
            try stack.write(labels, "labels.npy")
            try stack.write(ONNXFile.linear(weights: [[1, 1]], bias: [0]), "narrow.onnx")

            let nothing = try await offer(stack, "first.onnx", hasKeys)
            #expect(nothing.0 != 0 && nothing.1.contains("too-few-rows"), "\(nothing.1)")
            let narrow = try await offer(stack, "narrow.onnx", hasKeys, "--calibration", "rows.npy")
            #expect(narrow.0 != 0 && narrow.1.contains("bad-shape") && narrow.1.contains("'x' [2]"), "\(narrow.1)")
            let first = try await offer(stack, "first.onnx", hasKeys, "--calibration", "rows.npy", "--by", "ada")
            #expect(first.0 == 0 && first.1.contains("is served by all: node-1"), "\(first.1)")
            #expect(try await answer(factory) < 12)

            let unlabelled = try await offer(stack, "second.onnx", hasKeys, "--calibration", "rows.npy")
            #expect(unlabelled.0 != 0 && unlabelled.1.contains("no labelled rows"), "\(unlabelled.1)")
            let second = try await offer(
                stack,
                "second.onnx",
                hasKeys,
                "--calibration",
                "rows.npy",
                "--labels",
                "labels.npy"
            )
            #expect(second.0 == 0, "\(second.1)")
            #expect(try await answer(factory) > 12)

            let served = try await ask(stack, RegistryQuery(.history), HistoryAnswer.self).served
            #expect(served.map(\.source?.file) == ["first.onnx", "second.onnx"])
            #expect(served.first?.source?.by == "ada" && served.first?.source?.format == .onnx)
            #expect(served.map(\.candidate) == ["first", "second"])
            let laps = try await ask(stack, RegistryQuery(.laps), LapsAnswer.self).laps
            #expect(laps.allSatisfy { $0.cause == "model.offered" })
            #expect(laps.map(\.outcome) == ["failed", "failed", "promoted", "rejected", "promoted"])
            let refused = try await factory.all(EventRefused.self).filter { $0.code == .denied }
            #expect(refused.map(\.message) == [])
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    @Test(
        "A model that is posted replaces the trained one, whenever the converter or the registry is killed",
        .timeLimit(.minutes(3))
    )
    func posted() async throws {
        let stack = try await RunningStack()
        do {
            let factory = Factory(stack: stack, pipeline: "press")
            try await factory.begin()
            let (rows, labels) = Self.rows(factory, 0..<200, shift: 0)
            let (rowsDigest, labelsDigest) = (
                try await post(stack, "artifacts", rows, 201, "digest"),
                try await post(stack, "artifacts", labels, 201, "digest")
            )
            // What the trained model is measured by is not exact; what is offered is off by less than it is.
            try stack.signal("converter", SIGSTOP)
            let run = try await post(
                stack,
                "pipelines/press/models?name=foreign&by=ada&calibration=\(rowsDigest)&labels=\(labelsDigest)",
                Self.file(bias: 0.05),
                202,
                "run"
            )
            try stack.kill("converter")
            try await factory.wait(for: ConversionCompleted.self) { $0.source != nil }
            try stack.kill("registry")
            let lap = try await ended(stack, run)
            #expect(lap.cause == "model.offered" && lap.candidates == 1)
            let judged = try await factory.all(ModelRegistered.self).map(\.candidate)
            let rejected = try await factory.all(ModelRejected.self)
            #expect(judged.contains("foreign") || rejected.contains { $0.candidate == "foreign" }, "\(rejected)")
            #expect(lap.outcome == "promoted", "\(rejected.map(\.message))")

            let empty = try await post(stack, "pipelines/press/models", [], 400, "code")
            #expect(empty == "bad-data")
            let unknown = try await post(stack, "pipelines/nothing/models", Self.file(bias: 0), 404, "code")
            #expect(unknown == "unknown-pipeline")
            var file = ONNXFile()
            file.add("LSTM", ["x"], "y")
            let foreign = file.bytes(inputs: [("x", [nil, 4])], outputs: [("y", [nil, 1])])
            _ = try await post(stack, "pipelines/press/models?name=lstm", foreign, 202, "run")
            try await factory.wait(for: ConversionFailed.self) {
                $0.candidate == "lstm" && $0.code == .unsupported && $0.message.contains("LSTM")
            }
            try await factory.step(0, shift: 0)
            try await factory.expectAllAnswered(0..<1)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    // MARK: Doors

    private func answer(_ factory: Factory) async throws -> Float {
        let request = InferenceRequest(pipeline: "press", inputs: ["load": [1, 1, 1], "speed": [500]])
        let topic = try InferenceRequest.kind.topic(site: "local", subject: request.subject)
        let bytes = try await factory.stack.bus.request(topic: topic, try event(request), timeout: .seconds(40))
        return try EventCoding.decode(InferenceAnswer.self, from: bytes).outputs.first ?? .nan
    }

    private func ask<Answer: Decodable>(
        _ stack: RunningStack,
        _ query: RegistryQuery,
        _ answer: Answer.Type
    ) async throws -> Answer {
        let topic = try RegistryQuery.kind.topic(site: "local", subject: query.subject)
        let bytes = try await stack.bus.request(topic: topic, try event(query), timeout: .seconds(40))
        return try EventCoding.decode(answer, from: bytes)
    }

    private func event(_ event: any Event) throws -> CloudEvent {
        try CloudEvent(
            event,
            id: UUID().uuidString,
            source: "//test",
            time: Timestamp(seconds: Date().timeIntervalSince1970)
        )
    }

    /// The lap of a run when it is over, or its model is on all nodes.
    private func ended(_ stack: RunningStack, _ run: String) async throws -> Lap {
        while true {
            let lap = try? await ask(stack, RegistryQuery(.laps), LapsAnswer.self).laps.first { $0.runID == run }
            if let lap = lap.flatMap(\.self), lap.outcome != "running", lap.outcome != "promoted" || lap.lastNode != nil
            {
                return lap
            }
        }
    }

    private func offer(
        _ stack: RunningStack,
        _ file: String,
        _ hasKeys: Bool,
        _ arguments: String...
    ) async throws -> (Int32, String) {
        let output = "\(stack.directory)/\(UUID().uuidString).txt"
        let paths = arguments.map { $0.hasSuffix(".npy") ? "\(stack.directory)/\($0)" : $0 }
        let child = try ChildProcess(
            "hexloop",
            arguments: ["model", "offer", "\(stack.directory)/\(file)", "--pipeline", "press"] + paths + [
                "--data", stack.directory, "--bus", stack.address,
            ],
            output: output
        )
        let code = try await DedicatedThread.run("wait") { child.wait() }
        return (code, try String(contentsOfFile: output, encoding: .utf8))
    }

    /// Posts a file and returns one field of the answer.
    private func post(
        _ stack: RunningStack,
        _ path: String,
        _ body: [UInt8],
        _ status: Int,
        _ field: String
    ) async throws -> String {
        let url = try #require(URL(string: "http://127.0.0.1:\(stack.gatewayPort)/\(path)"))
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = Data(body)
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = try EventCoding.decode([String: JSONValue].self, from: Array(data))
        #expect((response as? HTTPURLResponse)?.statusCode == status, "\(path): \(answer)")
        guard case .string(let text)? = answer[field] else { throw StackError("\(path): \(answer)") }
        return text
    }
}

extension RunningStack {
    fileprivate func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }
}
