import ArgumentParser
import Events
import FoundationEssentials
import Glibc

struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Hurts a bus of its own in every way that this machine allows, and checks what it promises.",
        discussion: """
            Starts brokers and clients in a temporary directory, kills, stops, starves, cuts and damages them while \
            they work, lets everybody finish, and compares what clients were promised with what the log has and what \
            consumers did. Ends with 1 when anything was lost, doubled, invented or out of order.
            """
    )

    @Option(help: "Which moments and victims are chosen. (default: by the clock)")
    var seed: UInt64?

    @Option(help: "Seconds for all scenarios together; what comes after the faults is not counted.")
    var seconds: Double?

    @Option(help: "The same in minutes.")
    var minutes: Double?

    @Option(help: "One scenario, several with commas, 'short', or 'all'.")
    var scenario = "all"

    @Flag(help: "Lists the scenarios.")
    var list = false

    @Flag(help: "One JSON object for each scenario.")
    var json = false

    @Option(help: ArgumentHelp("Replaces the generated part of this Markdown file.", valueName: "file"))
    var report: String?

    @Flag(help: "Keeps the directories.")
    var keep = false

    func validate() throws {
        if seconds != nil, minutes != nil { throw ValidationError("Give --seconds or --minutes.") }
        guard total > 0, total <= 7 * 86_400 else { throw ValidationError("The time is over 0 and at most a week.") }
        _ = try chosen()
    }

    private var total: Double { seconds ?? minutes.map { $0 * 60 } ?? 120 }

    private func chosen() throws -> [ChaosScenario] {
        switch scenario {
        case "all": return ChaosScenario.all
        case "short": return ChaosScenario.all.filter(\.isShort)
        default:
            return try scenario.split(separator: ",").map { name in
                guard let found = ChaosScenario.all.first(where: { $0.name == name }) else {
                    let known = ChaosScenario.all.map(\.name).joined(separator: ", ")
                    throw ValidationError("The scenario '\(name)' is not known; known are \(known).")
                }
                return found
            }
        }
    }

    func run() async throws {
        let terminal = Terminal()
        let scenarios = try chosen()
        if list {
            var table = TextTable(["scenario", "covers", "what happens"])
            for scenario in scenarios { table.add([scenario.name, scenario.covers, scenario.summary]) }
            table.write(to: terminal)
            return
        }
        signal(SIGPIPE, SIG_IGN)
        let seed = seed ?? UInt64.random(in: 1...999_999)
        let executables = try Supervisor.executableDirectory()
        let reaper = Reaper()
        var results: [ChaosResult] = []
        for scenario in scenarios {
            terminal.setBar("\(scenario.name): \(scenario.summary)")
            let result = try await ChaosNemesis.run(
                scenario,
                seed: seed,
                length: .seconds(total / Double(scenarios.count)),
                executables: executables,
                keeps: keep,
                reaper: reaper
            )
            terminal.setBar("")
            results.append(result)
            show(result, terminal)
        }
        if let report { try ChaosReport(results: results).write(to: report) }
        guard results.allSatisfy(\.isGood) else { throw ExitCode(1) }
    }

    private func show(_ result: ChaosResult, _ terminal: Terminal) {
        if json {
            if let bytes = try? EventCoding.encode(result) { terminal.line(String(decoding: bytes, as: UTF8.self)) }
            return
        }
        if let skipped = result.skipped {
            terminal.line("\(result.scenario.padded(18)) " + terminal.paint("not run: \(skipped)", .yellow))
            return
        }
        let verdict = terminal.paint(result.isGood ? "ok" : "FAILED", result.isGood ? .green : .red)
        terminal.line(
            "\(result.scenario.padded(18)) \(verdict)  seed \(result.seed), \(result.seconds.fixed(1)) s, "
                + "\(result.events) events, \(result.faults) faults, lost \(result.lost), duplicated \(result.duplicated), "
                + "jobs repeated \(result.jobsRepeated)" + (result.remark.isEmpty ? "" : "; \(result.remark)")
        )
        for problem in result.problems { terminal.line("  " + terminal.paint(problem, .red)) }
        if !result.isGood {
            terminal.line("  again: hexloop chaos --scenario \(result.scenario) --seed \(result.seed)")
        }
    }
}
