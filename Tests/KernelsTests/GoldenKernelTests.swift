import Conformance
import Foundation
import Kernels
import Quantization
import Testing

@Suite("Kernels give the bytes of the emulator")
struct GoldenKernelTests {
    private struct List: Decodable { let cases: [GoldenKernel] }

    private static let cases = try? JSONDecoder().decode(List.self, from: fixture("kernels.json")).cases

    @Test("All cases are there")
    func count() throws {
        let counts = try #require(Self.cases).reduce(into: [:]) { $0[$1.kernel, default: 0] += 1 }
        let expected = [
            "matmul": 16, "dwconv3x3": 11, "conv3x3": 11, "requant": 3, "qadd": 4, "lut256": 2, "maxpool": 3,
            "avgpool": 4,
        ]
        #expect(counts == expected)
    }

    @Test("Reference and every variant", arguments: Self.cases ?? [])
    func replay(_ golden: GoldenKernel) throws {
        let differences = try golden.replay([UInt8](fixture(golden.file)))
        #expect(differences == [], "\(golden.note)")
    }

    @Test("Every byte of a recording counts")
    func changed() throws {
        let golden = try #require(Self.cases?.first { $0.file == "kernels/matmul_03.bin" })
        var record = [UInt8](try fixture(golden.file))
        record[0] ^= 1
        let differences = try golden.replay(record)
        #expect(differences.contains { $0.tensor == "accumulator" && $0.implementation == "reference" })
    }

    @Test("A recording that is not what the format says is refused by name")
    func refusals() throws {
        let golden = try #require(Self.cases?.first { $0.file == "kernels/matmul_03.bin" })
        #expect(throws: GoldenError.tensor("weights")) { try golden.replay([]) }
        func parsed(_ kernel: String, _ params: String, _ tensors: String = "") throws -> GoldenKernel {
            let text = #"{"kernel": "\#(kernel)", "file": "f", "params": {\#(params)}, "tensors": [\#(tensors)]}"#
            return try JSONDecoder().decode(GoldenKernel.self, from: Data(text.utf8))
        }
        #expect(throws: GoldenError.unknownKernel("fft")) { try parsed("fft", "").replay([]) }
        for params in ["", #""n": "1""#] {
            #expect(throws: GoldenError.parameter("n")) { try parsed("lut256", params).replay([]) }
        }
        func table(_ shape: String, at offset: String, dtype: String = "u8") -> String {
            #"{"name": "table", "role": "input", "dtype": "\#(dtype)", "shape": [\#(shape)], "offset": \#(offset)}"#
        }
        let misplaced = [
            table("9", at: "0"), table("1", at: "8"), table("1", at: "-1"), table("-1", at: "0"),
            table("4611686018427387904, 4", at: "0"), table("1", at: "0", dtype: "f32"),
        ]
        for tensor in misplaced {
            #expect(throws: GoldenError.tensor("table")) {
                try parsed("lut256", #""n": 1"#, tensor).replay([UInt8](repeating: 0, count: 7))
            }
        }
        let short = #expect(throws: GoldenError.self) {
            try parsed("lut256", #""n": 1"#, table("4", at: "0")).replay([1, 2, 3, 4])
        }
        #expect(short?.description == "the case does not fit together: table: 256 elements needed, 4 given")
        let map = #""H": 1, "W": 1, "C": 1, "kh": 2, "kw": 1, "stride": 1"#
        #expect(throws: GoldenError.self) { try parsed("maxpool", map).replay([1]) }
    }

    /// What `docs/exactness.md` says about other roundings, counted.
    @Test("The recordings tell the roundings of other tools apart")
    func roundings() throws {
        typealias Rounding = (_ t: Int, _ multiplier: Int, _ right: Int) -> Int
        let half: (Int) -> Int = { $0 > 0 ? 1 << ($0 - 1) : 0 }
        let product: (Int, Int) -> Int = { Formula.saturated(($0 * $1 + (1 << 30)) >> 31, bits: 32) }
        let roundings: [(name: String, rounding: Rounding, cases: Int, bytes: Int)] = [
            ("HVX", { Formula.saturated(product($0, $1) + half($2), bits: 32) >> $2 }, 0, 0),
            (
                "ties of the shift away from zero",
                { t, multiplier, right in
                    let (p, mask) = (product(t, multiplier), (1 << right) - 1)
                    return (p >> right) + (p & mask > (mask >> 1) + (p < 0 ? 1 : 0) ? 1 : 0)
                }, 15, 93
            ),
            ("one rounding", { ($0 * $1 + (1 << (30 + $2))) >> (31 + $2) }, 19, 90),
            (
                "a real product, ties to even",
                {
                    Int(
                        (Double($0) * Double($1) * Double(sign: .plus, exponent: -31 - $2, significand: 1)).rounded(
                            .toNearestOrEven
                        )
                    )
                },
                19, 116
            ),
            ("no rounding", { (($0 * $1) >> 31) >> $2 }, 39, 20_466),
        ]
        var counts = roundings.map { _ in (cases: 0, bytes: 0) }
        var all = (cases: 0, bytes: 0)
        for golden in try #require(Self.cases) {
            guard let (sums, stage, bytes) = try golden.requantization(in: [UInt8](fixture(golden.file))) else {
                continue
            }
            all = (all.cases + 1, all.bytes + bytes.count)
            for (index, rounding) in roundings.enumerated() {
                let wrong = sums.indices.count { i in
                    let channel = stage.channels[i % stage.channels.count]
                    let t = Int(sums[i] << channel.leftShift)
                    let z = rounding.rounding(t, Int(channel.multiplier), Int(channel.rightShift))
                    return Formula.narrowed(z, zeroPoint: stage.zeroPoint, range: stage.range) != bytes[i]
                }
                counts[index].bytes += wrong
                counts[index].cases += wrong > 0 ? 1 : 0
            }
        }
        #expect(all == (41, 44_787))
        for (rounding, count) in zip(roundings, counts) {
            #expect(count == (rounding.cases, rounding.bytes), "\(rounding.name)")
        }
    }
}
