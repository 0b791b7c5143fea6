import Foundation
import ModelGraph
import Testing

@testable import HexloopApp

@Suite("A text of one layer a line becomes a model")
struct ShapeFileTests {
    private static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Benchmarks/models")

    /// Multiply-adds as Benchmarks/inference/shapes.py counts them.
    @Test(
        "The models of the benchmark have the work of the real ones",
        arguments: [
            ("autoencoder", 264_192), ("call", 64), ("ds-cnn", 2_656_768), ("matmul-512", 134_217_728),
            ("mobilenet-v1-0.25-96", 7_489_664), ("resnet8", 12_501_632),
        ]
    )
    func work(name: String, multiplyAdds: Int) throws {
        let text = try String(contentsOf: Self.models.appendingPathComponent("\(name).txt"), encoding: .utf8)
        let graph = try Self.graph(text)
        let values = try graph.values()
        var sum = 0
        for node in graph.nodes {
            let weights: String
            switch node.operation {
            case .convolution(let convolution): weights = convolution.weights
            case .fullyConnected(let name, _, _): weights = name
            default: continue
            }
            let row = try #require(graph.constants[weights]?.shape.dropFirst().reduce(1, *))
            sum += try #require(values[node.output]?.shape.reduce(1, *)) * row
        }
        #expect(sum == multiplyAdds)
    }

    @Test("Windows are padded so that the output has ceil(size / stride), the odd line at the end")
    func padding() throws {
        let graph = try Self.graph("input 9x10x2\nconv 3x4/2 5\nmaxpool 2x2/2 valid\navgpool 3x3\n")
        #expect(try graph.shape(of: "convolution-1") == [5, 5, 5])
        #expect(try graph.shape(of: "max-pool-2") == [2, 2, 5])
        #expect(try graph.shape(of: "average-pool-3") == [2, 2, 5])
        guard case .convolution(let convolution) = graph.nodes[0].operation else {
            Issue.record("the first node is no convolution")
            return
        }
        #expect(convolution.padding == Margins(top: 1, left: 1, bottom: 1, right: 1))
        let even = try Self.graph("input 10x10x2\nconv 3x3/2 5\n")
        guard case .convolution(let convolution) = even.nodes[0].operation else { return }
        #expect(convolution.padding == Margins(top: 0, left: 0, bottom: 1, right: 1))
    }

    @Test("Layers read what their names say, also rows of vectors")
    func names() throws {
        let graph = try Self.graph(
            """
            input 4x4x3 as start  # a comment
            depthwise 3x3 x2 relu as a
            conv 1x1 6 from start

            add a relu6 as b
            mean
            fc 7 as c
            softmax
            """
        )
        #expect(
            graph.nodes.map(\.inputs) == [
                ["input"], ["input"], ["convolution-2", "convolution-1"], ["add-3"], ["mean-4"], ["fully-connected-5"],
            ]
        )
        #expect(try graph.shape(of: "convolution-1") == [4, 4, 6])
        #expect(graph.outputs == ["softmax-6"])
        let rows = try Self.graph("input 5x8\nfc 3\n")
        #expect(rows.inputs[0].shape == [5, 1, 8])
        #expect(try rows.shape(of: "convolution-1") == [5, 1, 3])
    }

    @Test("The same seed gives the same bits, another one others, and their deviation follows the fan in")
    func weights() throws {
        let text = "input 400\nfc 200 relu\nfc 10\n"
        let graph = try Self.graph(text)
        #expect(try graph == Self.graph(text))
        #expect(try graph != ShapeFile(name: "model", text: text, seed: 2).graph)
        let weights = try #require(graph.constants["weights-1"]).floats
        let mean = weights.reduce(0.0) { $0 + Double($1) } / Double(weights.count)
        let variance = weights.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(weights.count)
        #expect(abs(mean) < 0.002)
        #expect(abs(variance - 2.0 / 400) < 0.0002)
    }

    @Test(
        "A line that means nothing is named",
        arguments: [
            ("", 0, "it has no layer"), ("input 3\n", 0, "it has no layer"),
            ("conv 3x3 8\n", 1, "the first line must be 'input' and its shape"),
            ("input\n", 1, "the shape is missing"), ("input 0x3\n", 1, "'0' is not a size, a number from 1 to 1048576"),
            ("input 1x2x3x4\n", 1, "the shape must be HxWxC, ROWSxC, or C"),
            ("input 8x8x3\n\nconv 3 8\n", 3, "'3' must be a window such as 3x3 or 3x3/2"),
            ("input 8x8x3\nconv 3x3/ 8\n", 2, "'' is not the stride, a number from 1 to 1048576"),
            ("input 8x8x3\nconv 3x3\n", 2, "the number of channels is missing"),
            ("input 8x8x3\nconv 3x3 many\n", 2, "'many' is not the number of channels, a number from 1 to 1048576"),
            ("input 8x8x3\nconv 9x9 4 valid\n", 2, "a window of 9x9 does not fit into [8, 8, 3]"),
            ("input 8x8x3\nconv 3x3 8 gelu\n", 2, "'gelu' has no meaning here"),
            ("input 8x8x3\ndepthwise 3x3 2\n", 2, "'2' must be a multiplier such as x2"),
            ("input 8\nconv 3x3 8\n", 2, "a window needs HxWxC and gets [8]"),
            ("input 8x8x3\nfc 8\n", 2, "fc needs a vector or rows of vectors and gets [8, 8, 3]"),
            ("input 8\nmean\n", 2, "mean needs HxWxC and gets [8]"),
            ("input 8\nfc 8 as a\nfc 4\nadd a\n", 4, "add of [4] and [8]"),
            ("input 8\nfc 8 from b\n", 2, "no layer above is called 'b'"),
            ("input 8\nfc 8 as\n", 2, "a name is missing after 'as'"),
            ("input 8\ninput 8\n", 2, "'input' is no layer"),
            ("input 1000000\nfc 1000000\n", 2, "with weights [1000000, 1000000] they are more than 67108864"),
        ]
    )
    func mistakes(text: String, line: Int, reason: String) throws {
        #expect(throws: ShapeFile.Mistake(line: line, reason: reason)) { try Self.graph(text) }
    }

    private static func graph(_ text: String) throws -> Graph {
        try ShapeFile(name: "model", text: text, seed: 1).graph
    }
}
