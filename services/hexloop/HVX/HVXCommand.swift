import ArgumentParser
import HVX

struct HVXCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hvx",
        abstract: "The HVX instructions: which there are, and whether they give the bytes of a recording.",
        subcommands: [Replay.self, List.self, Depth.self]
    )

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs recorded vectors and compares every byte.",
            discussion: """
                The folder holds ops.json (one file per instruction), kernels.json (whole kernels), or both. A line is \
                printed for each case that fails, and the counts at the end. Ends with 0 when every case passed, and \
                with 1 otherwise: also for an instruction that is not known, for a file that is missing, cut or \
                changed, and when there was no case at all.
                """
        )

        @Argument(help: "The folder with the vectors.")
        var folder: String

        @Option(name: .customLong("op"), help: ArgumentHelp("Only that instruction or kernel.", valueName: "name"))
        var name: String?

        func run() async throws {
            let vectors = try VectorFolder(reading: folder)
            let count = try VectorReplay(vectors).run(only: name) { print($0) }
            print("\(count.passed) passed, \(count.failed) failed")
            if count.failed > 0 || count.passed == 0 { throw ExitCode.failure }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every instruction: operands, class of cost, places in a packet, first version of HVX.",
            discussion: """
                Operands are V (128 bytes), W (a pair), Q (a predicate), R (a scalar or an immediate) and P (a pair of \
                scalars), those that go in and those that come out. For loads, stores, gathers and scatters, memory is \
                among them.
                """
        )

        func run() async throws {
            let rows = Catalogue.operations.sorted { $0.name < $1.name }.map { operation in
                [
                    operation.name,
                    (operation.inputs.map(\.rawValue) + ["->"] + operation.outputs.map(\.rawValue))
                        .joined(separator: " "),
                    operation.resource.rawValue,
                    "slot " + operation.slots.map(String.init).joined(),
                    "v\(operation.minimumVersion)",
                ]
            }
            let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
            for row in rows {
                let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                print(cells.joined(separator: "  ").trimmedAtEnd)
            }
        }
    }
}

extension String {
    /// Without the blanks at its end.
    fileprivate var trimmedAtEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
