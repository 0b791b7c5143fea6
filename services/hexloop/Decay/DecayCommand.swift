import ArgumentParser
import Decay
import FoundationEssentials

struct DecayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decay",
        abstract: "The detection of decay: whether it answers as other tools do.",
        subcommands: [Replay.self]
    )

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Asks what other tools were asked, and compares the answers.",
            discussion: """
                The folder holds cases in the format of drift-golden. A line is printed for each case that fails, one \
                for each kind that is left out, and the counts at the end. Ends with 0 when every case passed, and \
                with 1 otherwise: also for a file that cannot be read and when there was no case at all.
                """
        )

        @Argument(help: "The folder with the cases.")
        var folder: String

        @Option(help: ArgumentHelp("Only families or cases that begin so.", valueName: "text"))
        var only: String?

        func run() async throws {
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
                throw CommandError("\(folder) cannot be read: \(error)")
            }
            let path = URL(filePath: folder)
            var replay = DriftReplay(
                GoldenFolder(names: names) { Array(try Data(contentsOf: path.appending(path: $0))) }
            )
            let count = replay.run(only: only) { print($0) }
            for (reason, number) in count.skipped.sorted(by: { $0.key < $1.key }) {
                print("skipped \(reason): \(number)")
            }
            print("\(count.passed) passed, \(count.failed) failed")
            if count.failed > 0 || count.passed == 0 { throw ExitCode.failure }
        }
    }
}
