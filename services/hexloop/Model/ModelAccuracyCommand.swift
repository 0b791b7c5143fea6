import ArgumentParser
import FoundationEssentials
import Glibc
import Inference
import ModelContainer
import ModelConversion
import ModelGraph
import ModelImport
import ZeroMQ

/// What conversion costs real models.
struct ModelAccuracyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accuracy",
        abstract: "Converts all models of a folder and holds them against recorded answers and labels.",
        discussion: """
            Each folder in it has a manifest.json: under 'models' for each the 'file', the 'input_file' ('NAME', 'NAME as \
            float32', 'NAME minus N as int8' or '(NAME-N)*S as float32') and 'expected', the files with the answers of the \
            model's own runtime; under 'files' their 'dtype' and 'shape'; and perhaps 'labels', a text with a class on \
            each line. A quantized model keeps its integers; a float model is calibrated on its inputs, evenly spread. \
            Ends with 1 when a model misses a bar: 97 % of the recorded classes, and 1 point of the accuracy in float.
            """
    )

    @Argument(help: "The folder with the folders of models.")
    var folder: String

    @Option(help: "The most rows that a float model is calibrated on.")
    var rows = 200

    @Option(help: ArgumentHelp("Also write the table to a file, as Markdown.", valueName: "file"))
    var markdown: String?

    func validate() throws {
        guard (1...10_000).contains(rows) else { throw ValidationError("--rows must be 1 to 10000") }
    }

    func run() async throws {
        let terminal = Terminal()
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
            throw CommandError("\(folder) cannot be read: \(error)")
        }
        var cases: [AccuracyCase] = []
        for name in names where FileManager.default.fileExists(atPath: "\(folder)/\(name)/manifest.json") {
            cases += try AccuracyCase.all(in: "\(folder)/\(name)")
        }
        guard !cases.isEmpty else { throw CommandError("\(folder) has no folder with a manifest.json") }
        let (rows, all) = (rows, cases)
        let results = try await DedicatedThread.run("accuracy") {
            let bar = ProgressBar(terminal, "models", total: all.count)
            defer { bar.finish() }
            return try all.map { model in
                let result = try model.result(calibrationRows: rows)
                bar.step(model.name)
                return result
            }
        }
        var table = TextTable(AccuracyResult.columns)
        for result in results { table.add(result.cells) }
        table.write(to: terminal)
        if let markdown { try Stream.write(Array(AccuracyResult.markdown(results).utf8), to: markdown) }
        let missed = results.filter { !$0.isWithinBars }.map(\.name)
        guard missed.isEmpty else { throw CommandError("a bar is missed by \(missed.joined(separator: ", "))") }
    }
}

/// One model of a folder, with inputs and recorded answers.
struct AccuracyCase: Sendable {
    let name: String
    private let folder: String
    private let model: Folder.Model
    private let files: [String: Folder.File]
    private let labels: String?

    private struct Folder: Decodable {
        struct File: Decodable {
            let dtype: String
            let shape: [Int]
        }

        struct Model: Decodable {
            let file: String
            let input: String
            let expected: [String]

            private enum CodingKeys: String, CodingKey {
                case file, expected
                case input = "input_file"
            }
        }

        let files: [String: File]
        let models: [Model]
        let labels: String?
    }

    static func all(in folder: String) throws(CommandError) -> [AccuracyCase] {
        let path = "\(folder)/manifest.json"
        let contents = try Stream.read(path)
        let manifest: Folder
        do { manifest = try JSONDecoder().decode(Folder.self, from: Data(contents)) } catch {
            throw CommandError("\(path): \(error)")
        }
        return manifest.models.map { model in
            AccuracyCase(
                name: model.file,
                folder: folder,
                model: model,
                files: manifest.files,
                labels: manifest.labels
            )
        }
    }

