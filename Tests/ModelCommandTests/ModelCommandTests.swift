import Foundation
import ModelImport
import Testing

@testable import HexloopApp

/// The commands as processes, on small models.
@Suite("Models are made, run and measured from the command line", .timeLimit(.minutes(2)))
struct ModelCommandTests {
    private let files = CommandShell()

    private static let shapes = """
        input 9x7x3
        conv 3x3/2 8 relu as a
        depthwise 3x3 relu
        conv 1x1 8
        add a relu
        mean
        fc 5
        softmax
        """

    /// Runs a line of the shell with `hexloop` as `$H` in a new directory; the directory is gone afterwards.
    private func inDirectory(_ body: (_ shell: CommandShell.Run) throws -> Void) throws {
        try files.use(prepare: { try write(Array(Self.shapes.utf8), "shapes.txt") }, body)
    }

    private func bytes(_ name: String) throws -> [UInt8] { try files.bytes(name) }

    private func write(_ bytes: [UInt8], _ name: String) throws { try files.write(bytes, name) }

    /// Seven rows of the model's input.
    private static let rows: ArrayFile = {
        var floats: [Float] = []
        for index in 0..<7 * 189 { floats.append(Float(index * 37 % 101 - 50) / 25) }
        return ArrayFile(floats: floats, shape: [7, 9, 7, 3])
    }()

    @Test("The same shapes and seed give the same file, and info says what is in it")
    func make() throws {
        try inDirectory { shell in
            for name in ["a", "b"] {
                let made = try shell("$H model make shapes.txt -o \(name).hxm")
                #expect(made.code == 0, "\(made.output)")
                #expect(made.output.contains("multiply-adds"), "\(made.output)")
            }
            #expect(try shell("$H model make shapes.txt -o c.hxm --seed 2").code == 0)
            #expect(try shell("$H model make - -o - < shapes.txt > d.hxm").code == 0)
            #expect(try bytes("a.hxm") == bytes("b.hxm"))
            #expect(try bytes("a.hxm") != bytes("c.hxm"))
            let info = try shell("$H model info a.hxm").output
            for part in ["int8-model", "kB arena", "times the file", "depthwise", "9x7x3", "then softmax"] {
                #expect(info.contains(part), "\(info)")
            }
            let wrong = try shell("echo 'input 3x3x3\nconv 3x3' | $H model make - -o e.hxm")
            #expect(wrong.code != 0)
            #expect(wrong.output.contains("line 2: the number of channels is missing"), "\(wrong.output)")
        }
    }

    @Test("Answers are the same for every form of input, batch, number of threads, and for the definition")
    func run() throws {
        try inDirectory { shell in
            #expect(try shell("$H model make shapes.txt -o m.hxm").code == 0)
            try write(Self.rows.contents(.npy), "x.npy")
            try write(Self.rows.bytes, "x.raw")
            let made = try shell("$H model run m.hxm --input x.npy --output y.npy")
            #expect(made.code == 0, "\(made.output)")
            let answers = try ArrayFile(npy: bytes("y.npy"))
            #expect(answers.shape == [7, 5])
            for row in 0..<7 {
                let sum = answers.floats[row * 5..<row * 5 + 5].reduce(0, +)
                #expect(abs(sum - 1) < 1e-5)
            }
            let lines = [
                "--input x.raw --output z", "--input x.raw --output z --type f32", "--input - --output - < x.raw > z",
                "--input x.raw --output z --batch 1", "--input x.raw --output z --batch 3 --threads 2",
                "--input x.raw --output z --variant scalar", "--input x.raw --output z --reference",
            ]
            for line in lines {
                let run = try shell("$H model run m.hxm \(line)")
                #expect(run.code == 0, "\(line): \(run.output)")
                #expect(try bytes("z") == answers.bytes, "\(line)")
            }
            // The bytes of the input's encoding give the same answers as the real numbers that they stand for.
            let rows = ArrayFile(
                element: .uint8,
                shape: [2, 9, 7, 3],
                bytes: [UInt8](repeating: 200, count: 189) + [UInt8](repeating: 3, count: 189)
            )
            try write(rows.contents(.npy), "u.npy")
            try write(rows.bytes, "u.raw")
            #expect(try shell("$H model run m.hxm --input u.npy --output v.npy").code == 0)
            #expect(try shell("$H model run m.hxm --input u.raw --type u8 --output v.raw").code == 0)
            let reals = try ArrayFile(npy: bytes("v.npy"))
            #expect(reals.shape == [2, 5])
            #expect(try bytes("v.raw") == reals.bytes)
        }
    }

