import Events
import ForeignModels
import Inference
import ModelContainer
import ModelGraph
import ModelImport
import Pipelines
import Testing

@testable import ConverterApp

/// Pipelines and rows that offers are held against.
private enum Example {
    static func pipeline(_ task: String, schema: String = "") throws -> Pipeline {
        try Pipeline(
            yaml: """
                pipeline: press
                task: \(task)
                data: {observations: in, labels: out\(schema)}
                """
        )
    }

    static let regression = "{kind: regression, inputs: {load: {shape: [3]}, speed: {shape: [1]}}, target: power}"
    static let three = "{kind: classification, inputs: {x: {shape: [2]}}, target: kind, classes: 3}"
    static let two = "{kind: classification, inputs: {x: {shape: [2]}}, target: kind, classes: 2}"

    static func rows(_ count: Int, _ pipeline: Pipeline) throws -> OfferedRows {
        let floats = (0..<count * pipeline.featureCount).map { Float($0 * 37 % 101 - 50) / 25 }
        let array = ArrayFile(floats: floats, shape: [count, pipeline.featureCount])
        return try OfferedRows(array.contents(.npy), of: pipeline)
    }

    static func offer(_ inputs: [String: String]? = nil) -> ModelOffered {
        ModelOffered(
            pipeline: "press",
            name: "foreign",
            model: String(repeating: "a", count: 64),
            file: "foreign.onnx",
            inputs: inputs,
            by: "ada",
            reason: "test"
        )
    }

    static func convert(
        _ file: [UInt8],
        _ pipeline: Pipeline,
        inputs: [String: String]? = nil
    ) throws -> OfferConversion {
        try OfferConversion(
            .init(
                offer: offer(inputs),
                pipeline: pipeline,
                pipelineVersion: "v",
                runID: "run-1",
                createdBy: "//local/converter/main"
            ),
            file: file,
            calibration: try rows(40, pipeline)
        )
    }

    /// The answers of the float model that the conversion made.
    static func answers(_ conversion: OfferConversion, _ rows: [Float], _ count: Int) throws -> [Float] {
        try FloatInterpreter(ModelContainer(parsing: conversion.floatModel).graph).run(rows, rows: count)
    }
}

