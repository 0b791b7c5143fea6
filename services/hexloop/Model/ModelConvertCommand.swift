import ArgumentParser
import Inference
import ModelContainer
import ModelGraph
import Quantization
import ZeroMQ

/// Makes an int8 model of a float model.
struct ModelConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Makes an int8 model of a float model, with ranges measured on rows of yours.",
        discussion: """
            The rows are NumPy's .npy (float32, or uint8 taken as the numbers 0 to 255) or bare float32 in little-endian \
            order, in one file or in all files of a folder. The more they look like what the model will meet, the better: \
            100 to 300 rows are enough for most models.

            The range of each value between the layers decides how fine its bytes are. 'min-max' covers all that was seen; \
            'percentile' cuts off rare values at both ends; 'mse' finds the range with the least mean squared error; \
            'entropy' the one that tells most of the distribution. The same file, rows and options give the same bytes.
            """
    )

    enum Observer: String, CaseIterable, ExpressibleByArgument {
        case minMax = "min-max"
        case percentile, mse, entropy
    }

    @Argument(help: "The float model, a container (.hxm).")
    var file: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The container to write; '-' is standard output.", valueName: "file")
    )
    var output: String

    @Option(help: ArgumentHelp("Rows to measure ranges on: a file or a folder.", valueName: "path"))
    var calibration: String

    @Option(help: "How ranges follow from the values seen.")
    var observer: Observer = .minMax

    @Option(help: ArgumentHelp("How many of a hundred values 'percentile' keeps. (default: 99.99)"))
    var percentile: Double?

    @Option(
        help: "Bits of the values between the layers, 8 or 16; 16 for fully-connected layers and convolutions only."
    )
    var activations = 8

    @Option(help: "Calibration rows that go into the container as questions with the answers it must give.")
    var golden = 4

    @Option(
        help: ArgumentHelp(
            "Where all layers go, worst first, as .txt, .json or .html; may be given several times.",
            valueName: "file"
        )
    )
    var report: [String] = []

    @Option(
        name: .customLong("min-snr"),
        help: ArgumentHelp(
            "Refuses when the answers have less signal to noise than so many decibels, and names the worst layers.",
            valueName: "dB"
        )
    )
    var minSNR: Double?

    @OptionGroup var quantization: QuantizationFlags
    @OptionGroup var labelled: LabelledOptions

    func validate() throws {
        guard [8, 16].contains(activations) else { throw ValidationError("--activations must be 8 or 16") }
        guard (0...1000).contains(golden) else { throw ValidationError("--golden must be 0 to 1000") }
        if let percentile {
            guard observer == .percentile else { throw ValidationError("--percentile needs --observer percentile") }
            guard percentile > 50, percentile <= 100 else {
                throw ValidationError("--percentile must be above 50 and at most 100")
            }
        }
        guard activations == 8 || observer == .minMax else {
            throw ValidationError(
                "--observer \(observer.rawValue) is for --activations 8; 16 bits have room for all values"
            )
        }
        for path in report where ConversionReport.Form(path: path) == nil {
            throw ValidationError("--report \(path) must end in .txt, .json or .html")
        }
    }

    private var method: RangeMethod {
        switch observer {
        case .minMax: .minMax
        case .percentile: .percentile(percentile ?? 99.99)
        case .mse: .meanSquaredError
        case .entropy: .entropy
        }
    }

    func run() async throws {
        let (model, _) = try ModelFile.container(file)
        guard model.manifest.kind == .floatModel else {
            throw CommandError("\(file) holds a \(model.manifest.kind.rawValue) and a float-model is needed")
        }
        let rows = try CalibrationFiles(calibration, of: model.manifest.graph?.inputs ?? [])
        // Standard output is the container's alone when it goes there.
        let terminal = output == "-" ? nil : Terminal()
        let (method, path) = (method, file)
        let test = try labelled.read(model)
        var options = QuantizationOptions(
            goldenRows: golden,
            width: activations == 8 ? .bytes : .halfwords,
            ranges: method
        )
        quantization.apply(to: &options)
        let asked = options
        let result = try await DedicatedThread.run("convert") {
            let bars = Bars(terminal)
            defer { bars.finish() }
            do {
                return try Quantizer.quantize(
                    model: model,
                    calibration: rows.floats,
                    rows: rows.rows,
                    options: asked
                ) { bars.update($0, $1, $2) }
            } catch {
                throw CommandError("\(path) cannot be converted: \(error)")
            }
        }
        var report = ConversionReport(
            source: file,
            sourceDigest: model.digest,
            digest: ModelContainer.digest(of: result.container),
            byteCount: result.container.count,
            ranges: method.description,
            activationBits: activations,
            quantization: result.report
        )
        report.floatLayers = result.floatLayers
        if let test {
            report.labelled = try await DedicatedThread.run("labels") {
                try test.quality(float: model, quantized: ModelContainer(parsing: result.container))
            }
        }
        for path in self.report {
            guard let form = ConversionReport.Form(path: path) else { continue }
            try Stream.write(Array(try report.text(form).utf8), to: path)
        }
        if let minSNR, result.report.signalToNoiseDB < minSNR {
            throw CommandError(
                "\(file) is not converted: the answers have \(result.report.signalToNoiseDB.fixed(1)) dB of signal to noise "
                    + "and --min-snr wants \(minSNR.short); the worst layers are \(report.worst)"
            )
        }
        try labelled.check(report, file)
        try Stream.write(result.container, to: output)
        guard let terminal else { return }
        terminal.line("\(output): \(result.container.count) bytes, \(report.digest)")
        for line in report.lines(layersMax: 5) { terminal.line(line) }
    }

    /// A bar for each phase.
    private final class Bars {
        private let terminal: Terminal?
        private var phase: Quantizer.Phase?
        private var bar: ProgressBar?

        init(_ terminal: Terminal?) { self.terminal = terminal }

        func update(_ phase: Quantizer.Phase, _ done: Int, _ total: Int) {
            guard let terminal else { return }
            if phase != self.phase {
                finish()
                self.phase = phase
                bar = ProgressBar(terminal, phase.rawValue, total: total)
            }
            bar?.update(done, "\(done) of \(total)")
        }

        func finish() { bar?.finish() }
    }
}
