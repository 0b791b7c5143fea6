import ArgumentParser
import FoundationEssentials
import ModelImport

struct ModelConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Runs ONNX's own tests of operators in the float interpreter.",
        discussion: """
            The folder is onnx/backend/test/data/node of the Python package onnx: one folder per test with a model, \
            inputs and the outputs that the standard gives. Each model runs as it is read and as it is optimized. \
            Ends with 1 when an answer was wrong and the test is right.
            """
    )

    @Argument(help: "The folder with the tests.")
    var folder: String

    @Option(name: .customLong("op"), help: ArgumentHelp("Only tests of that operator.", valueName: "name"))
    var only: String?

    @Option(help: ArgumentHelp("Also write the table of operators to a file.", valueName: "file"))
    var markdown: String?

    func run() async throws {
        let terminal = Terminal()
        let results: NodeTestResults
        do throws(ImportError) { results = try NodeTestResults(folder: URL(fileURLWithPath: folder), only: only) } catch
        {
            throw CommandError("\(folder): \(error)")
        }
        var table = TextTable(["operator", "opsets", ">passed", ">failed", ">not supported"])
        for row in results.rows {
            let opsets = row.opsets.sorted().map(String.init).joined(separator: " ")
            table.add([row.name, opsets, "\(row.passed)", "\(row.failed)", "\(row.notSupported)"])
        }
        table.write(to: terminal)
        terminal.line()
        for reason in results.reasons { terminal.line("\(reason.test): \(reason.text)") }
        if let markdown {
            do {
                try Data(OperatorTable.markdown(results).utf8).write(
                    to: URL(fileURLWithPath: markdown),
                    options: .atomic
                )
            } catch { throw CommandError("\(markdown) cannot be written: \(error)") }
        }
        terminal.line()
        terminal.line(results.summary)
        if !results.unexplained.isEmpty || results.passed == 0 { throw ExitCode.failure }
    }
}