@Suite("A file that somebody offers becomes a model of the pipeline")
struct OfferTests {
    @Test("A regression keeps its answers, names its source, and is the same every time")
    func regression() throws {
        let pipeline = try Example.pipeline(Example.regression)
        let file = ONNXFile.linear(weights: [[1, 2, 3, 0.5]], bias: [7])
        let first = try Example.convert(file, pipeline)
        #expect(try Example.answers(first, [1, 1, 1, 2], 1) == [14])
        #expect(
            first.source
                == ModelSource(
                    digest: String(repeating: "a", count: 64),
                    format: .onnx,
                    file: "foreign.onnx",
                    by: "ada",
                    reason: "test"
                )
        )
        #expect(first.result.report.signalToNoiseDB > 30)
        let again = try Example.convert(file, pipeline)
        #expect(again.result.container == first.result.container && again.floatModel == first.floatModel)
        let manifest = try ModelContainer(parsing: first.result.container).manifest
        #expect(manifest.metadata["source.format"] == "onnx" && manifest.metadata["offer.by"] == "ada")
        #expect(manifest.lineage?.runid == "run-1" && manifest.lineage?.role == "foreign")
        #expect(manifest.features.map(\.name) == ["load", "speed"])
        #expect(manifest.features.allSatisfy { $0.trainingMin != nil && $0.trainingMax != nil })
        #expect(manifest.golden?.inputs.isEmpty == false)
    }

    @Test("Elements of very different size each have their own scale")
    func levels() throws {
        let pipeline = try Example.pipeline(Example.regression)
        var floats: [Float] = []
        for row in 0..<200 {
            for (period, step, first) in [(9, 1, -4), (7, 1, -3), (5, 1, -2), (83, 4, 500)] {
                floats.append(Float(row % period * step + first))
            }
        }
        let rows = try OfferedRows(ArrayFile(floats: floats, shape: [200, 4]).contents(.npy), of: pipeline)
        let conversion = try OfferConversion(
            .init(offer: Example.offer(), pipeline: pipeline, pipelineVersion: "v", runID: "r", createdBy: "c"),
            file: ONNXFile.linear(weights: [[1, 1, 1, 0.01]], bias: [0]),
            calibration: rows
        )
        #expect(conversion.notes.contains { $0.contains("its own scale") })
        #expect(conversion.result.report.signalToNoiseDB > 35)
        #expect(abs(try Example.answers(conversion, [1, 2, 3, 500], 1)[0] - 11) < 1e-4)
    }

    @Test("A float model in a container is taken as well")
    func container() throws {
        let pipeline = try Example.pipeline(Example.regression)
        let float = try Example.convert(ONNXFile.linear(weights: [[1, 2, 3, 0.5]], bias: [7]), pipeline).floatModel
        let again = try Example.convert(float, pipeline)
        #expect(again.source.format == .container)
        #expect(try Example.answers(again, [1, 1, 1, 2], 1) == [14])
    }

    @Test("Scores of classes become probabilities, and probabilities stay")
    func probabilities() throws {
        let pipeline = try Example.pipeline(Example.three)
        let weights: [[Float]] = [[1, 0], [0, 1], [-1, -1]]
        let scores = try Example.convert(ONNXFile.linear(weights: weights, bias: [0, 0, 0]), pipeline)
        let already = try Example.convert(ONNXFile.linear(weights: weights, bias: [0, 0, 0], softmax: true), pipeline)
        let row: [Float] = [1.5, -0.5]
        let (first, second) = (try Example.answers(scores, row, 1), try Example.answers(already, row, 1))
        #expect(first == second && abs(first.reduce(0, +) - 1) < 1e-5)
        #expect(scores.notes.contains { $0.contains("softmax") } && !already.notes.contains { $0.contains("softmax") })
    }

    @Test("One sigmoid is a classifier of two classes")
    func sigmoid() throws {
        var file = ONNXFile()
        file.add(weights: "w", shape: [1, 2], [2, -1])
        file.add(weights: "b", shape: [1], [0.25])
        file.add("Gemm", ["x", "w", "b"], "y", integers: ["transB": 1])
        file.add("Sigmoid", ["y"], "p")
        let bytes = file.bytes(inputs: [("x", [nil, 2])], outputs: [("p", [nil, 1])])
        let answers = try Example.answers(try Example.convert(bytes, try Example.pipeline(Example.two)), [1, 1], 1)
        #expect(answers.count == 2 && abs(answers[1] - 0.777_3) < 1e-3 && abs(answers[0] + answers[1] - 1) < 1e-5)
    }

    @Test("Several inputs go by name, by a mapping, or in order; their rows are as the pipeline has them")
    func severalInputs() throws {
        func file(_ first: String, _ second: String) -> [UInt8] {
            var file = ONNXFile()
            file.add("Concat", [first, second], "all", integers: ["axis": 1])
            file.add(weights: "weights", shape: [1, 4], [100, 1, 2, 3])
            file.add(weights: "bias", shape: [1], [0])
            file.add("Gemm", ["all", "weights", "bias"], "y", integers: ["transB": 1])
            return file.bytes(inputs: [(first, [1, 1]), (second, [1, 3])], outputs: [("y", [1, 1])])
        }
        let pipeline = try Example.pipeline(Example.regression)
        let byName = try Example.convert(file("speed", "load"), pipeline)
        #expect(try Example.answers(byName, [1, 1, 1, 2], 1) == [206])
        let mapped = try Example.convert(file("a", "b"), pipeline, inputs: ["a": "speed", "b": "load"])
        #expect(try Example.answers(mapped, [1, 1, 1, 2], 1) == [206])
        let inOrder = #expect(throws: EventError.self) { try Example.convert(file("a", "b"), pipeline) }
        #expect(inOrder?.code == .badShape && inOrder?.message.contains("'a' [1] stands for 'load'") == true)
        let unknown = #expect(throws: EventError.self) {
            try Example.convert(file("a", "b"), pipeline, inputs: ["c": "speed"])
        }
        #expect(unknown?.code == .badData && unknown?.message.contains("'c'") == true)
    }

    @Test("A picture in the order of the file is turned round, one in the graph's order is not")
    func planes() throws {
        var file = ONNXFile()
        file.add(weights: "w", shape: [1, 2, 1, 1], [1, 10])
        file.add(weights: "b", shape: [1], [0])
        file.add("Conv", ["x", "w", "b"], "c")
        file.add("GlobalAveragePool", ["c"], "g")
        file.add("Flatten", ["g"], "y")
        let bytes = file.bytes(inputs: [("x", [nil, 2, 2, 3])], outputs: [("y", [nil, 1])])
        // Channel 0 is all ones, channel 1 all twos: 1 + 20.
        for (shape, row) in [
            ("[2, 2, 3]", [Float](repeating: 1, count: 6) + [Float](repeating: 2, count: 6)),
            ("[2, 3, 2]", (0..<6).flatMap { _ in [1, 2] as [Float] }),
        ] {
            let task = "{kind: regression, inputs: {x: {shape: \(shape)}}, target: t}"
            let conversion = try Example.convert(bytes, try Example.pipeline(task))
            #expect(try Example.answers(conversion, row, 1) == [21], "\(shape)")
        }
    }
}

