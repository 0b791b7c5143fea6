import ArgumentParser
import HVX
import Inference
import Kernels
import ZeroMQ

/// Where the time of a model goes.
struct ModelProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Runs a quantized model and says which step takes how long.",
        discussion: """
            Times are medians over the runs. Packets are the fewest in which a Hexagon with HVX could issue the step: a \
            lower bound by the units that each instruction keeps busy, without stalls, caches and scalar work.
            """
    )

    @Argument(help: "The container (.hxm).")
    var file: String

    @Option(help: "Threads that share the work of each step.")
    var threads = 1

    @Option(help: "Rows in each run.")
    var batch = 1

    @Option(help: "How often to run.")
    var runs = 200

    @OptionGroup var kernels: KernelOptions

    @Option(
        help: ArgumentHelp("Writes the run with the median time for chrome://tracing or Perfetto.", valueName: "file")
    )
    var trace: String?

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(runs) else { throw ValidationError("--runs must be 1 to 1000000") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 to 64") }
        guard (1...1 << 20).contains(batch) else { throw ValidationError("--batch must be 1 to \(1 << 20)") }
    }

    func run() async throws {
        let file = try ModelFile(file, variant: kernels.variant)
        let (batch, threads, runs) = (batch, threads, runs)
        let profile = try await DedicatedThread.run("profile") {
            try ModelProfile(file, batch: batch, threads: threads, runs: runs)
        }
        if let trace { try Stream.write(Array(profile.chromeTrace(file.name).utf8), to: trace) }
        let terminal = Terminal()
        if json { terminal.line(profile.json(file.name)) } else { profile.write(to: terminal, name: file.name) }
    }
}

/// Times and costs of each step.
struct ModelProfile: Sendable {
    struct Step: Sendable {
        let step: QuantizedModel.Step
        let time: Duration
        /// The fewest packets of a Hexagon for the batch.
        let packets: Int
    }

    let steps: [Step]
    let batch: Int
    /// Of a run, with what lies between the steps.
    let time: Duration
    /// The median run: when the input was there, when each step had ended, when the output was there.
    private let instants: [ContinuousClock.Instant]
    private let start: ContinuousClock.Instant

    /// Runs the model a few times more, to warm it, and then so often.
    init(_ file: ModelFile, batch: Int, threads: Int, runs: Int) throws {
        var once = try ModelRun(file, batch: batch, threads: threads)
        let clock = ContinuousClock()
        var all: [(start: ContinuousClock.Instant, ends: [ContinuousClock.Instant])] = []
        for run in 0..<runs + 3 {
            var ends: [ContinuousClock.Instant] = []
            ends.reserveCapacity(file.model.steps.count + 2)
            let start = clock.now
            try once { _ in ends.append(clock.now) }
            if run >= 3 { all.append((start, ends)) }
        }
        all.sort { $0.ends[$0.ends.count - 1] - $0.start < $1.ends[$1.ends.count - 1] - $1.start }
        let median = all[all.count / 2]
        start = median.start
        instants = median.ends
        time = median.ends[median.ends.count - 1] - median.start
        self.batch = batch
        var steps: [Step] = []
        for (index, step) in file.model.steps.enumerated() {
            let times = Percentiles(all.map { $0.ends[index + 1] - $0.ends[index] })
            var packets = 0
            if case .integer(let operation) = file.model.plan.steps[index].work {
                packets = try operation.hexagonPackets().packets
            }
            steps.append(Step(step: step, time: times[0.5], packets: packets * batch))
        }
        self.steps = steps
    }

    func write(to terminal: Terminal, name: String) {
        var table = TextTable([
            "step", "operator", "path", ">µs", ">share", ">M MAC", ">GMAC/s", ">kB in", ">kB out", ">kB weights",
            ">HVX packets, at least",
        ])
        let all = steps.reduce(0) { $0 + $1.time.seconds }
        for entry in steps {
            let (step, seconds) = (entry.step, entry.time.seconds)
            let multiplyAdds = Double(step.multiplyAdds * batch)
            table.add([
                step.node, step.name, "\(step.variant) \(step.path)", entry.time.exactMicroseconds.fixed(2),
                "\((seconds / all * 100).fixed(1)) %", step.multiplyAdds > 0 ? (multiplyAdds / 1e6).fixed(3) : "",
                step.multiplyAdds > 0 && seconds > 0 ? (multiplyAdds / seconds / 1e9).fixed(1) : "",
                (step.inputBytes * batch).kilobytes, (step.outputBytes * batch).kilobytes, step.packedBytes.kilobytes,
                "\(entry.packets)",
            ])
        }
        table.write(to: terminal)
        let multiplyAdds = Double(steps.reduce(0) { $0 + $1.step.multiplyAdds } * batch)
        terminal.line(
            "\(name): \(time.fine) a run, \((multiplyAdds / time.seconds / 1e9).fixed(1)) GMAC/s, at least "
                + "\(steps.reduce(0) { $0 + $1.packets }) HVX packets"
        )
    }

    func json(_ name: String) -> String {
        let entries = steps.map { entry in
            let step = entry.step
            return
                "{\"node\": \(JSONText(step.node)), \"operator\": \"\(step.name)\", \"variant\": \"\(step.variant)\", "
                + "\"path\": \(JSONText(step.path)), \"us\": \(entry.time.exactMicroseconds.exact), "
                + "\"macs\": \(step.multiplyAdds * batch), \"input_bytes\": \(step.inputBytes * batch), "
                + "\"output_bytes\": \(step.outputBytes * batch), \"packed_bytes\": \(step.packedBytes), "
                + "\"hvx_packets_min\": \(entry.packets)}"
        }
        return "{\"model\": \(JSONText(name)), \"batch\": \(batch), \"us\": \(time.exactMicroseconds.exact), "
            + "\"steps\": [\(entries.joined(separator: ", "))]}"
    }

    /// The median run as events of Chrome's trace format, times in microseconds.
    func chromeTrace(_ name: String) -> String {
        var events = [
            "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 1, \"tid\": 1, \"args\": {\"name\": \(JSONText(name))}}"
        ]
        func event(
            _ name: String,
            _ category: String,
            _ from: ContinuousClock.Instant,
            _ to: ContinuousClock.Instant,
            _ arguments: String
        ) {
            events.append(
                "{\"name\": \(JSONText(name)), \"cat\": \"\(category)\", \"ph\": \"X\", \"pid\": 1, \"tid\": 1, "
                    + "\"ts\": \((from - start).exactMicroseconds.exact), "
                    + "\"dur\": \((to - from).exactMicroseconds.exact), \"args\": {\(arguments)}}"
            )
        }
        event("input", "copy", start, instants[0], "")
        for (index, entry) in steps.enumerated() {
            let step = entry.step
            event(
                step.node,
                step.name,
                instants[index],
                instants[index + 1],
                "\"path\": \(JSONText("\(step.variant) \(step.path)")), \"macs\": \(step.multiplyAdds * batch), "
                    + "\"bytes\": \((step.inputBytes + step.outputBytes) * batch + step.packedBytes), "
                    + "\"hvx_packets_min\": \(entry.packets)"
            )
        }
        event("output", "copy", instants[instants.count - 2], instants[instants.count - 1], "")
        return "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n\(events.joined(separator: ",\n"))\n]}\n"
    }
}
