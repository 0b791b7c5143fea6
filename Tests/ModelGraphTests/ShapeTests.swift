import FoundationEssentials
import ModelGraph
import Testing

@Suite("A graph of any operations says what does not fit, and never traps")
struct ShapeTests {
    private static let weights = Tensor(shape: [4, 3, 3, 2], floats: [Float](repeating: 0, count: 72))
    private static let bias = Tensor(shape: [4], floats: [0, 0, 0, 0])

    private static func convolution(_ change: (inout Convolution) -> Void) -> Graph {
        var convolution = Convolution(weights: "w", bias: "b", padding: Margins(1))
        change(&convolution)
        return graph(.convolution(convolution), [5, 6, 2], constants: ["w": weights, "b": bias])
    }

    @Test("Shapes follow the operations")
    func shapes() throws {
        #expect(try Self.convolution { _ in }.shape(of: "out") == [5, 6, 4])
        #expect(try Self.convolution { $0.stride = Extent(2) }.shape(of: "out") == [3, 3, 4])
        #expect(try Self.convolution { $0.dilation = Extent(2) }.shape(of: "out") == [3, 4, 4])
        #expect(try graph(.pad(before: [1, 0], after: [0, 2], value: 0), [3, 4]).shape(of: "out") == [4, 6])
        #expect(try graph(.mean(axes: [0], keepsDimensions: true), [3, 4]).shape(of: "out") == [1, 4])
        #expect(try graph(.mean(axes: [0, 1], keepsDimensions: false), [3, 4]).shape(of: "out") == [])
        #expect(try graph(.concatenate(axis: 0), [3, 4], [1, 4]).shape(of: "out") == [4, 4])
        #expect(try graph(.arithmetic(Arithmetic(.add)), [3, 1], [4]).shape(of: "out") == [3, 4])
        let resize = Resize(.nearest, size: Extent(height: 4, width: 5), coordinates: .asymmetric)
        #expect(try graph(.resize(resize), [2, 2, 3]).shape(of: "out") == [4, 5, 3])
    }

