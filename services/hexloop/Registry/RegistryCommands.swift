import ArgumentParser
import Events

struct LapsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "laps",
        abstract: "The laps of the loop and how long each arc took."
    )

    @OptionGroup var options: PlaceOptions

    @Option(help: "Only this pipeline.")
    var pipeline: String?

    @Flag(help: "JSON, with all times as they are.")
    var json = false

    func run() async throws {
        try await answer(options, RegistryQuery(.laps, pipeline: pipeline), LapsAnswer.self, json: json) {
            terminal,
            answer in
            guard !answer.laps.isEmpty else {
                terminal.line("no lap yet")
                return
            }
            let names = Set(answer.laps.map(\.pipeline)).sorted()
            for name in names {
                if names.count > 1 { terminal.line(terminal.paint(name, .bold)) }
                LapTable(answer.laps.filter { $0.pipeline == name }).write(to: terminal)
            }
        }
    }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Which model served when, and what it was trained on."
    )

    @OptionGroup var options: PlaceOptions

    @Argument(help: "The pipeline.")
    var pipeline: String

    @Option(help: "Only what served at that time, such as 2026-01-31T14:05:00Z.")
    var at: String?

    @Flag(help: "JSON.")
    var json = false

    func run() async throws {
        var moment: Timestamp?
        if let at {
            moment = Timestamp(rfc3339: at)
            guard moment != nil else {
                throw CommandError("--at '\(at)' is not an RFC 3339 time such as 2026-01-31T14:05:00Z")
            }
        }
        let query = RegistryQuery(.history, pipeline: pipeline, at: moment)
        try await answer(options, query, HistoryAnswer.self, json: json) { terminal, answer in
            guard !answer.served.isEmpty else {
                terminal.line("no model of '\(pipeline)' served\(at.map { " at \($0)" } ?? " yet")")
                return
            }
            var table = TextTable([
                "alias", ">version", "digest", "candidate", "from", "to", ">rows", "first key", "last key", ">seed",
                ">baseline", "run", "offered",
            ])
            for model in answer.served {
                table.add([
                    model.alias, "\(model.version)", model.digest.shortID, model.candidate, model.from.dateAndClock,
                    model.to?.dateAndClock ?? "serving", "\(model.rows)", model.firstKey, model.lastKey,
                    "\(model.seed)", model.baseline.short, model.runID.shortID,
                    model.source.map { "\($0.file) \($0.digest.shortID), \($0.format.rawValue), by \($0.by)" } ?? "",
                ])
            }
            table.write(to: terminal)
        }
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "How each pipeline stands.")

    @OptionGroup var options: PlaceOptions

    @Flag(help: "JSON.")
    var json = false

    func run() async throws {
        try await answer(options, RegistryQuery(.status), StatusAnswer.self, json: json) { terminal, answer in
            guard !answer.pipelines.isEmpty else {
                terminal.line("no pipeline is registered; hand one in with 'hexloop pipeline push FILE'")
                return
            }
            var table = TextTable([
                "pipeline", "version", "automation", "champion", "since", ">baseline", ">laps", ">promoted", "shadows",
                "nodes",
            ])
            for status in answer.pipelines {
                let champion = status.champion
                table.add([
                    status.pipeline, status.version.shortID, status.automation,
                    champion.map { "v\($0.version) \($0.digest.shortID)" } ?? "none",
                    champion?.from.dateAndClock ?? "-", champion?.baseline.short ?? "-", "\(status.laps)",
                    "\(status.lapsPromoted)", status.shadows.map(\.candidate).joined(separator: ", "),
                    "\(status.nodesServing.count) of \(status.nodesLive.count)",
                ])
            }
            table.write(to: terminal)
        }
    }
}

/// Asks the registry and shows the answer as JSON or as `show` does.
private func answer<Answer: Codable>(
    _ options: PlaceOptions,
    _ query: RegistryQuery,
    _ kind: Answer.Type,
    json: Bool,
    _ show: (Terminal, Answer) -> Void
) async throws {
    let connection = try await BusConnection.open(try options.place(), name: "ask")
    defer { connection.close() }
    let answer = try await connection.ask(query, kind)
    let terminal = Terminal()
    if json {
        terminal.line(String(decoding: try EventCoding.encode(answer), as: UTF8.self))
    } else {
        show(terminal, answer)
    }
}
