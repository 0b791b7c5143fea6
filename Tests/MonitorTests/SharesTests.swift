import Bus
import ChildProcesses
import Events
import Foundation
import Glibc
import Logging
import Pipelines
import Testing

/// Monitors on one volume and a broker, all real programs in a new directory.
private final class Plant {
    let directory = "/tmp/hl-\(UInt32.random(in: 0...UInt32.max))"
    let client: BusClient
    private var processes: [ChildProcess] = []

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let address = try #require(BusAddress("ipc://\(directory)/run"))
        client = BusClient(
            .init(address: address, name: "test"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        _ = try start("bus")
    }

    deinit {
        for process in processes { kill(process) }
        client.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Starts a program; the place in the list is its number.
    func start(_ name: String) throws -> ChildProcess {
        let process = try ChildProcess(
            name,
            environment: [
                "HEXLOOP_DATA": "\(directory)/data", "HEXLOOP_BUS": "ipc://\(directory)/run",
                "HEXLOOP_LOG_LEVEL": "error",
            ]
        )
        processes.append(process)
        return process
    }

    func kill(_ process: ChildProcess) {
        process.signal(SIGKILL)
        process.wait()
        processes.removeAll { $0.id == process.id }
    }

    func publish(_ event: any Event, _ id: String, at seconds: Double) async throws {
        let topic = try type(of: event).kind.topic(site: "local", subject: event.subject)
        let time = Timestamp(seconds: seconds)
        let envelope = try CloudEvent(event, id: id, source: "//local/registry/test", time: time)
        _ = try await client.publish(topic: topic, envelope, timeout: .seconds(40))
    }

    /// Waits until a beat comes at which `body` holds.
    func waitUntil(_ body: () async throws -> Bool) async throws {
        for await _ in client.listen(prefixes: ["t/local/service/beat/"]) {
            if try await body() { return }
        }
    }

    /// The process that has each pipeline.
    func owners(_ pipelines: [String]) -> [pid_t?] {
        pipelines.map { name in
            let path = "\(directory)/data/monitor/shares/\(name)/lock"
            let text = try? String(contentsOfFile: path, encoding: .utf8)
            return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
    }

    /// What was said of decay about a pipeline, in order.
    func said(_ pipeline: String) async throws -> [String] {
        let kinds = ["suspected", "detected", "persisted", "cleared", "forecast"]
        let filters = try kinds.map { try TopicFilter("e/local/decay/\($0)/v1/\(pipeline)/") }
        var (said, after) = ([String](), UInt64(0))
        while true {
            let page = try await client.fetch(filters, after: after, timeout: .seconds(30))
            said += page.records.map { "\($0.topic) \(String(decoding: $0.data, as: UTF8.self))" }
            if page.scannedTo <= after { return said }
            after = page.scannedTo
        }
    }

    /// Waits until the last label of each pipeline took effect, and what followed from it was said.
    func settle(_ pipelines: [String], labels: Int) async throws {
        for name in pipelines {
            try await waitUntil { try await overview(name)?.labels == labels }
            var before = -1
            try await waitUntil {
                let now = try await said(name).count
                defer { before = now }
                return now == before
            }
        }
    }

    /// How a monitor sees a pipeline.
    private func overview(_ pipeline: String) async throws -> MonitorAnswer? {
        let topic = try MonitorQuery.kind.topic(site: "local", subject: pipeline)
        let question = try CloudEvent(
            MonitorQuery(pipeline: pipeline),
            id: "\(UInt64.random(in: 0...UInt64.max))",
            source: "//local/hexloop/test",
            time: Timestamp(seconds: 0)
        )
        guard let bytes = try? await client.request(topic: topic, question) else { return nil }
        return try EventCoding.decode(MonitorAnswer.self, from: bytes)
    }
}

@Suite("Several monitors", .serialized, .timeLimit(.minutes(3)))
struct SharesTests {
    private static let pipelines = ["p1", "p2", "p3"]

    /// All that happens to all pipelines, mixed, each under a name of its own.
    private static func happenings() throws -> [(event: any Event, id: String, at: Double)] {
        let logs = pipelines.map { PressLog(pipeline: $0).events(seed: 1) }
        var all: [(event: any Event, id: String, at: Double)] = []
        for place in logs[0].indices {
            for (pipeline, log) in zip(pipelines, logs) {
                all.append((log[place].1.event, "\(pipeline)-\(place)", 1_700_000_000 + Double(place)))
            }
        }
        return all
    }

    private func register(_ plant: Plant) async throws {
        for name in Self.pipelines {
            let pipeline = try Pipeline(yaml: PressLog(pipeline: name).file)
            let event = PipelineRegistered(pipeline: name, version: "v", definition: pipeline.canonicalJSON())
            try await plant.publish(event, "register-\(name)", at: 1_700_000_000)
        }
    }

    @Test("share pipelines; what one leaves when it is killed another takes, and says what one alone would")
    func share() async throws {
        let happenings = try Self.happenings()
        let alone = try Plant()
        _ = try alone.start("monitor")
        try await register(alone)
        for item in happenings { try await alone.publish(item.event, item.id, at: item.at) }

        let plant = try Plant()
        let first = try plant.start("monitor")
        try await register(plant)
        try await plant.waitUntil { plant.owners(Self.pipelines).allSatisfy { $0 == first.id } }
        let second = try plant.start("monitor")
        let half = happenings.count / 2
        for item in happenings[..<(half / 2)] { try await plant.publish(item.event, item.id, at: item.at) }
        try await plant.waitUntil { Set(plant.owners(Self.pipelines)) == [first.id, second.id] }
        for item in happenings[(half / 2)..<half] { try await plant.publish(item.event, item.id, at: item.at) }
        plant.kill(first)
        for item in happenings[half...] { try await plant.publish(item.event, item.id, at: item.at) }
        try await plant.waitUntil { plant.owners(Self.pipelines).allSatisfy { $0 == second.id } }

        // Of the last model, each replaced label counts once.
        let labels = PressLog(pipeline: "p1").events(seed: 1).count { happening in
            guard case .prediction(let event) = happening.1 else { return false }
            return event.predictions.allSatisfy { $0.digest == "d2" }
        }
        try await alone.settle(Self.pipelines, labels: labels)
        try await plant.settle(Self.pipelines, labels: labels)
        for name in Self.pipelines {
            let expected = try await alone.said(name)
            #expect(expected.contains { $0.hasPrefix("e/local/decay/detected/") }, "\(name)")
            #expect(try await plant.said(name) == expected, "\(name)")
        }
    }
}
