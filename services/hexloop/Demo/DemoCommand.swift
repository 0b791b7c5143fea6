import ArgumentParser
import FoundationEssentials
import Glibc
import Pipelines

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows the loop close on real oil prices, from data to replaced models.",
        discussion: """
            Starts every program in a directory of its own, trains on the years before 2020, replays the days since then \
            as another system would, and compares the result with never retraining and with retraining every day.
            """
    )

    @Option(help: ArgumentHelp("Where pipeline.yaml and wti-daily.csv are.", valueName: "directory"))
    var example = "examples/oil-price"

    @Option(help: "Another file with the columns Date and Price.")
    var csv: String?

    @Option(help: "First day of the replay.")
    var from = "2020-01-02"

    @Option(help: "Last day of the replay. (default: the file's)")
    var to: String?

    @Option(help: "Days before the replay that the first model is trained on.")
    var rows = 1250

    @Option(help: "Days per second.")
    var rate = 100.0

    @Option(help: "Seed of the trainings. (default: the pipeline file's)")
    var seed: UInt64?

    @Option(help: "Inference nodes.")
    var nodes = 1

    @Option(help: "The gateway's HTTP port. (default: 8080, or a free one when that is taken)")
    var gatewayPort: Int?

    @Option(
        help: "Days from one daily retraining of the comparison to the next. (default: as few as fit into a minute)"
    )
    var dailyStep: Int?

    @Flag(name: .customLong("no-hold"), help: "Do not wait while a lap is open.")
    var noHold = false

    @Flag(help: "Keep the data directory.")
    var keep = false

    func validate() throws {
        guard rate > 0, rate <= 100_000 else { throw ValidationError("--rate is more than 0 and at most 100000.") }
        guard (1...64).contains(nodes) else { throw ValidationError("--nodes is 1...64.") }
        guard dailyStep ?? 1 >= 1 else { throw ValidationError("--daily-step is 1 or more.") }
        guard rows >= 1 else { throw ValidationError("--rows is 1 or more.") }
    }

    func run() async throws {
        guard FileManager.default.fileExists(atPath: "\(example)/pipeline.yaml") else {
            throw CommandError(
                "\(example)/pipeline.yaml is not there; start the demo in the repository's folder, or name it with --example"
            )
        }
        var (pipeline, _) = try PipelineFile.read("\(example)/pipeline.yaml")
        if let seed { pipeline.train.seed = seed }
        let series = try PriceSeries(path: csv ?? "\(example)/wti-daily.csv")
        let days = series.days(from: from, to: to ?? series.dates.last ?? "")
        let history = series.days(rows, before: from)
        guard !days.isEmpty, !history.isEmpty, let input = pipeline.task.inputs.first else {
            throw CommandError("there are no days from \(from) on, or none before it to train on")
        }
        let terminal = Terminal()
        let directory = try Self.temporaryDirectory()
        defer {
            if keep {
                terminal.line("the data is kept in \(directory)")
            } else {
                try? FileManager.default.removeItem(atPath: directory)
            }
        }
        let port = gatewayPort ?? FreePort.find(preferring: 8080)
        let stack = Stack(
            place: try Place(data: directory),
            nodes: nodes,
            gatewayPort: port,
            terminal: terminal,
            // Alerts have a line of their own already.
            followedLogs: { $0.name != "alert" }
        )
        let plan = DemoPlan(
            pipeline: pipeline,
            feed: MarketFeed(
                series,
                observations: pipeline.data.observations,
                labels: pipeline.data.labels,
                input: input.name
            ),
            history: history,
            days: days,
            rate: rate,
            holds: !noHold
        )
        do {
            let record = try await DemoRun(plan: plan, stack: stack).run()
            try await DemoReport(plan: plan, record: record, terminal: terminal).show(dailyStep: dailyStep)
            guard record.lapsClosed >= 1, record.lost.isEmpty else { throw ExitCode.failure }
        } catch is Stack.Interrupted {
            terminal.line("stopped before the end")
            throw ExitCode(130)
        }
    }

    private static func temporaryDirectory() throws(CommandError) -> String {
        let base = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(Place.absolute(base))/hexloop-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandError("\(base) takes no directory: \(String(cString: strerror(errno))); set TMPDIR")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A TCP port that nobody listens on.
enum FreePort {
    /// `preferred`, or any when it is taken.
    static func find(preferring preferred: Int) -> Int { tryBind(preferred) ?? tryBind(0) ?? preferred }

    private static func tryBind(_ port: Int) -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safety: bind and getsockname read and write one sockaddr_in, whose size goes with it.
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
