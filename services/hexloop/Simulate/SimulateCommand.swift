import ArgumentParser
import BusSimulation
import FoundationEssentials

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the bus under virtual time, with faults from seeds, and checks what it promises.",
        discussion: """
            Broker, log and programs are the state machines of the real ones; time, network, disks and crashes are made \
            up. The same seed gives the same run on every machine. Ends with 1 when a promise was broken.
            """
    )

    @Option(help: "How many seeds to run.")
    var seeds = 5000

    @Option(help: "The first of them.")
    var from: UInt64 = 1

    @Option(help: "Runs this seed alone.")
    var seed: UInt64?

    @Flag(help: "With --seed: prints what happened, one line each.")
    var trace = false

    @Option(help: ArgumentHelp("Threads; 0 takes one for each core.", valueName: "n"))
    var threads = 0

    @Option(help: ArgumentHelp("Breaks the broker on purpose; the run must then find it.", visibility: .hidden))
    var sabotage: String?

    func validate() throws {
        guard (1...100_000_000).contains(seeds) else { throw ValidationError("--seeds is 1...100000000.") }
        guard (0...256).contains(threads) else { throw ValidationError("--threads is 0...256.") }
        if trace, seed == nil { throw ValidationError("--trace needs --seed.") }
        if let sabotage, Sabotage(rawValue: sabotage) == nil {
            let known = Sabotage.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--sabotage is one of \(known).")
        }
    }

    func run() async throws {
        let terminal = Terminal()
        if let seed { try one(seed, terminal) } else { try many(terminal) }
    }

    private func one(_ seed: UInt64, _ terminal: Terminal) throws {
        let simulation = Simulation(seed: seed, sabotage: sabotage.flatMap(Sabotage.init), keepsTrace: trace)
        simulation.run()
        for line in simulation.trace.lines { terminal.line(line) }
        show(simulation.faults, terminal)
        terminal.line("seed \(seed): \(simulation.messages) messages, trace \(Self.hex(simulation.trace.hash))")
        guard let violation = simulation.violation else { return }
        terminal.line(terminal.paint("at \(violation.at.short): \(violation.message)", .red))
        throw ExitCode(1)
    }

    private func many(_ terminal: Terminal) throws {
        let began = ContinuousClock.now
        let run = SimulationRun.run(
            from: from,
            count: seeds,
            sabotage: sabotage.flatMap(Sabotage.init),
            threads: threads == 0 ? ProcessInfo.processInfo.activeProcessorCount : threads
        ) { [seeds] run in
            terminal.setBar("\(run.seeds) of \(seeds) seeds, \(run.faults.total) faults")
        }
        terminal.setBar("")
        let taken = ContinuousClock.now - began
        show(run.faults, terminal)
        let rate = Int(Double(run.seeds) / (taken / .seconds(1)))
        terminal.line(
            "\(run.seeds) seeds in \(taken.short), \(rate) seeds/s, \(run.messages) messages, "
                + "\(run.faults.total) faults, traces \(Self.hex(run.hash))"
        )
        guard !run.findings.isEmpty else { return }
        for finding in run.findings {
            let violation = finding.violation
            terminal.line(terminal.paint("seed \(finding.seed) at \(violation.at.short): \(violation.message)", .red))
            let broken = sabotage.map { " --sabotage \($0)" } ?? ""
            terminal.line("  replay it: hexloop simulate --seed \(finding.seed) --trace\(broken)")
        }
        throw ExitCode(1)
    }

    private func show(_ faults: FaultCounts, _ terminal: Terminal) {
        var table = TextTable(["fault", ">times"])
        for fault in Fault.allCases where faults[fault] > 0 { table.add(["\(fault)", "\(faults[fault])"]) }
        table.write(to: terminal, indent: "  ")
    }

    private static func hex(_ hash: UInt64) -> String {
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
