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
    init(_ path: String, labels labelsPath: String, _ model: ModelContainer) throws(CommandError) {
        let graph: Graph
        let outputs: Int
        do {
            graph = try model.graph
            outputs = try FloatInterpreter(graph).outputCount
        } catch {
            throw CommandError("the float model cannot be run: \(error)")
        }
        let files = try CalibrationFiles(path, of: graph.inputs)
        (inputs, rows) = (files.floats, files.rows)
        let contents = try Stream.read(labelsPath)
        do {
            let array =
                ArrayFile.isNpy(contents)
                ? try ArrayFile(npy: contents) : try ArrayFile(raw: contents, element: .float32)
            labels = array.floats
        } catch {
            throw CommandError("\(labelsPath): \(error)")
        }
        isClassifier = model.manifest.task == .classification && outputs > 1
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

    func quality(float: ModelContainer, quantized: ModelContainer) throws -> LabelledQuality {
        LabelledQuality(
            measure: isClassifier ? .topOne : .meanAbsoluteError,
            rows: rows,
            float: score(try FloatInterpreter(float.graph).run(inputs, rows: rows)),
            int8: score(try QuantizedModel(quantized).predict(inputs, rows: rows))
        )
    }

    private func score(_ answers: [Float]) -> Double {
        guard isClassifier else {
            return zip(answers, labels).reduce(0) { $0 + (Double($1.0) - Double($1.1)).magnitude }
                / Double(labels.count)
        }
        let width = answers.count / rows
        let right = (0..<rows).filter { row in
            let answer = answers[row * width..<(row + 1) * width]
            // The first of equal ones.
            guard let greatest = answer.max(), let index = answer.firstIndex(of: greatest) else { return false }
            return index - answer.startIndex == Int(labels[row])
        }
        return Double(right.count) / Double(rows)
    }
}

/// Rows with labels on the command line.
struct LabelledOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Rows with --labels that both models answer: a file or a folder.", valueName: "path"))
    var test: String?

    @Option(
        help: ArgumentHelp(
            "The labels of the --test rows, .npy or bare float32: a class for each row, or all values of the answer.",
            valueName: "file"
        )
    )
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "Refuses when int8 is right on so many fewer of the --test rows, or its error so much greater, and names the "
                + "worst layers.",
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

    func read(_ model: ModelContainer) throws(CommandError) -> LabelledRows? {
        guard let test, let labels else { return nil }
        return try LabelledRows(test, labels: labels, model)
    }

    /// - Throws: ``CommandError`` naming the worst layers when too much is lost.
    func check(_ report: ConversionReport, _ file: String) throws(CommandError) {
        guard let maxDrop, let error = Self.refusal(of: report, file, maxDrop: maxDrop) else { return }
        throw error
    }

    /// Nil when no more is lost than is allowed.
    static func refusal(of report: ConversionReport, _ file: String, maxDrop: String) -> CommandError? {
        guard let limit = share(maxDrop), let quality = report.labelled, quality.drop > limit else { return nil }
        return CommandError(
            "\(file): \(quality.summary), and --max-drop allows \(maxDrop); the worst layers are \(report.worst)"
        )
    }
}
