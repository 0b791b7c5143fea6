import ArgumentParser
import ModelContainer

/// In what two containers differ.
struct ModelDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract:
            "In what two containers (.hxm) differ: nodes, encodings, tensors, golden answers, where they come from.",
        discussion:
            "Ends with 0 when the files are the same to the byte, with 1 when they differ, and with 2 on trouble."
    )

    @Argument(help: "A container.")
    var old: String

    @Argument(help: "The container that it is compared with.")
    var new: String

    func run() async throws {
        let terminal = Terminal()
        let difference: ContainerDifference
        do {
            let (first, _) = try ModelFile.container(old)
            let (second, _) = try ModelFile.container(new)
            guard first.digest != second.digest else {
                terminal.line("the same: \(first.digest)")
                return
            }
            terminal.line("\(old) \(first.digest)")
            terminal.line("\(new) \(second.digest)")
            difference = try ContainerDifference(first, second)
        } catch {
            terminal.line("error: \(error)")
            throw ExitCode(2)
        }
        terminal.line()
        guard !difference.entries.isEmpty else {
            terminal.line("the same contents, laid out otherwise")
            throw ExitCode(1)
        }
        var table = TextTable(["part", "name", "change"])
        for entry in difference.entries { table.add([entry.part.rawValue, entry.name, entry.change]) }
        table.write(to: terminal)
        throw ExitCode(1)
    }
}
