import ArgumentParser
import Inference
import ModelContainer
import ModelConversion
import ModelGraph
import Quantization
import ZeroMQ

/// Makes an int8 model of a model of another program.
struct ModelConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Makes an int8 model (.hxm) of an ONNX or TFLite file, or of a float model (.hxm).",
        discussion: """
            A file that is quantized already (TFLite's int8 and uint8, ONNX with QuantizeLinear or QLinear operators) \
            keeps its scales, zero points and weights; it needs no rows where every value has an encoding. The report \
            says what could not be kept, and why.

            A float model needs rows to measure ranges on. They are NumPy's .npy (float32, or uint8 and int8 taken as the \
            numbers that they are, or in the encoding of the file's input when it has that type), bare float32 in \
            little-endian order, or pictures (\(Picture.formats)), in one file or in all files of a folder. Rows of an \
            ONNX or TFLite file have its order of dimensions. The more they look like what the model will meet, the \
            better: 100 to 300 are enough for most models. With --pipeline they are the rows of the registry's newest \
            data.

            --encodings reads what AIMET exports (0.6.1 and 1.0.0) and what QNN's and SNPE's converters take as overrides; \
            these win over the file's own and over what was seen.

            The range of each value between the layers decides how fine its bytes are. 'min-max' covers all that was seen; \
            'percentile' cuts off rare values at both ends; 'mse' finds the range with the least mean squared error; \
            'entropy' the one that tells most of the distribution. The same file, rows and options give the same bytes.
            """
    )

    enum Observer: String, CaseIterable, ExpressibleByArgument {
        case minMax = "min-max"
        case percentile, mse, entropy
    }

    enum Task: String, CaseIterable, ExpressibleByArgument {
        case classification, regression

        var task: ModelTask { self == .classification ? .classification : .regression }
    }

    @Argument(help: "The model: .onnx, .tflite, or a container with a float model (.hxm).")
    var file: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The container to write; '-' is standard output.", valueName: "file")
    )
    var output: String

    @Option(help: ArgumentHelp("Rows to measure ranges on: a file or a folder.", valueName: "path"))
    var calibration: String?

    @Option(help: ArgumentHelp("Encodings by the names of tensors, in JSON of AIMET or QNN.", valueName: "file"))
    var encodings: String?

    @Option(help: "What the answers mean, when a file does not say it. (default: by their shape)")
    var task: Task?

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

    @OptionGroup(title: "More than rounding") var quantization: QuantizationFlags

    @OptionGroup(title: "Rows with labels") var labelled: LabelledOptions

    @OptionGroup(title: "Pictures") var images: ImageOptions

    @OptionGroup(title: "Rows from the registry") var pipeline: PipelineOptions

    func validate() throws {
        guard calibration == nil || pipeline.pipeline == nil else {
            throw ValidationError("--calibration and --pipeline are two sources of rows; give one")
        }
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
        let source = try SourceFile(file, task: task?.task)
        // Standard output is the container's alone when it goes there.
        let terminal = output == "-" ? nil : Terminal()
        let (fixed, departures) = try fixed(source)
        let rows =
            if let calibration {
                try CalibrationFiles(calibration, of: source, images: images)
            } else { try await pipeline.rows(for: source) }
        guard rows != nil || !fixed.values.isEmpty else {
            throw CommandError(
                "\(file) is a float model, whose ranges nobody knows; give rows with --calibration or --pipeline"
            )
        }
        let test = try labelled.read(source, images)
        let (path, bars) = (file, Bars(terminal))
        var options = QuantizationOptions(
            goldenRows: golden,
            width: activations == 8 ? .bytes : .halfwords,
            ranges: method,
            fixed: fixed
        )
        quantization.apply(to: &options)
        let asked = options
        let result = try await DedicatedThread.run("convert") {
            defer { bars.finish() }
            do {
                return try Quantizer.quantize(
                    model: source.container,
                    calibration: rows?.floats ?? [],
                    rows: rows?.rows ?? 0,
                    options: asked
                ) { bars.update($0.rawValue, $1, $2) }
            } catch {
                throw CommandError("\(path) cannot be converted: \(error)")
            }
        }
        let quantized = try ModelContainer(parsing: result.container)
        var report = ConversionReport(
            source: file,
            sourceDigest: source.container.digest,
            digest: quantized.digest,
            byteCount: result.container.count,
            ranges: rows == nil ? "none measured" : method.description,
            activationBits: activations,
            quantization: result.report
        )
        report.fused = source.notes + result.notes
        report.float = ConversionReport.FloatLayer.all(of: try QuantizedModel(quantized))
        if !fixed.isEmpty || !departures.isEmpty {
            report.kept = result.kept
            report.kept?.departures.insert(contentsOf: departures, at: 0)
        }
        if let test { try await judge(&report, source.container, quantized, test, bars) }
        for path in self.report {
            guard let form = ConversionReport.Form(path: path) else { continue }
            try Stream.write(Array(try report.text(form).utf8), to: path)
        }
        if let minSNR, report.rows == 0 {
            throw CommandError("--min-snr \(minSNR.short) needs rows to compare; give --calibration")
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

    /// What stays whatever the rows say: the file's own integers, and what --encodings says.
    private func fixed(
        _ source: SourceFile
    ) throws(CommandError) -> (encodings: FixedEncodings, departures: [KeptEncodings.Departure]) {
        guard let encodings else { return (source.model.encodings, source.model.departures) }
        let contents = try Stream.read(encodings)
        let graph = try source.graph
        do throws(EncodingsError) {
            let applied = try EncodingsFile(contents)
                .applied(to: source.model.encodings, of: graph, imported: source.model.imported)
            return (applied.encodings, source.model.departures + applied.departures)
        } catch { throw CommandError("\(encodings): \(error)") }
    }

    /// How both models do on rows with labels, and when too much is lost, by which layer.
    private func judge(
        _ report: inout ConversionReport,
        _ float: ModelContainer,
        _ quantized: ModelContainer,
        _ test: LabelledRows,
        _ bars: Bars
    ) async throws {
        report.labelled = try await DedicatedThread.run("labels") {
            try test.quality(float: float, quantized: quantized)
        }
        guard labelled.refuses(report) else { return }
        report.losses = try await DedicatedThread.run("losses") {
            defer { bars.finish() }
            return try test.losses(float: float, quantized: quantized) { bars.update("loss by layer", $0, $1) }
                .map { ConversionReport.Loss(name: $0.name, cost: $0.cost) }
        }
    }
}
