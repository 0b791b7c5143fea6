import ArgumentParser
import Inference
import Kernels
import ModelContainer
import ModelGraph
import ModelImport
import ZeroMQ

/// Answers for rows in a file.
struct ModelRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a quantized model on rows in a file and writes its answers.",
        discussion: """
            Input is NumPy's .npy, float32, uint8 or int8, or bare elements in little-endian order, told apart by their \
            first bytes; '-' is standard input or output. float32 are real numbers. uint8 are bytes in the encoding of \
            the model's input, which 'hexloop model info' shows, and go in as they are; int8 are the same, 128 less. How \
            many rows there are follows from the size. Answers are written in the same form: as real numbers, or for \
            uint8 and int8 as bytes where the model gives bytes. With --float the model is a float model, and rows are \
            float32: of a quantized file the real numbers that its integers stand for.

            A file of ONNX or TFLite takes rows in its own order of dimensions. A quantized one runs in its own integers, \
            and any with --float in real numbers.
            """
    )

    @Argument(help: "The model: a container (.hxm), or .onnx or .tflite.")
    var file: String

    @Option(help: ArgumentHelp("Rows, as .npy or as bare elements; '-' reads standard input.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp("Where the answers go; '-' is standard output.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("What bare elements are, f32, u8 or i8. (default: f32)"))
    var type: String?

    @Option(help: "Threads that share the work of each step.")
    var threads = 1

    @Option(help: "The most rows of one run.")
    var batch = 64

    @OptionGroup var kernels: KernelOptions

    @Flag(help: "Uses the definition in HVX instructions, hundreds of times slower; the answers are the same.")
    var reference = false

    @Flag(name: .customLong("float"), help: "Runs a model in 32-bit floats, one operation after the other.")
    var isFloat = false

    func validate() throws {
        guard !isFloat || !reference else { throw ValidationError("--float and --reference are two different things") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 to 64") }
        guard (1...1 << 20).contains(batch) else { throw ValidationError("--batch must be 1 to \(1 << 20)") }
        if let type, ArrayFile.Element(rawValue: type) == nil {
            throw ValidationError("--type \(type) must be one of \(ArrayFile.Element.allCases.map(\.rawValue))")
        }
    }

    func run() async throws {
        guard !isFloat else { return try await runFloat() }
        let file = try ModelFile(file, variant: kernels.variant)
        let contents = try Stream.read(input)
        let form: ArrayFile.Form = ArrayFile.isNpy(contents) ? .npy : .raw
        let rows = try read(contents, form, file)
        let (threads, batch, reference) = (threads, batch, reference)
        let answers = try await DedicatedThread.run("run") {
            try rows.answers(file.model, batch: batch, threads: threads, reference: reference)
        }
        try Stream.write(answers.contents(form), to: output)
    }

    private func runFloat() async throws {
        let model = try FloatModelFile(file)
        let contents = try Stream.read(input)
        let form: ArrayFile.Form = ArrayFile.isNpy(contents) ? .npy : .raw
        let rows: [Float]
        do {
            let array = form == .npy ? try ArrayFile(npy: contents) : try ArrayFile(raw: contents, element: .float32)
            guard array.element == .float32, type ?? "f32" == "f32" else {
                throw CommandError("its elements are no float32, which --float takes")
            }
            rows = array.floats
            guard rows.count % model.inputCount == 0 else {
                throw CommandError(
                    "it has \(rows.count) elements and a row of the model's input has \(model.inputCount)"
                )
            }
        } catch {
            throw CommandError("\(input): \(error)")
        }
        let count = rows.count / model.inputCount
        let answers = try await DedicatedThread.run("run") { try model.answers(rows, rows: count) }
        let array = ArrayFile(floats: answers, shape: [count] + model.outputShape)
        try Stream.write(array.contents(form), to: output)
    }

    private func read(_ contents: [UInt8], _ form: ArrayFile.Form, _ file: ModelFile) throws(CommandError) -> InputRows
    {
        let array: ArrayFile
        do {
            array =
                switch form {
                case .npy: try ArrayFile(npy: contents)
                case .raw: try ArrayFile(raw: contents, element: type.flatMap(ArrayFile.Element.init) ?? .float32)
                }
            if form == .npy, let type, type != array.element.rawValue {
                throw CommandError("its elements are \(array.element.rawValue), not \(type)")
            }
            return try InputRows(array, file, isReference: reference)
        } catch {
            throw CommandError("\(input): \(error)")
        }
    }
}

/// Rows that fit a model.
struct InputRows: Sendable {
    private let array: ArrayFile
    /// Bytes go in and come out with 128 less.
    private let isSigned: Bool
    let count: Int

    /// - Throws: ``CommandError`` without the name of the file.
    init(_ given: ArrayFile, _ file: ModelFile, isReference: Bool) throws(CommandError) {
        let model = file.model
        isSigned = given.element == .int8
        let array =
            isSigned
            ? ArrayFile(element: .uint8, shape: given.shape, bytes: given.bytes.map { $0 ^ 0x80 }) : given
        let width = model.inputCount
        let elements = array.bytes.count / array.element.byteCount
        if array.element == .uint8, isReference {
            throw CommandError("--reference takes float32 only")
        }
        if array.element == .uint8, !model.plan.inputs.allSatisfy({ model.plan.values[$0.value].isBytes }) {
            throw CommandError("the model's input does not stand as bytes, so that it takes float32 only")
        }
        guard elements % width == 0 else {
            var hint = ""
            if array.element == .float32, array.bytes.count % width == 0 {
                hint = "; if they are bytes in the encoding of the input, say --type u8"
            }
            throw CommandError(
                "it has \(elements) elements and a row of the model's input has \(width) (\(model.inputShapes))\(hint)"
            )
        }
        self.array = file.source.map { array.inGraphOrder(of: $0) } ?? array
        count = elements / width
    }

    func answers(_ model: QuantizedModel, batch: Int, threads: Int, reference: Bool) throws -> ArrayFile {
        let plan = model.plan
        let shape = plan.outputs.count == 1 ? plan.values[plan.outputs[0].value].shape : [model.outputCount]
        if array.element == .uint8 {
            let hasBytes = plan.outputs.allSatisfy { plan.values[$0.value].isBytes && $0.tail.isEmpty }
            let flip: UInt8 = isSigned ? 0x80 : 0
            return try hasBytes
                ? ArrayFile(
                    element: isSigned ? .int8 : .uint8,
                    shape: [count] + shape,
                    bytes: bytes(model, batch, threads).map { $0 ^ flip }
                )
                : ArrayFile(floats: answersToBytes(model, batch, threads), shape: [count] + shape)
        }
        let floats = array.floats
        guard !reference else {
            return ArrayFile(
                floats: try model.predict(floats, rows: count, engine: .reference),
                shape: [count] + shape
            )
        }
        var session = try model.makeSession(batch: max(1, min(batch, count)), threads: threads)
        var answers: [Float] = []
        answers.reserveCapacity(count * model.outputCount)
        for first in stride(from: 0, to: count, by: batch) {
            let rows = min(batch, count - first)
            let part = Array(floats[first * model.inputCount..<(first + rows) * model.inputCount])
            answers += try session.run(part, rows: rows)
        }
        return ArrayFile(floats: answers, shape: [count] + shape)
    }

    /// Bytes to bytes.
    private func bytes(_ model: QuantizedModel, _ batch: Int, _ threads: Int) throws -> [UInt8] {
        let (width, outputWidth) = (model.plan.inputBytes, model.plan.outputBytes)
        var session = try model.makeSession(batch: max(1, min(batch, count)), threads: threads)
        var part = [UInt8](repeating: 0, count: min(batch, count) * outputWidth)
        var answers: [UInt8] = []
        for first in stride(from: 0, to: count, by: batch) {
            let rows = min(batch, count - first)
            try session.run(bytes: Array(array.bytes[first * width..<(first + rows) * width]), rows: rows, into: &part)
            answers += part.prefix(rows * outputWidth)
        }
        return answers
    }

    /// Bytes to real numbers.
    private func answersToBytes(_ model: QuantizedModel, _ batch: Int, _ threads: Int) throws -> [Float] {
        let (width, outputWidth) = (model.plan.inputBytes, model.outputCount)
        var session = try model.makeSession(batch: max(1, min(batch, count)), threads: threads)
        var part = [Float](repeating: 0, count: min(batch, count) * outputWidth)
        var answers: [Float] = []
        for first in stride(from: 0, to: count, by: batch) {
            let rows = min(batch, count - first)
            try session.run(bytes: Array(array.bytes[first * width..<(first + rows) * width]), rows: rows, into: &part)
            answers += part.prefix(rows * outputWidth)
        }
        return answers
    }
}

extension ArrayFile {
    /// The rows of a file of another program in the order of the graph.
    fileprivate func inGraphOrder(of source: SourceFile) -> ArrayFile {
        // Bytes are exact as floats.
        let ordered = source.graphOrder(floats)
        return element == .float32
            ? ArrayFile(floats: ordered, shape: shape)
            : ArrayFile(element: element, shape: shape, bytes: ordered.map { UInt8($0) })
    }
}

extension Plan.Value {
    /// Whether its elements are u8.
    var isBytes: Bool {
        if case .bytes = storage { true } else { false }
    }
}

extension QuantizedModel {
    /// `32x32x3`, or one for each input.
    var inputShapes: String {
        plan.inputs.map { plan.values[$0.value].shape.map(String.init).joined(separator: "x") }.joined(separator: ", ")
    }
}
