import ArgumentParser
import Decay
import FoundationEssentials

struct DecayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decay",
        abstract: "Decay: compare tables, replay recorded answers of other tools, measure the detectors.",
        subcommands: [Replay.self, Scan.self, Bench.self]
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
            var replay = DriftReplay(try GoldenFolder(reading: folder))
            let count = replay.run(only: only) { print($0) }
            for (reason, number) in count.skipped.sorted(by: { $0.key < $1.key }) {
                print("skipped \(reason): \(number)")
            }
            print("\(count.passed) passed, \(count.failed) failed")
            if count.passed + count.failed == 0 {
                let wanted = only.map { " and begins with '\($0)'" } ?? ""
                throw CommandError(
                    "\(folder) has no case that counts\(wanted); cases are in files such as detectors.json"
                )
            }
            if count.failed > 0 || count.passed == 0 { throw ExitCode.failure }
        }
    }

    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measures detectors, tests and sketches on streams whose truth is known.",
            discussion: """
                Writes the tables of docs/detectors.md: false alarms, delays at several shifts, labelled streams, \
                memory and speed. Times count in a release build only.
                """
        )

        enum Part: String, ExpressibleByArgument, CaseIterable {
            case detectors, sizes, sketches, budget, speed, all
        }

        @Option(help: ArgumentHelp("What is measured: detectors, sizes, sketches, budget, speed or all."))
        var part = Part.detectors

        @Option(help: "Values of each stream without drift.")
        var events = 1_000_000

        @Option(help: "Streams of each shift.")
        var runs = 50

        @Option(
            help: ArgumentHelp("A folder with labelled streams in the format of drift-golden.", valueName: "folder")
        )
        var labelled: String?

        func validate() throws {
            guard (1_000...100_000_000).contains(events) else { throw ValidationError("--events: 1000...100000000") }
            guard (1...10_000).contains(runs) else { throw ValidationError("--runs: 1...10000") }
        }

        func run() async throws {
            func isAsked(_ part: Part) -> Bool { self.part == .all || self.part == part }
            let terminal = Terminal()
            if isAsked(.detectors) {
                var benchmark = DetectorBenchmark(events: events, runs: runs)
                benchmark.labelled = try labelled.map { try GoldenFolder(reading: $0) }
                for line in try benchmark.tables() { terminal.line(line) }
            }
            let distances = DistanceBenchmark()
            if isAsked(.sizes) { for line in distances.sizes() { terminal.line(line) } }
            if isAsked(.sketches) { for line in distances.sketches() { terminal.line(line) } }
            if isAsked(.budget) { for line in distances.wholeRun() { terminal.line(line) } }
            if isAsked(.speed) { for line in SpeedBenchmark().lines() { terminal.line(line) } }
        }
    }
}

extension GoldenFolder {
    /// Reads a folder of files.
    /// - Throws: ``CommandError`` when it cannot be listed.
    init(reading folder: String) throws(CommandError) {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw CommandError("\(folder) cannot be read: \(error)")
        }
        let path = URL(filePath: folder)
        self.init(names: names) { Array(try Data(contentsOf: path.appending(path: $0))) }
    }
}
