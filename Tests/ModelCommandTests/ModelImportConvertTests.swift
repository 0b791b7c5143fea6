import Foundation
import Inference
import ModelContainer
import ModelImport
import Testing

@testable import HexloopApp

/// Files of other programs on the command line.
@Suite(
    "A model of another program becomes an int8 model from the command line",
    .timeLimit(.minutes(2))
)
struct ModelImportConvertTests {
    private let files = CommandShell()
    private var directory: String { files.directory }
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("ModelImportTests/Fixtures")

    /// Runs lines of the shell with `hexloop` as `$H` in a directory with the models, which is gone afterwards.
    private func inDirectory(_ body: (_ shell: CommandShell.Run) throws -> Void) throws {
        try files.use(prepare: prepare, body)
    }

    private func prepare() throws {
        for name in ["hello_world_int8.tflite", "hello_world_float.tflite", "mnist.onnx"] {
            let bytes = try fixture(name)
            try write(bytes, name)
            try write(bytes, "other/\(name)")
        }
    }

    private func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.fixtures.appendingPathComponent(name)))
    }

    private func bytes(_ name: String) throws -> [UInt8] { try files.bytes(name) }

    private func write(_ bytes: [UInt8], _ name: String) throws { try files.write(bytes, name) }

    /// Rows for mnist.onnx that look a little like digits.
    private func strokes(_ rows: Int) -> [Float] {
        (0..<rows * 784).map { place in
            let (row, x, y) = (place / 784, place % 28, place / 28 % 28)
            return abs(x - 14 - row % 5) < 2 && (4...24).contains(y) ? 255 : 0
        }
    }

    @Test("A quantized file needs no rows, and gives the same container from wherever it is read")
    func quantized() throws {
        try inDirectory { shell in
            var digests: Set<[UInt8]> = []
            for (path, output) in [("", "a"), ("", "b"), ("other/", "c")] {
                let line =
                    "$H model convert \(path)hello_world_int8.tflite -o \(output).hxm --report \(output).json"
                let run = try shell(line)
                #expect(run.code == 0, "\(run.output)")
                digests.insert(try bytes("\(output).hxm"))
            }
            #expect(digests.count == 1)
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("a.json")))
            #expect(
                report.kept?.values == 4 && report.kept?.constants == 6 && report.kept?.departures == []
            )
            #expect(report.rows == 0 && report.layers.isEmpty)
            // The file itself runs, in its own integers, and so does the container.
            let inputs = try fixture("hello_inputs.i8.bin")
            try write(ArrayFile(element: .int8, shape: [200, 1], bytes: inputs).contents(.npy), "x.npy")
            for model in ["hello_world_int8.tflite", "a.hxm"] {
                let run = try shell("$H model run \(model) --input x.npy --output y.npy")
                #expect(run.code == 0, "\(run.output)")
                let answers = try ArrayFile(npy: bytes("y.npy"))
                #expect(answers.element == .int8)
                #expect(try answers.bytes == fixture("hello_int8.expected.bin"))
            }
            let info = try shell("$H model info hello_world_int8.tflite")
            #expect(info.code == 0 && info.output.contains("fully-connected"), "\(info.output)")
            #expect(info.output.contains("M multiply-adds"), "\(info.output)")
            #expect(
                try shell("$H model diff hello_world_int8.tflite other/hello_world_int8.tflite").code == 0
            )
            #expect(try shell("$H model bench hello_world_int8.tflite --seconds 0.01").code == 0)
            let compared = try shell("$H model compare hello_world_int8.tflite a.hxm --input x.npy")
            #expect(compared.code == 0 && compared.output.contains("cosine"), "\(compared.output)")
        }
    }

    @Test("Rows of an ONNX file have its order of dimensions")
    func order() throws {
        try inDirectory { shell in
            try write(ArrayFile(floats: strokes(8), shape: [8, 1, 28, 28]).contents(.npy), "rows.npy")
            let made = try shell(
                "$H model convert mnist.onnx -o m.hxm --calibration rows.npy --report m.html"
            )
            #expect(made.code == 0, "\(made.output)")
            #expect(made.output.contains("done "), "\(made.output)")
            let page = String(decoding: try bytes("m.html"), as: UTF8.self)
            #expect(page.contains("cosine") && page.components(separatedBy: "<svg").count == 3)
            #expect(
                try shell("$H model run mnist.onnx --float --input rows.npy --output f.npy").code == 0
            )
            #expect(try shell("$H model run m.hxm --input rows.npy --output q.npy").code == 0)
            let (float, int8) = (
                try ArrayFile(npy: bytes("f.npy")).floats, try ArrayFile(npy: bytes("q.npy")).floats
            )
            let reach = float.reduce(0) { max($0, $1.magnitude) }
            for (a, b) in zip(float, int8) { #expect((a - b).magnitude <= 0.05 * reach) }
        }
    }

    @Test("Pictures are rows, and must have the size that is wanted or be fitted")
    func pictures() throws {
        try inDirectory { shell in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/p",
                withIntermediateDirectories: true
            )
            let rows = strokes(3)
            for row in 0..<3 {
                let pixels = rows[row * 784..<(row + 1) * 784].map { UInt8($0) }
                try write(Array("P5\n28 28\n255\n".utf8) + pixels, "p/\(row).pgm")
            }
            try write(ArrayFile(floats: rows, shape: [3, 784]).contents(.npy), "rows.npy")
            #expect(try shell("$H model convert mnist.onnx -o a.hxm --calibration p").code == 0)
            #expect(try shell("$H model convert mnist.onnx -o b.hxm --calibration rows.npy").code == 0)
            #expect(try bytes("a.hxm") == bytes("b.hxm"))
            let scaled = "--image-scale 1/255 --image-mean 0"
            #expect(try shell("$H model convert mnist.onnx -o c.hxm --calibration p \(scaled)").code == 0)
            #expect(try bytes("a.hxm") != bytes("c.hxm"))
            try write(Array("P5\n30 20\n255\n".utf8) + [UInt8](repeating: 9, count: 600), "p/3.pgm")
            let wrong = try shell("$H model convert mnist.onnx -o d.hxm --calibration p")
            #expect(
                wrong.code == 1 && wrong.output.contains("p/3.pgm: the picture has 30x20"),
                "\(wrong.output)"
            )
            #expect(wrong.output.contains("--image-fit crop"), "\(wrong.output)")
            for fit in ["crop", "stretch"] {
                #expect(
                    try shell("$H model convert mnist.onnx -o d.hxm --calibration p --image-fit \(fit)").code
                        == 0
                )
            }
        }
    }

    @Test("What cannot be converted is refused with the thing, the value and the way out")
    func refusals() throws {
        try inDirectory { shell in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/empty",
                withIntermediateDirectories: true
            )
            try write(ArrayFile(floats: strokes(2), shape: [2, 14, 56]).contents(.npy), "shape.npy")
            try write(
                ArrayFile(floats: [Float](repeating: 0, count: 783) + [.nan], shape: [1, 784]).contents(
                    .npy
                ),
                "nan.npy"
            )
            try write(ArrayFile(floats: strokes(2), shape: [2, 784]).contents(.npy), "rows.npy")
            try write(Array(#"{"version": "1.0.0", "activation_encodings": [{"#.utf8), "broken.json")
            let entry = #"{"bitwidth": 8, "scale": 1, "offset": 0}"#
            try write(Array(#"{"activation_encodings": {"Input33": [\#(entry)]}}"#.utf8), "unknown.json")
            try write(Array(#"{"activation_encodings": {"Input3": [\#(entry)]}}"#.utf8), "some.json")
            try write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), "lfs.onnx")
            let lines = [
                ("mnist.onnx", "a float model, whose ranges nobody knows; give rows with --calibration"),
                ("mnist.onnx --calibration empty", "empty holds no files"),
                ("mnist.onnx --calibration shape.npy", "shape.npy: its shape is 2x14x56"),
                ("mnist.onnx --calibration nan.npy", "row 0: feature"),
                ("mnist.onnx --calibration rows.npy --encodings broken.json", "broken.json: it is no JSON"),
                (
                    "mnist.onnx --calibration rows.npy --encodings unknown.json",
                    "no tensor 'Input33'; near it are 'Input3'"
                ),
                ("mnist.onnx --encodings some.json", "no encoding is known of '"),
                ("mnist.onnx --calibration rows.npy --pipeline p", "two sources of rows"),
                ("mnist.onnx --calibration rows.npy --image-scale x", "--image-scale x must be a number"),
                ("lfs.onnx --calibration rows.npy", "git lfs pull"),
                ("hello_world_int8.tflite --min-snr 10", "needs rows to compare"),
            ]
            for (line, reason) in lines {
                let run = try shell("$H model convert \(line) -o z.hxm")
                #expect(run.code != 0 && run.output.contains(reason), "\(line): \(run.output)")
            }
            #expect(try shell("test -e z.hxm").code != 0)
            let some = try shell(
                "$H model convert mnist.onnx -o z.hxm --calibration rows.npy --encodings some.json"
            )
            #expect(some.code == 0 && some.output.contains("1 encodings of values"), "\(some.output)")
        }
    }

    @Test("A conversion that costs too much is refused, and the layer that costs most is named")
    func loss() throws {
        try inDirectory { shell in
            let (points, answers) = (
                try fixture("hello_inputs.f32.bin"), try fixture("hello_float.expected.bin")
            )
            try write(points, "x.raw")
            try write(answers, "y.raw")
            let line =
                "$H model convert hello_world_float.tflite -o h.hxm --calibration x.raw --test x.raw --labels y.raw"
            let run = try shell(
                "\(line) --max-drop 1% --observer percentile --percentile 60 --report h.json"
            )
            #expect(run.code == 1, "\(run.output)")
            #expect(run.output.contains("--max-drop allows 1%; layer '"), "\(run.output)")
            #expect(try shell("test -e h.hxm").code != 0)
            let report = try JSONDecoder().decode(ConversionReport.self, from: Data(try bytes("h.json")))
            let first = try #require(report.losses.first)
            #expect(first.cost > 0 && run.output.contains("'\(first.name)' costs most"))
            // The input was not cut: percentile takes the same part of all.
            #expect(report.losses.count == report.layers.count)
        }
    }
}
