import Foundation
import ModelContainer
import ModelGraph
import ModelImport
import Testing

@testable import HexloopApp

@Suite("A float model becomes an int8 model from the command line", .timeLimit(.minutes(2)))
struct ModelConvertTests {
    private let files = CommandShell()
    private var directory: String { files.directory }

    private static let shapes = """
        input 6x5x3
        conv 3x3/2 8 relu
        conv 1x1 8 relu
        mean
        fc 4
        softmax
        """

    private static func rows(_ count: Int) -> ArrayFile {
        ArrayFile(floats: (0..<count * 90).map { Float($0 * 37 % 101 - 50) / 25 }, shape: [count, 6, 5, 3])
    }

    /// Runs lines of the shell with `hexloop` as `$H` in a directory with a float model and rows, which is gone afterwards.
    private func inDirectory(_ body: (_ shell: CommandShell.Run) throws -> Void) throws {
        try files.use(prepare: prepare, body)
    }

    private func prepare() throws {
        let graph = try ShapeFile(name: "small", text: Self.shapes, seed: 3).graph
        try write(
            try ModelContainer.floatModel(graph: graph, features: [], task: .classification, lineage: nil),
            "float.hxm"
        )
        let all = Self.rows(8)
        try write(all.contents(.npy), "rows.npy")
        try write(all.bytes, "rows.raw")
        try write(Array(all.bytes.prefix(3 * 360)), "rows/a.raw")
        try write(ArrayFile(floats: Array(all.floats[270...]), shape: [5, 90]).contents(.npy), "rows/b.npy")
    }

    private func bytes(_ name: String) throws -> [UInt8] { try files.bytes(name) }

    private func write(_ bytes: [UInt8], _ name: String) throws { try files.write(bytes, name) }

    @Test("The same rows and options give the same bytes, however the rows lie in files")
    func sameBytes() throws {
        try inDirectory { shell in
            var made: Set<[UInt8]> = []
            for observer in ["min-max", "percentile --percentile 95", "mse", "entropy"] {
                for rows in ["rows.npy", "rows.raw", "rows"] {
                    let run = try shell(
                        "$H model convert float.hxm -o q.hxm --calibration \(rows) --observer \(observer)"
                    )
                    #expect(run.code == 0, "\(run.output)")
                    #expect(run.output.contains("worst first"), "\(run.output)")
                    let file = try bytes("q.hxm")
                    made.insert(file)
                    #expect(run.output.contains(ModelContainer.digest(of: file)), "\(run.output)")
                }
            }
            #expect(made.count == 4)
            let piped = try shell(
                "$H model convert float.hxm -o - --calibration - --observer entropy < rows.npy > p.hxm && cmp p.hxm q.hxm"
            )
            #expect(piped.code == 0, "\(piped.output)")
            #expect(try shell("$H model run q.hxm --input rows.npy --output answers.npy").code == 0)
            #expect(try ArrayFile(npy: bytes("answers.npy")).shape == [8, 4])
            let wide = try shell("$H model convert float.hxm -o w.hxm --calibration rows --activations 16")
            #expect(wide.code == 0 || wide.output.contains("node '"), "\(wide.output)")
        }
    }

