import ArgumentParser
import Inference
import Kernels
import ZeroMQ

/// How long a model takes on this machine.
struct ModelBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Runs a quantized model for a while and says how long it takes.",
        discussion: """
            The input is random bytes as the model has them in memory, and so are the answers, but for a model that ends \
            with softmax or another function of real numbers: there that is measured, too. The share is that of the exact \
            8-bit multiply-adds a second that one core of this machine does at most, measured right before, times the \
            threads. Benchmarks/models.py sets other runtimes beside it.
            """
    )

    @Argument(help: "The container (.hxm).")
    var file: String

    @Option(help: "Threads that share the work of each step.")
    var threads = 1

    @Option(help: "Rows in each run.")
    var batch = 1

    @Option(help: "How long to measure.")
    var seconds = 2.0

    @OptionGroup var kernels: KernelOptions

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (0.01...3600).contains(seconds) else { throw ValidationError("--seconds must be 0.01 to 3600") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 to 64") }
        guard (1...1 << 20).contains(batch) else { throw ValidationError("--batch must be 1 to \(1 << 20)") }
    }

    func run() async throws {
        let file = try ModelFile(file, variant: kernels.variant)
        let peak = MachinePeak.measure()
        let (batch, threads, duration) = (batch, threads, Duration.seconds(seconds))
        let measured = try await DedicatedThread.run("bench") {
            try Self.measure(file, batch: batch, threads: threads, duration: duration)
        }
        let times = measured.times
        let rate = Double(file.multiplyAdds * batch) / times[0.5].seconds / 1e9
        let share = rate / (peak.gigaMultiplyAdds * Double(threads))
        let terminal = Terminal()
        if json {
            let figures: [(String, Double)] = [
                ("batch", Double(batch)), ("threads", Double(threads)), ("runs", Double(times.count)),
                ("macs", Double(file.multiplyAdds)), ("min_us", times[0].exactMicroseconds),
                ("p50_us", times[0.5].exactMicroseconds), ("p90_us", times[0.9].exactMicroseconds),
                ("p99_us", times[0.99].exactMicroseconds), ("gmacs", rate), ("peak_gmacs", peak.gigaMultiplyAdds),
                ("share", share), ("file_bytes", Double(file.byteCount)),
                ("packed_bytes", Double(file.model.packedBytes)), ("session_bytes", Double(measured.memoryBytes)),
            ]
            let fields = figures.map { "\"\($0)\": \($1.exact)" }.joined(separator: ", ")
            let texts = "\"model\": \(JSONText(file.name)), \"variant\": \"\(file.model.variantName)\""
            terminal.line("{\(texts), \(fields)}")
            return
        }
        let multiplyAdds = Double(file.multiplyAdds) / 1e6
        terminal.line(
            "\(file.name): \(multiplyAdds.short) M multiply-adds, \(file.model.variantName), batch \(batch), "
                + "\(threads) thread\(threads == 1 ? "" : "s")"
        )
        terminal.line(
            "p50 \(times[0.5].fine), p90 \(times[0.9].fine), p99 \(times[0.99].fine), least \(times[0].fine) "
                + "in \(times.count) runs"
        )
        terminal.line(
            "\(rate.fixed(1)) GMAC/s, \((share * 100).fixed(0)) % of \((peak.gigaMultiplyAdds * Double(threads)).fixed(1)), "
                + "the most by \(peak.variant) from registers"
        )
        terminal.line(
            "\(file.model.packedBytes.kilobytes) kB packed weights, \(measured.memoryBytes.kilobytes) kB for the session, "
                + "of a file of \(file.byteCount.kilobytes) kB"
        )
    }

    private static func measure(
        _ file: ModelFile,
        batch: Int,
        threads: Int,
        duration: Duration
    ) throws -> (times: Percentiles, memoryBytes: Int) {
        var run = try ModelRun(file, batch: batch, threads: threads)
        for _ in 0..<5 { try run() }
        var times: [Duration] = []
        times.reserveCapacity(1 << 20)
        let clock = ContinuousClock()
        let end = clock.now + duration
        var now = clock.now
        while now < end || times.count < 3 {
            let start = clock.now
            try run()
            now = clock.now
            times.append(now - start)
        }
        return (Percentiles(times), run.memoryBytes)
    }
}

/// One run after the other on the same random rows, as a measurement wants it.
struct ModelRun: ~Copyable {
    private var session: Session
    private let batch: Int
    private let input: [UInt8]
    private var bytes: [UInt8] = []
    private var answers: [Float] = []

    init(_ file: ModelFile, batch: Int, threads: Int) throws {
        session = try file.model.makeSession(batch: batch, threads: threads)
        self.batch = batch
        input = file.randomRows(batch, seed: 1)
        if file.model.plan.outputs.allSatisfy(\.tail.isEmpty) {
            bytes = [UInt8](repeating: 0, count: batch * file.model.plan.outputBytes)
        } else {
            answers = [Float](repeating: 0, count: batch * file.model.outputCount)
        }
    }

    var memoryBytes: Int { session.memoryBytes }

    mutating func callAsFunction(after: (_ step: Int) -> Void = { _ in }) throws {
        if answers.isEmpty {
            try session.run(bytes: input, rows: batch, into: &bytes, after: after)
        } else {
            try session.run(bytes: input, rows: batch, into: &answers, after: after)
        }
    }
}

/// Which kernels a command uses.
struct KernelOptions: ParsableArguments {
    @Option(
        name: .customLong("variant"),
        help: ArgumentHelp(
            "The kernels to use instead of the fastest: those of this machine are listed when it is unknown."
        )
    )
    var name: String?

    /// Nil for the fastest.
    var variant: KernelVariant? { name.flatMap(KernelVariant.init) }

    func validate() throws {
        guard let name else { return }
        guard let variant, KernelVariant.available.contains(variant) else {
            let known = KernelVariant.available.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--variant \(name): this machine has \(known)")
        }
    }
}

extension QuantizedModel {
    /// The kernels of its largest step.
    var variantName: String {
        steps.max { $0.multiplyAdds < $1.multiplyAdds }?.variant.rawValue ?? KernelVariant.best.rawValue
    }
}

extension Duration {
    /// Microseconds with all digits that there are.
    var exactMicroseconds: Double { seconds * 1e6 }

    /// `77.1 µs`, `2.652 ms`.
    var fine: String {
        switch seconds {
        case ..<1e-3: "\(exactMicroseconds.fixed(exactMicroseconds < 10 ? 2 : 1)) µs"
        case ..<1: "\((seconds * 1e3).fixed(3)) ms"
        default: "\(seconds.fixed(3)) s"
        }
    }
}

extension Double {
    /// All digits that a program may want.
    var exact: String { self == rounded() && magnitude < 1e15 ? fixed(0) : "\(self)" }
}

extension Int {
    /// Bytes as `12.3` thousand.
    var kilobytes: String { (Double(self) / 1e3).fixed(1) }
}

/// A text as JSON has it, with its quotes.
struct JSONText: CustomStringConvertible {
    let description: String

    init(_ text: String) {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{00}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        description = quoted + "\""
    }
}
