import Bus
import ChildProcesses
import Events
import Foundation
import Testing

@testable import HexloopApp

@Suite("The bus keeps its promises while its processes are hurt", .serialized, .timeLimit(.minutes(3)))
struct ChaosTests {
    @Test("the short form of hexloop chaos loses nothing")
    func short() throws {
        let output = "/tmp/hexloop-chaos-\(UInt32.random(in: 0...UInt32.max)).txt"
        defer { try? FileManager.default.removeItem(atPath: output) }
        let child = try ChildProcess(
            "hexloop",
            arguments: ["chaos", "--scenario", "short", "--seed", "7", "--seconds", "6"],
            environment: ProcessInfo.processInfo.environment,
            output: output
        )
        let code = child.wait()
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        #expect(code == 0, "\(text)")
        for scenario in ChaosScenario.all where scenario.isShort { #expect(text.contains(scenario.name)) }
    }

    @Test("every fault of the list is in a scenario, or it is said where else")
    func coverage() {
        let texts = ChaosScenario.all.map(\.covers) + ChaosScenario.elsewhere.map(\.covers)
        let covered = Set(
            texts.flatMap { $0.split(separator: ",") }.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        )
        #expect((1...35).filter { !covered.contains($0) } == [])
        #expect(Set(ChaosScenario.all.map(\.name)).count == ChaosScenario.all.count)
    }
}

@Suite("What clients wrote down is compared with the log")
struct ChaosCheckTests {
    private static let empty = ChaosResult(scenario: "test", covers: "", seed: 1)

    /// A log of labels: source and number of each.
    private func log(_ labels: [(String, Int)]) throws -> [Bus.Record] {
        var last: [String: UInt64] = [:]
        return try labels.enumerated().map { index, label in
            let event = try CloudEvent(
                LabelRecorded(stream: label.0, key: "\(label.1)", value: 1),
                id: "\(index)",
                source: "//local/\(label.0)/main",
                time: Timestamp(microseconds: 0)
            )
            let topic = try LabelRecorded.kind.topic(site: "local", subject: label.0).text
            defer { last[topic] = UInt64(index) + 1 }
            return Bus.Record(
                topic: topic,
                epoch: 1,
                sequence: UInt64(index) + 1,
                previous: last[topic] ?? 0,
                header: try event.header(),
                data: event.data
            )
        }
    }

    private func history(promised: [Int: UInt64] = [:], made: Int = 0, effects: [UInt64] = []) -> ChaosHistory.Contents
    {
        var contents = ChaosHistory.Contents()
        contents.acknowledged = promised
        contents.invoked = made > 0 ? Set(1...made) : []
        contents.effects = effects.map { (1, $0) }
        return contents
    }

    @Test("a log that has everything once and in order is good")
    func good() throws {
        var check = ChaosCheck(try log([("p", 1), ("n", 2), ("p", 2), ("n", 1)]), Self.empty)
        check.producer("p", history(promised: [1: 0, 2: 0], made: 2))
        check.publisher("n", history(promised: [1: 4, 2: 2], made: 3))
        check.consumer("c", history(effects: [1, 2, 3, 4]))
        check.workers([history(effects: [1, 2]), history(effects: [2, 3, 4])])
        let result = check.finish()
        #expect(result.isGood)
        #expect(result.jobsRepeated == 1)
        #expect(result.acknowledged == 4)
    }

    @Test(
        "what is wrong is found",
        arguments: [
            ([1], 2, 1, 0, 0), ([1, 2, 2], 2, 0, 1, 1), ([2, 1], 2, 0, 0, 1), ([1, 2, 3], 2, 0, 0, 1),
        ]
    )
    func bad(_ numbers: [Int], _ made: Int, _ lost: Int, _ duplicated: Int, _ problems: Int) throws {
        var check = ChaosCheck(try log(numbers.map { ("p", $0) }), Self.empty)
        check.producer("p", history(made: made))
        let result = check.finish()
        #expect(result.lost == lost)
        #expect(result.duplicated == duplicated)
        #expect(result.problems.count == problems)
        #expect(!result.isGood)
    }

    @Test("a consumer that misses, repeats or goes back is found", arguments: [[1, 3], [1, 2, 2, 3], [2, 1, 3]])
    func consumers(_ seen: [UInt64]) throws {
        var check = ChaosCheck(try log([("p", 1), ("p", 2), ("p", 3)]), Self.empty)
        check.consumer("c", history(effects: seen))
        #expect(!check.finish().isGood)
    }

    @Test("a receipt that names another place, and a job that nobody did, are found")
    func receiptsAndJobs() throws {
        var check = ChaosCheck(try log([("n", 1), ("n", 2)]), Self.empty)
        check.publisher("n", history(promised: [1: 2], made: 2))
        check.workers([history(effects: [1])])
        let result = check.finish()
        #expect(result.problems.count == 1)
        #expect(result.lost == 1)
    }
}