    @Test("What is done besides rounding is asked for by options and told with its gain")
    func options() throws {
        try inDirectory { shell in
            let options = "--equalize --bias-correction --adaround 60 --mixed-precision 35dB"
            let convert = "$H model convert float.hxm --calibration rows -o"
            let run = try shell(
                "\(convert) a.hxm \(options) --report r.json && \(convert) b.hxm \(options) && cmp a.hxm b.hxm"
            )
            #expect(run.code == 0, "\(run.output)")
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("r.json")))
            #expect(report.measures.map(\.name) == ["equalization", "mixed precision", "adaround", "bias correction"])
            for measure in report.measures { #expect(run.output.contains("\(measure.name): "), "\(run.output)") }
            #expect(report.signalToNoiseDB >= 35)
            #expect(try shell("$H model info a.hxm").output.contains("bias correction: "))
            let wide = try shell("\(convert) w.hxm --activations 16 --report w.json && $H model info w.hxm")
            #expect(wide.code == 0 && wide.output.contains("float     '"), "\(wide.output)")
            let floats = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("w.json"))).float
            #expect(!floats.isEmpty)
            let refused = try shell("\(convert) n.hxm --activations 16 --no-float")
            #expect(refused.code != 0)
            // What follows the answers is no layer of integers.
            for layer in floats where !layer.layer.hasPrefix("softmax") {
                #expect(refused.output.contains("'\(layer.layer)'"), "\(refused.output)")
            }
            for wrong in [
                "--mixed-precision 40", "--mixed-precision 0%", "--adaround -1", "--float-layer nobody",
                "--no-float --float-layer a",
            ] {
                #expect(try shell("\(convert) n.hxm \(wrong)").code != 0, "\(wrong)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/n.hxm"))
        }
    }

    @Test("The report stands as text, JSON and a page that needs nothing else")
    func report() throws {
        try inDirectory { shell in
            let run = try shell(
                "$H model convert float.hxm -o q.hxm --calibration rows --report r.txt --report r.json --report r.html"
            )
            #expect(run.code == 0, "\(run.output)")
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("r.json")))
            #expect(report.digest == ModelContainer.digest(of: try bytes("q.hxm")))
            #expect(report.sourceDigest == ModelContainer.digest(of: try bytes("float.hxm")))
            #expect(report.rows == 8)
            #expect(report.layers.count == report.order.count)
            #expect(Set(report.layers.map(\.name)) == Set(report.order))
            let ratios = report.layers.map(\.signalToNoiseDB)
            #expect(ratios == ratios.sorted())
            let text = String(decoding: try bytes("r.txt"), as: UTF8.self)
            let page = String(decoding: try bytes("r.html"), as: UTF8.self)
            for layer in report.layers {
                #expect(text.contains(layer.name))
                #expect(page.contains("<td>\(layer.name)</td>"))
            }
            #expect(page.contains("<svg"))
            for link in ["http:", "https:", "src=", "href=", "<script"] { #expect(!page.contains(link)) }
        }
    }

    @Test("A model that lost too much is not written, and the worst layers are named")
    func budget() throws {
        try inDirectory { shell in
            let run = try shell("$H model convert float.hxm -o q.hxm --calibration rows --min-snr 190 --report r.json")
            #expect(run.code != 0)
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("r.json")))
            let worst = try #require(report.layers.first)
            #expect(run.output.contains("'\(worst.name)'"), "\(run.output)")
            #expect(try shell("test -e q.hxm").code != 0)
            #expect(try shell("$H model convert float.hxm -o q.hxm --calibration rows --min-snr 1").code == 0)
        }
    }

    @Test("What cannot be converted is refused with a reason")
    func refusals() throws {
        try inDirectory { shell in
            try write([UInt8](repeating: 0, count: 364), "odd.raw")
            try write([0, 0, 192, 127] + [UInt8](repeating: 0, count: 356), "nan.raw")
            try write([1, 2, 3], "short.raw")
            try FileManager.default.createDirectory(atPath: "\(directory)/empty", withIntermediateDirectories: true)
            #expect(try shell("$H model convert float.hxm -o q.hxm --calibration rows").code == 0)
            let lines = [
                ("float.hxm --calibration odd.raw", "91 elements and a row of the model's input has 90 (6x5x3)"),
                ("float.hxm --calibration nan.raw", "row 0: feature"),
                ("float.hxm --calibration short.raw", "no whole number of f32"),
                ("float.hxm --calibration empty", "holds no files"),
                ("float.hxm --calibration missing", "No such file"),
                ("missing.hxm --calibration rows", "does it exist"),
                ("rows.npy --calibration rows", "neither ONNX nor TFLite"),
                ("q.hxm --calibration rows", "a float-model is needed"),
                ("float.hxm --calibration rows --percentile 99", "needs --observer percentile"),
                ("float.hxm --calibration rows --observer percentile --percentile 20", "above 50"),
                ("float.hxm --calibration rows --observer best", "best"),
                ("float.hxm --calibration rows --report r.pdf", "must end in"),
                ("float.hxm --calibration rows --activations 4", "8 or 16"),
                ("float.hxm --calibration rows --activations 16 --observer mse", "16 bits have room"),
            ]
            for (line, reason) in lines {
                let run = try shell("$H model convert \(line) -o z.hxm")
                #expect(run.code != 0, "\(line)")
                #expect(run.output.contains(reason), "\(line): \(run.output)")
            }
            #expect(try shell("test -e z.hxm").code != 0)
        }
    }

    @Test("Float and int8 give nearly the same answers, and diff says in what two containers differ")
    func differences() throws {
        try inDirectory { shell in
            #expect(try shell("$H model convert float.hxm -o a.hxm --calibration rows").code == 0)
            #expect(
                try shell(
                    "$H model convert float.hxm -o b.hxm --calibration rows --observer percentile --percentile 90"
                ).code == 0
            )
            #expect(try shell("$H model run float.hxm --float --input rows.npy --output f.npy").code == 0)
            #expect(try shell("$H model run a.hxm --input rows.npy --output a.npy").code == 0)
            let (float, int8) = (try ArrayFile(npy: bytes("f.npy")), try ArrayFile(npy: bytes("a.npy")))
            #expect(float.shape == [8, 4] && int8.shape == [8, 4])
            for (a, b) in zip(float.floats, int8.floats) { #expect((a - b).magnitude < 0.05) }

            let same = try shell("$H model diff a.hxm a.hxm")
            #expect(same.code == 0 && same.output.contains("the same"), "\(same.output)")
            let other = try shell("$H model diff a.hxm b.hxm")
            #expect(other.code == 1, "\(other.output)")
            for part in ["encoding", "tensor", "elements differ", "report", "metadata  quantization.ranges"] {
                #expect(other.output.contains(part), "\(part): \(other.output)")
            }
            let kinds = try shell("$H model diff float.hxm a.hxm")
            #expect(kinds.code == 1 && kinds.output.contains("float-model -> int8-model"), "\(kinds.output)")
            #expect(try shell("$H model diff float.hxm missing.hxm").code == 2)

            for (line, reason) in [
                ("a.hxm --float --input rows.npy", "--float runs a float-model"),
                ("float.hxm --input rows.npy", "an int8-model is needed"),
                ("float.hxm --float --input a.hxm", "elements"),
                ("float.hxm --float --reference --input rows.npy", "two different things"),
            ] {
                let run = try shell("$H model run \(line) --output z")
                #expect(run.code != 0 && run.output.contains(reason), "\(line): \(run.output)")
            }
        }
    }

    @Test("Models are compared layer by layer, and on rows with labels")
    func compare() throws {
        try inDirectory { shell in
            let made = try shell("$H model convert float.hxm -o a.hxm --calibration rows --report a.json")
            #expect(made.code == 0, "\(made.output)")
            let compared = try shell("$H model compare float.hxm a.hxm --input rows.npy --report c.json")
            #expect(compared.code == 0, "\(compared.output)")
            // On the rows of the calibration the comparison is the report of the conversion.
            let reports = try ["a.json", "c.json"].map {
                try JSONDecoder().decode(ConversionReport.self, from: Data(bytes($0)))
            }
            #expect(reports[0].layers == reports[1].layers && reports[0].digest == reports[1].digest)
            #expect(reports[0].signalToNoiseDB == reports[1].signalToNoiseDB && reports[0].rows == reports[1].rows)

            // The float model is always right about its own answers.
            #expect(try shell("$H model run float.hxm --float --input rows.npy --output f.npy").code == 0)
            let answers = try ArrayFile(npy: bytes("f.npy")).floats
            let classes = (0..<8).map { row in
                let answer = Array(answers[row * 4..<row * 4 + 4])
                return UInt8(answer.firstIndex(of: answer.max() ?? 0) ?? 0)
            }
            try write(ArrayFile(element: .uint8, shape: [8], bytes: classes).contents(.npy), "right.npy")
            let wrong = ArrayFile(element: .uint8, shape: [8], bytes: classes.map { ($0 + 1) % 4 })
            try write(wrong.contents(.npy), "wrong.npy")
            try write(ArrayFile(floats: [9, 0, 0, 0, 0, 0, 0, 0], shape: [8]).bytes, "none.raw")
            let labelled = try shell(
                "$H model convert float.hxm -o l.hxm --calibration rows --test rows.npy --labels right.npy --report l.json"
            )
            #expect(labelled.code == 0 && labelled.output.contains("top-1 of 100.00% in float"), "\(labelled.output)")
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("l.json")))
            #expect(report.labelled?.float == 1)
            let quality = try shell("$H model compare float.hxm a.hxm --input rows --test rows --labels wrong.npy")
            #expect(quality.code == 0 && quality.output.contains("top-1 of 0.00% in float"), "\(quality.output)")

            let lines = [
                ("compare a.hxm float.hxm --input rows.npy", "a float-model is needed"),
                ("compare float.hxm a.hxm --input rows.npy --test rows", "need each other"),
                ("compare float.hxm a.hxm --input rows.npy --max-drop 1%", "needs --test"),
                (
                    "compare float.hxm a.hxm --input rows.npy --test rows --labels right.npy --max-drop x",
                    "must be like 1%"
                ),
                (
                    "compare float.hxm a.hxm --input rows.npy --test rows --labels none.raw",
                    "9.0 is no class from 0 to 3"
                ),
                (
                    "compare float.hxm a.hxm --input rows.npy --test rows --labels rows.npy",
                    "720 labels and 8 rows need 8"
                ),
            ]
            for (line, reason) in lines {
                let run = try shell("$H model \(line)")
                #expect(run.code != 0 && run.output.contains(reason), "\(line): \(run.output)")
            }
        }
    }

    @Test("What is lost is counted in rows for a classifier and as a part of the error otherwise")
    func drop() throws {
        #expect(LabelledQuality(measure: .topOne, rows: 4, float: 0.75, int8: 0.5).drop == 0.25)
        #expect(LabelledQuality(measure: .meanAbsoluteError, rows: 4, float: 2, int8: 2.5).drop == 0.25)
        #expect(LabelledQuality(measure: .meanAbsoluteError, rows: 4, float: 0, int8: 0).drop == 0)
        #expect(LabelledQuality(measure: .meanAbsoluteError, rows: 4, float: 0, int8: 1).drop == .infinity)
        let layers = [
            QuantizationReport.Layer(name: "good", signalToNoiseDB: 40, min: 0, max: 1, saturatedShare: 0),
            QuantizationReport.Layer(name: "bad", signalToNoiseDB: 4, min: 0, max: 1, saturatedShare: 0),
        ]
        var report = ConversionReport(
            source: "f",
            sourceDigest: "",
            digest: "",
            byteCount: 0,
            ranges: "min-max",
            activationBits: 8,
            quantization: QuantizationReport(
                rows: 4,
                maxAbsError: 1,
                meanAbsError: 1,
                signalToNoiseDB: 4,
                layers: layers
            )
        )
        report.labelled = LabelledQuality(measure: .topOne, rows: 4, float: 0.75, int8: 0.5)
        #expect(LabelledOptions.refusal(of: report, "f", maxDrop: "25%")?.description == nil)
        let error = try #require(LabelledOptions.refusal(of: report, "f", maxDrop: "24.9%"))
        #expect(error.description.contains("the worst layers are 'bad' (4.0 dB), 'good'"))
    }

    @Test("Each part of a container that differs is an entry")
    func entries() throws {
        func container(_ change: (inout Manifest) -> Void, weights: [Float] = [1, 2]) throws -> ModelContainer {
            var graph = Graph(
                name: "g",
                inputs: [TensorInfo(name: "x", shape: [2])],
                outputs: ["y"],
                nodes: [
                    Node(
                        name: "a",
                        operation: .fullyConnected(weights: "w", bias: "b", activation: .none),
                        input: "x",
                        output: "y"
                    )
                ],
                constants: [:]
            )
            graph.constants["w"] = Tensor(shape: [1, 2], floats: weights)
            graph.constants["b"] = Tensor(shape: [1], floats: [0])
            let whole = try ModelContainer(
                parsing: ModelContainer.floatModel(graph: graph, features: [], task: .regression, lineage: nil)
            )
            var manifest = whole.manifest
            change(&manifest)
            let tensors = try whole.tensorNames.map { (name: $0, tensor: try whole.tensor($0)) }
            return try ModelContainer(parsing: ModelContainer.encode(manifest: manifest, tensors: tensors))
        }
        let plain = try container { _ in }
        #expect(try ContainerDifference(plain, plain).entries.isEmpty)
        let weights = try ContainerDifference(plain, container({ _ in }, weights: [1, 2.5])).entries
        #expect(
            weights == [
                .init(part: .tensor, name: "w", change: "f32[1, 2]: 1 of 2 elements differ, by 0.500 at most")
            ]
        )
        let renamed = try ContainerDifference(plain, container { $0.graph?.nodes[0].name = "c" }).entries
        #expect(
            renamed == [
                .init(part: .node, name: "a", change: "fully-connected(x) as y is gone"),
                .init(part: .node, name: "c", change: "fully-connected(x) as y is new"),
            ]
        )
        let facts = try ContainerDifference(
            plain,
            container {
                $0.task = .classification
                $0.metadata["k"] = "v"
                $0.graph?.nodes[0].operation = .fullyConnected(weights: "w", bias: "b", activation: .relu)
            }
        ).entries
        #expect(
            facts == [
                .init(part: .task, name: "", change: "regression -> classification"),
                .init(part: .node, name: "a", change: "other parameters"),
                .init(part: .metadata, name: "k", change: "v is new"),
            ]
        )
    }
}
