import Foundation
import Testing

@testable import HexloopApp

/// The recorded answers of river, scipy, scikit-learn, statsmodels, NannyML, Evidently and Apache DataSketches.
@Suite(.timeLimit(.minutes(3)))
struct GoldenTests {
    @Test(
        "This project answers as other tools did",
        arguments: [
            "calibration", "categorical", "cbpe", "detector_trace", "label_delay", "metrics", "multiple_testing",
            "outliers", "quality", "rates",
        ]
    )
    func answers(family: String) throws {
        var replay = try Self.replay(families: [family])
        var lines: [String] = []
        let count = replay.run { lines.append($0) }
        #expect(lines == [])
        #expect(count.passed > 0)
    }

    @Test("A changed answer fails")
    func changedAnswer() throws {
        let cases = """
            {"family": "rates", "cases": [{"id": "ci.wilson.0", "function": "", "params": {"method": "wilson", "alpha": \
            0.05}, "input": {"k": 80, "n": 1000}, "expect": {"low": 0.0648, "high": 0.0985}, "tol": {"rel": 1e-9}}]}
            """
        var replay = DriftReplay(GoldenFolder(names: ["rates.json"]) { _ in Array(cases.utf8) })
        var lines: [String] = []
        let count = replay.run { lines.append($0) }
        #expect(count.failed == 1)
        #expect(count.passed == 0)
        #expect(lines.first?.contains("high is 0.098466") == true)
    }

    @Test("A file that is no JSON fails, and an unknown family is named as skipped")
    func otherFiles() throws {
        var replay = DriftReplay(
            GoldenFolder(names: ["a.json", "b.json"]) { name in
                Array((name == "a.json" ? "{" : #"{"family": "tea", "cases": [{"id": "x.y", "expect": {}}]}"#).utf8)
            }
        )
        let count = replay.run { _ in }
        #expect(count.failed == 1)
        #expect(count.skipped == ["tea: x": 1])
    }

    /// The streams of all families.
    static var folder: GoldenFolder {
        get throws { try folder(["samples.json", "streams.json"]) }
    }

    private static func replay(families: Set<String>) throws -> DriftReplay {
        DriftReplay(try folder(families.map { $0 + ".json" } + ["samples.json", "streams.json"]))
    }

    private static func folder(_ names: [String]) throws -> GoldenFolder {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/drift-golden")
        return GoldenFolder(names: names) { Array(try Data(contentsOf: folder.appending(path: $0))) }
    }
}
