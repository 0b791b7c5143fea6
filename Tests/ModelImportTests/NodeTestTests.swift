import Foundation
import ModelImport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct NodeTestTests {
    @Test("Of ONNX's own tests of the supported operators 95 % pass, and no answer is wrong")
    func standard() throws {
        guard let folder = Files.nodeTests else {
            print("skipped: the Python package onnx is not in .build-venv; scripts/test-dependencies.sh installs it")
            return
        }
        let results = try NodeTestResults(folder: folder)
        print(results.summary)
        #expect(results.unexplained == [])
        #expect(results.share >= 0.95)
        let document = try String(contentsOf: Files.root.appendingPathComponent("docs/operators.md"), encoding: .utf8)
        #expect(document == OperatorTable.markdown(results), "docs/operators.md is not what the command writes")
    }
}