    @Test("What does not fit is refused with the node's name and what is wrong")
    func refusals() throws {
        let extremes = [Int.min, -1, 0, Graph.attributeMax + 1, .max]
        var graphs: [Graph] = []
        for number in extremes {
            graphs += [
                Self.convolution { $0.stride.width = number }, Self.convolution { $0.dilation.height = number },
                Self.convolution { $0.groups = number },
            ]
            graphs += [
                graph(.maxPool(Window(size: Extent(height: number, width: 1))), [3, 3, 1]),
                graph(.averagePool(Window(size: Extent(1), stride: Extent(number)), countsPadding: true), [3, 3, 1]),
                graph(.resize(Resize(.bilinear, size: Extent(number), coordinates: .asymmetric)), [3, 3, 1]),
                graph(.slice(begin: [0], end: [number], stride: [1]), [3]),
                graph(.slice(begin: [0], end: [1], stride: [number]), [3]),
                graph(.reshape(shape: [number, 3]), [3]), graph(.reshape(shape: [number]), [3]),
            ]
        }
        for number in [Int.min, -1, Graph.attributeMax + 1, .max] {
            graphs += [
                Self.convolution { $0.padding.top = number },
                graph(.pad(before: [number], after: [0], value: 0), [3]),
                graph(.pad(before: [0], after: [number], value: 0), [3]),
                graph(.maxPool(Window(size: Extent(2), padding: Margins(left: number))), [3, 3, 1]),
                graph(.concatenate(axis: number), [3], [3]),
                graph(.mean(axes: [number], keepsDimensions: true), [3]),
                graph(.transpose(permutation: [number]), [3]),
                graph(.slice(begin: [number], end: [3], stride: [1]), [3]),
            ]
        }
        graphs += [
            Self.convolution { $0.weights = "b" }, Self.convolution { $0.bias = "w" },
            Self.convolution {
                $0.padding = Margins(0)
                $0.dilation = Extent(3)
            },
            graph(.maxPool(Window(size: Extent(1))), [3, 3]),
            graph(.maxPool(Window(size: Extent(2), padding: Margins(2))), [3, 3, 1]),
            graph(.averagePool(Window(size: Extent(2), dilation: Extent(2)), countsPadding: false), [3, 3, 1]),
            graph(.pad(before: [0], after: [0, 0], value: 0), [3]),
            graph(.pad(before: [0], after: [0], value: .nan), [3]), graph(.concatenate(axis: 0), [3], [3, 1]),
            graph(.concatenate(axis: 1), [3, 2], [4, 3]), graph(.arithmetic(Arithmetic(.add)), [3], [4]),
            graph(.arithmetic(Arithmetic(.add)), [3]), graph(.arithmetic(Arithmetic(.add, constant: "c")), [3]),
            graph(.mean(axes: [], keepsDimensions: true), [3]), graph(.mean(axes: [0, 0], keepsDimensions: true), [3]),
            graph(.transpose(permutation: [0, 0]), [3, 3]), graph(.gather(table: "t"), [3], dataType: .int32),
            graph(.function(.relu), [3], dataType: .int32), graph(.function(.leakyRelu(slope: .infinity)), [3]),
            graph(.softmax, [3], [3]), graph(.reshape(shape: [1, 1, 1, 1, 1, 1, 1, 1, 1]), [1]),
            graph(.slice(begin: [1], end: [1], stride: [1]), [3]),
        ]
        for graph in graphs {
            #expect("\(graph.nodes[0].operation)") { try graph.validate() } throws: { error in
                "\(error)".contains("node '") && error is GraphError
            }
        }
    }

    @Test("Values that are too large are refused before anything is made of them")
    func bombs() throws {
        var bomb = graph(.pad(before: [1 << 20, 1 << 20], after: [0, 0], value: 0), [1, 1])
        #expect(throws: GraphError.self) { try bomb.validate() }
        bomb = graph(.softmax, [1 << 14, 1 << 13])
        #expect(throws: GraphError.invalidShape([1 << 14, 1 << 13])) { try bomb.validate() }
        let resize = Resize(.nearest, size: Extent(1 << 20), coordinates: .asymmetric)
        #expect(throws: GraphError.self) { try graph(.resize(resize), [1, 1, 1]).validate() }
    }

    @Test("Every operation comes back from JSON as it went, and a chain looks as it always did")
    func coding() throws {
        let window = Window(size: Extent(height: 2, width: 3), stride: Extent(2), padding: Margins(top: 1))
        let operations: [Operation] = [
            .affine(scale: "s", offset: "o"), .fullyConnected(weights: "w", bias: "b", activation: .relu6),
            .convolution(Convolution(weights: "w", bias: "b", dilation: Extent(2), groups: 3, activation: .relu)),
            .arithmetic(Arithmetic(.add)), .arithmetic(Arithmetic(.subtract, constant: "c", activation: .relu)),
            .arithmetic(Arithmetic(.multiply)), .concatenate(axis: 2), .pad(before: [1], after: [2], value: -0.5),
            .maxPool(window), .averagePool(window, countsPadding: true), .mean(axes: [0, 1], keepsDimensions: true),
            .function(.relu), .function(.relu6), .function(.clip(low: -1, high: nil)), .function(.hardSwish),
            .function(.leakyRelu(slope: 0.1)), .function(.hardSigmoid(slope: 0.2, offset: 0.5)), .function(.sigmoid),
            .function(.tanh), .function(.swish), .function(.gelu), .function(.tanhGelu), .function(.elu(alpha: 0.5)),
            .function(.softplus), .function(.softsign), .function(.erf), .function(.exponential), .function(.logarithm),
            .function(.absolute), .function(.squareRoot), .function(.reciprocal), .function(.reciprocalSquareRoot),
            .function(.power(exponent: 3)), .function(.floor), .function(.ceiling), .function(.round),
            .softmax, .reshape(shape: [1, 2]), .transpose(permutation: [1, 0]),
            .resize(Resize(.bilinear, size: Extent(3), coordinates: .halfPixel, rounding: .preferCeil)),
            .gather(table: "t"), .slice(begin: [1], end: [2], stride: [3]),
        ]
        for operation in operations {
            let data = try JSONEncoder().encode(operation)
            #expect(try JSONDecoder().decode(Operation.self, from: data) == operation)
        }
        #expect(Set(operations.map(\.kind)).count == operations.count)
        let node = #"{"input":"x","name":"n","operation":{"kind":"softmax"},"output":"y"}"#
        let decoded = try JSONDecoder().decode(Node.self, from: Data(node.utf8))
        #expect(decoded == Node(name: "n", operation: .softmax, inputs: ["x"], output: "y"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(decoded), as: UTF8.self) == node)
        let two = Node(name: "n", operation: .arithmetic(Arithmetic(.add)), inputs: ["x", "y"], output: "z")
        #expect(try JSONDecoder().decode(Node.self, from: JSONEncoder().encode(two)) == two)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Operation.self, from: Data(#"{"kind":"lstm"}"#.utf8))
        }
    }
}
