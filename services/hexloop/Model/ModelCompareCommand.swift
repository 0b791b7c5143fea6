import ArgumentParser
import Inference
import ModelContainer
import ModelGraph
import Quantization
import ZeroMQ

/// A float model and the int8 model made of it, layer by layer.
struct ModelCompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Runs a float model and the int8 model made of it on the same rows and compares them layer by layer.",
        discussion: """
            Rows are as for 'hexloop model convert', in one file or in all files of a folder, in the order of dimensions of \
            the float model's file. A quantized file of another program is compared with what its integers stand for.
            """
    )

    @Argument(help: "The float model: .onnx, .tflite or .hxm.")
    var float: String

    @Argument(help: "The int8 model that was made of it (.hxm), or a quantized file of ONNX or TFLite.")
    var int8: String

    @Option(help: ArgumentHelp("Rows that both answer: a file or a folder.", valueName: "path"))
    var input: String

    @Option(help: ArgumentHelp("Where all layers go as well, as .txt, .json or .html.", valueName: "file"))
    var report: [String] = []

    @OptionGroup(title: "Rows with labels") var labelled: LabelledOptions

    @OptionGroup(title: "Pictures") var images: ImageOptions

    func validate() throws {
        for path in report where ConversionReport.Form(path: path) == nil {
            throw ValidationError("--report \(path) must end in .txt, .json or .html")
        }
    }

    func run() async throws {
        let source = try SourceFile(float)
        let model = source.container
        let file = try ModelFile(int8)
        let quantized = file.container
        let rows = try CalibrationFiles(input, of: source, images: images)
        let test = try labelled.read(source, images)
        let terminal = Terminal()
        let names = "\(float) and \(int8)"
        let comparison = try await DedicatedThread.run("compare") {
            let bar = ProgressBar(terminal, "comparison", total: rows.rows)
            defer { bar.finish() }
            do {
                return try Quantizer.compare(float: model, quantized: quantized, inputs: rows.floats, rows: rows.rows) {
                    bar.update($0, "\($0) of \(rows.rows) rows")
                }
            } catch {
                throw CommandError("\(names) cannot be compared: \(error)")
            }
        }
        var report = ConversionReport(
            source: float,
            sourceDigest: model.digest,
            digest: quantized.digest,
            byteCount: file.byteCount,
            ranges: quantized.manifest.metadata[Quantizer.rangeMethodKey] ?? RangeMethod.minMax.description,
            activationBits: quantized.manifest.wideEncodings.isEmpty ? 8 : 16,
            quantization: comparison
        )
        report.fused = source.notes
        report.float = ConversionReport.FloatLayer.all(of: file.model)
        if let test {
            report.labelled = try await DedicatedThread.run("labels") {
                try test.quality(float: model, quantized: quantized)
            }
        }
        for path in self.report {
            guard let form = ConversionReport.Form(path: path) else { continue }
            try Stream.write(Array(try report.text(form).utf8), to: path)
        }
        for line in report.lines(layersMax: .max) { terminal.line(line) }
        try labelled.check(report, int8)
    }
}
