import ArgumentParser
import Inference
import ModelContainer
import ModelGraph
import ModelImport

/// How a float model and the int8 model made of it do on rows with labels.
struct LabelledQuality: Codable, Equatable {
    enum Measure: String, Codable {
        /// The share of rows whose label has the greatest answer.
        case topOne = "top-1"
        /// The mean absolute difference of answers and labels.
        case meanAbsoluteError = "mean absolute error"
    }

    let measure: Measure
    let rows: Int
    let float: Double
    let int8: Double

    /// What int8 costs: for a classifier the share of rows by which it is right less often, otherwise the part by which the
    /// error is greater. Not positive when nothing is lost.
    var drop: Double {
        switch measure {
        case .topOne: float - int8
        case .meanAbsoluteError: float > 0 ? (int8 - float) / float : int8 > 0 ? .infinity : 0
        }
    }

    var summary: String {
        let (a, b) =
            measure == .topOne ? ("\((float * 100).fixed(2))%", "\((int8 * 100).fixed(2))%") : (float.short, int8.short)
        return "\(measure.rawValue) of \(a) in float and \(b) in int8 over \(rows) rows: \((drop * 100).fixed(2))% lost"
    }
}

/// Rows with labels that fit a model.
struct LabelledRows: Sendable {
    private let inputs: [Float]
    private let labels: [Float]
    private let rows: Int
    private let isClassifier: Bool

    /// - Throws: ``CommandError`` naming the file.
    init(
        _ path: String,
        labels labelsPath: String,
        _ source: SourceFile,
        images: ImageOptions = ImageOptions()
    ) throws(CommandError) {
        let outputs: Int
        do { outputs = try FloatInterpreter(source.graph).outputCount } catch {
            throw CommandError("the float model cannot be run: \(error)")
        }
        let files = try CalibrationFiles(path, of: source, images: images)
        (inputs, rows) = (files.floats, files.rows)
        let contents = try Stream.read(labelsPath)
        do throws(CommandError) {
            labels = if let lines = LabelledRows.lines(contents) { lines } else { try ArrayFile(contents).floats }
        } catch { throw CommandError("\(labelsPath): \(error)") }
        isClassifier = source.container.manifest.task == .classification && outputs > 1
        let wanted = rows * (isClassifier ? 1 : outputs)
        guard labels.count == wanted else {
            throw CommandError("\(labelsPath): it has \(labels.count) labels and \(rows) rows need \(wanted)")
        }
        if isClassifier, let label = labels.first(where: { !($0 >= 0 && $0 < Float(outputs) && $0 == $0.rounded()) }) {
            throw CommandError("\(labelsPath): \(label) is no class from 0 to \(outputs - 1)")
        }
        if let label = labels.first(where: { !$0.isFinite }) {
            throw CommandError("\(labelsPath): \(label) is no label")
        }
    }

    /// The numbers of a text with one on each line, or nil when it is none.
    private static func lines(_ contents: [UInt8]) -> [Float]? {
        guard contents.allSatisfy({ $0 < 128 }) else { return nil }
        let lines = String(decoding: contents, as: UTF8.self).split(whereSeparator: \.isNewline)
        let numbers = lines.compactMap { Float($0.filter { $0 != " " }) }
        return numbers.isEmpty || numbers.count != lines.count ? nil : numbers
    }