@Suite("An offer that cannot be taken is refused with the reason")
struct OfferRefusalTests {
    private func refusal(_ file: [UInt8], _ task: String = Example.regression) throws -> EventError? {
        let pipeline = try Example.pipeline(task)
        return #expect(throws: EventError.self) { try Example.convert(file, pipeline) }
    }

    @Test("Too few or too many inputs, and another number of answers, are told with both sides")
    func shapes() throws {
        let inputs = try refusal(ONNXFile.linear(weights: [[1, 2, 3]], bias: [0]))
        #expect(inputs?.code == .badShape)
        #expect(inputs?.message.contains("'x' [3]") == true && inputs?.message.contains("4 numbers") == true)
        let answers = try refusal(ONNXFile.linear(weights: [[1, 2, 3, 4], [1, 2, 3, 4]], bias: [0, 0]))
        #expect(answers?.code == .badShape)
        #expect(answers?.message.contains("2 numbers") == true && answers?.message.contains("'power'") == true)
        let classes = try refusal(ONNXFile.linear(weights: [[1, 2], [1, 2]], bias: [0, 0]), Example.three)
        #expect(classes?.message.contains("each of its 3 classes") == true)
    }

    @Test("Every operator that is not supported is listed by name, at once")
    func operators() throws {
        var file = ONNXFile()
        file.add("LSTM", ["x"], "a")
        file.add("FancyOperator", ["a"], "b")
        file.add("Det", ["b"], "y")
        let error = try refusal(file.bytes(inputs: [("x", [nil, 4])], outputs: [("y", [nil, 1])]))
        #expect(error?.code == .unsupported)
        for name in ["LSTM", "FancyOperator", "Det"] { #expect(error?.message.contains(name) == true, "\(name)") }
    }

    @Test(
        "Files that are no models say what they are",
        arguments: [
            ([], "empty"), (Array("PK\u{3}\u{4}rest".utf8), "ZIP"),
            (Array("version https://git-lfs.github.com".utf8), "LFS"),
            (Array("<html>".utf8), "web page"), ([0x80, 0x04, 1, 2], "pickle"),
        ] as [([UInt8], String)]
    )
    func otherFiles(_ bytes: [UInt8], _ word: String) throws {
        let error = try refusal(bytes)
        #expect(error?.code == .badContainer && error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("foreign.onnx") == true)
    }

    @Test("A file that is cut anywhere, or has a flipped byte, gives an answer and no trap")
    func damaged() throws {
        let pipeline = try Example.pipeline(Example.regression)
        let whole = ONNXFile.linear(weights: [[1, 2, 3, 0.5]], bias: [7])
        for count in 0..<whole.count { _ = try? Example.convert(Array(whole.prefix(count)), pipeline) }
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 0x55
            _ = try? Example.convert(bytes, pipeline)
        }
    }

    @Test("A file is what it was said to be")
    func format() throws {
        let file = ONNXFile.linear(weights: [[1, 2, 3, 4]], bias: [0])
        let error = #expect(throws: EventError.self) { try OfferedFile(file, named: "a.tflite", as: .tflite) }
        #expect(error?.code == .wrongType)
        #expect(try OfferedFile(file, named: "a.onnx", as: .onnx).format == .onnx)
    }

    @Test("Rows and labels that do not fit are told by row")
    func rows() throws {
        let pipeline = try Example.pipeline(Example.three)
        func npy(_ floats: [Float], _ shape: [Int]) -> [UInt8] {
            ArrayFile(floats: floats, shape: shape).contents(.npy)
        }
        func refused(_ rows: [UInt8], _ labels: [UInt8]? = nil) -> EventError? {
            #expect(throws: EventError.self) { try OfferedRows(rows, labels: labels, of: pipeline) }
        }
        #expect(refused(npy([1, 2, 3], [3]))?.code == .badShape)
        #expect(refused(npy([1, 2, 3, .nan], [2, 2]))?.message.contains("row 1, element 1") == true)
        let rows = npy([1, 2, 3, 4], [2, 2])
        #expect(refused(rows, npy([0], [1]))?.message.contains("1 labels for 2") == true)
        #expect(refused(rows, npy([0, 3], [2]))?.code == .outOfSchema)
        #expect(refused([1, 2, 3])?.code == .badShape)
        let fine = try OfferedRows(rows, labels: npy([0, 2], [2]), of: pipeline)
        let again = try OfferedRows(try fine.container(), of: pipeline)
        #expect(again.labels == [0, 2] && again.inputs == [1, 2, 3, 4] && again.count == 2)
    }

    @Test("Without any rows nothing can be calibrated, and the message says what to give")
    func noRows() throws {
        let pipeline = try Example.pipeline(Example.regression)
        let error = #expect(throws: EventError.self) { try OfferedData(given: nil, own: nil, pipeline) }
        #expect(error?.code == .tooFewRows && error?.message.contains("calibration") == true)
    }
}