    func result(calibrationRows: Int) throws -> AccuracyResult {
        let source = try SourceFile("\(folder)/\(model.file)")
        let inputs = source.graphOrder(try self.inputs())
        let rows = inputs.count / source.rowCount
        guard rows > 0, rows * source.rowCount == inputs.count else {
            throw CommandError("\(folder): \(inputs.count) inputs are no rows of \(source.inputShapes)")
        }
        let fixed = source.model.encodings
        let isQuantized = !fixed.values.isEmpty
        let chosen = isQuantized ? [] : Self.spread(min(rows, calibrationRows), of: rows)
        let result = try Quantizer.quantize(
            model: source.container,
            calibration: chosen.flatMap { inputs[$0 * source.rowCount..<($0 + 1) * source.rowCount] },
            rows: chosen.count,
            options: QuantizationOptions(fixed: fixed)
        )
        let float = try FloatInterpreter(source.graph).run(inputs, rows: rows)
        let int8 = try QuantizedModel(ModelContainer(parsing: result.container)).predict(inputs, rows: rows)
        let width = float.count / rows
        let known = try labels.map { try Self.labels("\(folder)/\($0)", count: rows) }
        var measured = AccuracyResult(name: name, isQuantized: isQuantized, calibrationRows: chosen.count, rows: rows)
        for file in model.expected {
            let expected = try self.expected(file, source)
            guard expected.count == float.count else {
                throw CommandError("\(folder)/\(file) has \(expected.count) answers and the model gives \(float.count)")
            }
            let share = Self.agreement(int8, expected, width: width)
            guard share > measured.agreement ?? -1 else { continue }
            measured.agreement = width > 1 ? share : nil
            measured.error =
                zip(int8, expected).reduce(0) { $0 + (Double($1.0) - Double($1.1)).magnitude }
                / Double(int8.count)
            measured.recorded = known.map { Self.accuracy(expected, $0, width: width) }
        }
        measured.float = known.map { Self.accuracy(float, $0, width: width) }
        measured.int8 = known.map { Self.accuracy(int8, $0, width: width) }
        measured.reach = (float.max() ?? 0) - (float.min() ?? 0)
        return measured
    }

    /// So many numbers below a count, evenly spread.
    private static func spread(_ count: Int, of all: Int) -> [Int] { (0..<count).map { $0 * all / count } }

    // MARK: Arrays

    private func array(_ name: String) throws(CommandError) -> (values: [Float], type: String) {
        guard let file = files[name] else { throw CommandError("\(folder)/manifest.json says nothing of '\(name)'") }
        let elements = ["f32": ArrayFile.Element.float32, "u8": .uint8, "i8": .int8]
        guard let element = elements[file.dtype] else {
            throw CommandError("\(folder)/\(name) is of type \(file.dtype); f32, u8 and i8 are read")
        }
        let contents = try Stream.read("\(folder)/\(name)")
        do throws(ArrayFileError) { return (try ArrayFile(raw: contents, element: element).floats, file.dtype) } catch {
            throw CommandError("\(folder)/\(name): \(error)")
        }
    }

    /// The real numbers of the inputs.
    private func inputs() throws(CommandError) -> [Float] {
        let text = model.input
        guard let name = files.keys.filter({ text.contains($0) }).max(by: { $0.count < $1.count }) else {
            throw CommandError("\(folder)/manifest.json: '\(text)' names no file of it")
        }
        let (values, type) = try array(name)
        let rest = text.replacing(name, with: "NAME")
        let words = rest.split(separator: " ")
        if rest == "NAME" || rest == "NAME as float32" {
            return type == "f32" || rest.hasSuffix("float32") ? values : try reals(values, minus: 0)
        }
        if words.count == 5, words[1] == "minus", words[3] == "as", words[4] == "int8", let number = Float(words[2]) {
            return try reals(values, minus: number)
        }
        let parts = rest.split(whereSeparator: { "()-* ".contains($0) })
        if parts.count == 5, parts[0] == "NAME", parts[3] == "as", let number = Float(parts[1]),
            let scale = Float(parts[2])
        {
            return values.map { ($0 - number) * scale }
        }
        throw CommandError("\(folder)/manifest.json: '\(text)' is no way to prepare inputs that is known")
    }

    /// The real numbers of the integers of the file's input.
    private func reals(_ integers: [Float], minus number: Float) throws(CommandError) -> [Float] {
        let source = try SourceFile("\(folder)/\(model.file)")
        guard let port = source.model.imported?.inputs.first, !port.type.isFloat else {
            return integers.map { $0 - number }
        }
        let shifted = integers.map { Int($0 - number) }
        return port.real(SourceTensor(shape: [shifted.count], integers: shifted, type: port.type))
    }