    /// The layers that cost most on the rows where int8 does worse than float, at most 32 of them, the worst first.
    func losses(
        float: ModelContainer,
        quantized: ModelContainer,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> [LossByLayer.Layer] {
        let width = inputs.count / max(rows, 1)
        let (floats, int8s) = (
            try FloatInterpreter(float.graph).run(inputs, rows: rows),
            try QuantizedModel(quantized).predict(inputs, rows: rows)
        )
        let outputs = floats.count / max(rows, 1)
        func loss(_ row: Int) -> Double {
            let range = row * outputs..<(row + 1) * outputs
            return cost(row, Array(int8s[range])) - cost(row, Array(floats[range]))
        }
        let worst = (0..<rows).map { ($0, loss($0)) }.filter { $0.1 > 0 }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(Self.lossRowsMax).map(\.0)
        return try LossByLayer(
            float: float,
            quantized: quantized,
            inputs: worst.flatMap { inputs[$0 * width..<($0 + 1) * width] },
            rows: worst.count,
            cost: { cost(worst[$0], $1) },
            progress: { progress($0, worst.count) }
        ).layers
    }

    private static let lossRowsMax = 32

    /// 1 for a wrong class, or the sum of the absolute errors.
    private func cost(_ row: Int, _ answer: [Float]) -> Double {
        guard isClassifier else {
            return zip(answer, labels[row * answer.count..<(row + 1) * answer.count])
                .reduce(0) { $0 + (Double($1.0) - Double($1.1)).magnitude }
        }
        // The first of equal ones.
        guard let greatest = answer.max(), let index = answer.firstIndex(of: greatest) else { return 1 }
        return index == Int(labels[row]) ? 0 : 1
    }

    func quality(float: ModelContainer, quantized: ModelContainer) throws -> LabelledQuality {
        LabelledQuality(
            measure: isClassifier ? .topOne : .meanAbsoluteError,
            rows: rows,
            float: score(try FloatInterpreter(float.graph).run(inputs, rows: rows)),
            int8: score(try QuantizedModel(quantized).predict(inputs, rows: rows))
        )
    }

    private func score(_ answers: [Float]) -> Double {
        let width = answers.count / rows
        let costs = (0..<rows).reduce(0) { $0 + cost($1, Array(answers[$1 * width..<($1 + 1) * width])) }
        return isClassifier ? (Double(rows) - costs) / Double(rows) : costs / Double(labels.count)
    }
}

/// Rows with labels on the command line.
struct LabelledOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Rows with --labels that both models answer: a file or a folder.", valueName: "path"))
    var test: String?

    @Option(
        help: ArgumentHelp(
            "The labels of the --test rows, .npy, bare float32, or text with a number on each line: a class for each row, "
                + "or all values of the answer.",
            valueName: "file"
        )
    )
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "Refuses when int8 is right on so many fewer of the --test rows, or its error so much greater, and names the "
                + "layer that costs most of it.",
            valueName: "percent"
        )
    )
    var maxDrop: String?

    func validate() throws {
        guard (test == nil) == (labels == nil) else { throw ValidationError("--test and --labels need each other") }
        guard let maxDrop else { return }
        guard test != nil else { throw ValidationError("--max-drop needs --test and --labels") }
        guard Self.share(maxDrop) != nil else { throw ValidationError("--max-drop \(maxDrop) must be like 1% or 0.5%") }
    }

    private static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent >= 0, percent.isFinite else {
            return nil
        }
        return percent / 100
    }

    func read(_ source: SourceFile, _ images: ImageOptions) throws(CommandError) -> LabelledRows? {
        guard let test, let labels else { return nil }
        return try LabelledRows(test, labels: labels, source, images: images)
    }

    /// Whether more is lost than is allowed.
    func refuses(_ report: ConversionReport) -> Bool {
        guard let maxDrop, let limit = Self.share(maxDrop), let quality = report.labelled else { return false }
        return quality.drop > limit
    }

    /// - Throws: ``CommandError`` naming the layer that costs most, and the worst ones, when too much is lost.
    func check(_ report: ConversionReport, _ file: String) throws(CommandError) {
        guard let maxDrop, let error = Self.refusal(of: report, file, maxDrop: maxDrop) else { return }
        throw error
    }

    /// Nil when no more is lost than is allowed.
    static func refusal(of report: ConversionReport, _ file: String, maxDrop: String) -> CommandError? {
        guard let limit = share(maxDrop), let quality = report.labelled, quality.drop > limit else { return nil }
        var text = "\(file): \(quality.summary), and --max-drop allows \(maxDrop)"
        if let first = report.losses.first, first.cost > 0 {
            let total = report.losses.reduce(0) { $0 + max(0, $1.cost) }
            text += "; layer '\(first.name)' costs most, \((first.cost / total * 100).fixed(0))% of what is lost"
        }
        if !report.layers.isEmpty { text += "; the worst layers are \(report.worst)" }
        return CommandError(text)
    }
}