    @Test("Input that does not fit is refused with a reason")
    func refusals() throws {
        try inDirectory { shell in
            #expect(try shell("$H model make shapes.txt -o m.hxm").code == 0)
            try write([UInt8](repeating: 1, count: 189), "u.raw")
            try write([UInt8](repeating: 1, count: 190), "odd.raw")
            try write(Array(Self.rows.contents(.npy).prefix(200)), "cut.npy")
            let lines = [
                ("--input u.raw --output z", "no whole number of f32"),
                ("--input cut.npy --output z", "follow the header"),
                ("--input odd.raw --type u8 --output z", "190 elements and a row of the model's input has 189 (9x7x3)"),
                ("--input missing --output z", "No such file"),
                ("--input u.raw --type u8 --output missing/z", "cannot be written"),
                ("--input u.raw --type s8 --output z", "--type s8"),
                ("--input u.raw --type u8 --output z --variant sse9", "this machine has"),
                ("--input u.raw --type u8 --output z --threads 0", "--threads"),
            ]
            for (line, reason) in lines {
                let run = try shell("$H model run m.hxm \(line)")
                #expect(run.code != 0, "\(line)")
                #expect(run.output.contains(reason), "\(line): \(run.output)")
            }
            let wrong = try shell("$H model bench shapes.txt")
            #expect(wrong.code != 0)
            #expect(wrong.output.contains("neither ONNX nor TFLite"), "\(wrong.output)")
        }
    }

    @Test("Bench and profile print figures that programs read")
    func figures() throws {
        try inDirectory { shell in
            #expect(try shell("$H model make shapes.txt -o m.hxm").code == 0)
            let line = try shell("$H model bench m.hxm --seconds 0.05 --batch 2 --json").output
            let bench = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                "\(line)"
            )
            let order = ["min_us", "p50_us", "p90_us", "p99_us"].compactMap { bench[$0] as? Double }
            #expect(order.count == 4 && order == order.sorted() && order[0] > 0)
            #expect(bench["macs"] as? Int == 7080)
            #expect(bench["batch"] as? Int == 2)
            let text = try shell("$H model bench m.hxm --seconds 0.05").output
            #expect(text.contains("p50") && text.contains("GMAC/s") && text.contains("packed weights"), "\(text)")

            let profiled = try shell("$H model profile m.hxm --runs 5 --json --trace trace.json").output
            let profile = try #require(
                try JSONSerialization.jsonObject(with: Data(profiled.utf8)) as? [String: Any],
                "\(profiled)"
            )
            let steps = try #require(profile["steps"] as? [[String: Any]])
            #expect(steps.compactMap { $0["macs"] as? Int }.reduce(0, +) == 7080)
            #expect(steps.allSatisfy { $0["hvx_packets_min"] as? Int ?? 0 > 0 })
            let trace = try JSONSerialization.jsonObject(with: Data(bytes("trace.json"))) as? [String: Any]
            let events = try #require(trace?["traceEvents"] as? [[String: Any]])
            let timed = events.filter { $0["ph"] as? String == "X" }
            #expect(timed.count == steps.count + 2)
            #expect(timed.allSatisfy { $0["dur"] as? Double ?? -1 >= 0 })
            let table = try shell("$H model profile m.hxm --runs 3").output
            #expect(table.contains("HVX packets, at least"), "\(table)")
        }
    }
}
