import ArgumentParser
import FoundationEssentials
import HexagonCode
import Inference

/// A model as C for a processor that we do not run on.
struct ModelEmitHexagonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emit-hexagon",
        abstract: "Writes a quantized model as one C file with HVX instructions.",
        discussion: """
            Convolutions, fully-connected layers, additions, pools and tables are translated; for any other operator it \
            ends with 1 and names it. The program needs no C library: it reads rows of encoded inputs from standard \
            input and writes rows of encoded outputs to standard output, the same bytes as our own engine. How to \
            compile it and to run it in an emulator stands at its head.
            """
    )

    @Argument(help: "The container (.hxm).")
    var file: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write it; standard output without.", valueName: "file.c"))
    var output: String?

    func run() async throws {
        let model = try ModelFile(file).model
        let source: String
        do { source = try HexagonProgram(model.plan).source() } catch {
            throw CommandError("\(file) cannot be translated: \(error)")
        }
        guard let output else {
            print(source, terminator: "")
            return
        }
        do { try Data(source.utf8).write(to: URL(filePath: output), options: .atomic) } catch {
            throw CommandError("\(output) cannot be written: \(error)")
        }
    }
}