    /// The real numbers of recorded answers.
    private func expected(_ name: String, _ source: SourceFile) throws(CommandError) -> [Float] {
        let (values, type) = try array(name)
        guard type != "f32", let port = source.model.imported?.outputs.first, !port.type.isFloat else { return values }
        return port.real(SourceTensor(shape: [values.count], integers: values.map { Int($0) }, type: port.type))
    }

    private static func labels(_ path: String, count: Int) throws(CommandError) -> [Int] {
        let text = String(decoding: try Stream.read(path), as: UTF8.self)
        let labels = text.split(whereSeparator: \.isNewline).compactMap { Int($0.filter { $0 != " " }) }
        guard labels.count == count else { throw CommandError("\(path) has \(labels.count) labels for \(count) rows") }
        return labels
    }

    // MARK: Measures

    /// The class of each row: the first of the greatest answers.
    private static func classes(_ answers: [Float], width: Int) -> [Int] {
        stride(from: 0, to: answers.count, by: width).map { start in
            let row = answers[start..<start + width]
            return row.indices.max { (row[$0], -$0) < (row[$1], -$1) }.map { $0 - start } ?? 0
        }
    }

    private static func agreement(_ first: [Float], _ second: [Float], width: Int) -> Double {
        let pairs = zip(classes(first, width: width), classes(second, width: width))
        return Double(pairs.count { $0 == $1 }) / Double(max(1, first.count / width))
    }

    private static func accuracy(_ answers: [Float], _ labels: [Int], width: Int) -> Double {
        Double(zip(classes(answers, width: width), labels).count { $0 == $1 }) / Double(max(1, labels.count))
    }
}

/// How a converted model does.
struct AccuracyResult: Sendable {
    let name: String
    /// Whether the file brought its integers.
    let isQuantized: Bool
    let calibrationRows: Int
    let rows: Int
    /// With the recorded classes; nil for a model without classes.
    var agreement: Double?
    /// The mean distance from the recorded answers.
    var error = 0.0
    /// From the least to the greatest answer.
    var reach: Float = 0
    /// The shares of right classes: of the recorded answers, of the float graph and of the int8 model.
    var recorded: Double?
    var float: Double?
    var int8: Double?

    init(name: String, isQuantized: Bool, calibrationRows: Int, rows: Int) {
        self.name = name
        self.isQuantized = isQuantized
        self.calibrationRows = calibrationRows
        self.rows = rows
    }

    /// 97 % of the recorded classes, and 1 point of the accuracy that the float model has, or the recorded answers of a
    /// quantized one; for few rows one row.
    var isWithinBars: Bool {
        let one = max(0.01, 1 / Double(rows)) + 1e-9
        if let agreement, agreement < 0.97 - 1e-9 { return false }
        guard let int8, let base = isQuantized ? recorded : float else { return error <= 0.02 * Double(reach) }
        return base - int8 <= one
    }

    static let columns = [
        "model", "integers", ">rows", ">same class", ">mean distance", ">recorded", ">float", ">int8", "within bars",
    ]

    var cells: [String] {
        func percent(_ share: Double?) -> String { share.map { "\(($0 * 100).fixed(1)) %" } ?? "" }
        return [
            name, isQuantized ? "kept" : "ours, \(calibrationRows) rows", "\(rows)", percent(agreement), error.fixed(5),
            percent(recorded), percent(float), percent(int8), isWithinBars ? "yes" : "no",
        ]
    }

    /// A page with the table.
    static func markdown(_ results: [AccuracyResult]) -> String {
        func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }
        let titles = columns.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
        let rule = columns.map { $0.hasPrefix(">") ? "---:" : "---" }
        return """
            # What conversion costs

            Written by `hexloop model accuracy FOLDER --markdown docs/conversion.md`; do not edit. Models of other programs with
            inputs, the answers of their own runtime and labels, converted as `hexloop model convert` does it. *kept*: the file
            was quantized, and its scales, zero points and weights are kept without any calibration; *ours*: a float model,
            calibrated on so many of its inputs, ranges by min-max. *Same class*: rows with the class of the recorded answer;
            *mean distance*: of the answers from the recorded ones; then the share of right classes of the recorded answers, of
            the float graph and of the int8 model. The bars: 97 % of the same classes, and 1 point of the float model (of
            the recorded answers for a quantized one).


            """ + line(titles) + line(rule) + results.map { line($0.cells) }.joined()
    }
}
