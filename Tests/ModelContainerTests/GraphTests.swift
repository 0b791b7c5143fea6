import ModelGraph
import Testing

@Suite("A graph says what does not fit")
struct GraphTests {
    @Test("Shapes follow the nodes")
    func shapes() throws {
        try Examples.graph.validate()
        #expect(try Examples.graph.shape(of: "standardized") == [2])
        #expect(try Examples.graph.shape(of: "y") == [1])
        #expect(throws: GraphError.unknownValue(node: nil, value: "z")) { try Examples.graph.shape(of: "z") }
    }

    @Test("Errors name node and tensor")
    func errors() throws {
        var graph = Examples.graph
        graph.nodes[1].inputs = ["nowhere"]
        #expect(throws: GraphError.unknownValue(node: "out", value: "nowhere")) { try graph.validate() }
        graph = Examples.graph
        graph.outputs = ["z"]
        #expect(throws: GraphError.unknownValue(node: nil, value: "z")) { try graph.validate() }
        graph = Examples.graph
        graph.constants["bias"] = nil
        #expect(throws: GraphError.unknownConstant(node: "out", constant: "bias")) { try graph.validate() }
        graph = Examples.graph
        graph.nodes[1].output = "features"
        #expect(throws: GraphError.invalidName("features")) { try graph.validate() }
        graph = Examples.graph
        graph.nodes[1].name = "standardize"
        #expect(throws: GraphError.invalidName("standardize")) { try graph.validate() }
        graph = Examples.graph
        graph.inputs[0].shape = [-2]
        #expect(throws: GraphError.invalidShape([-2])) { try graph.validate() }
        graph = Examples.graph
        graph.constants["weights"] = Tensor(shape: [2], floats: [1, 2])
        #expect(throws: GraphError.self) { try graph.validate() }
        graph.constants["weights"] = Tensor(shape: [1, 2], int32s: [1, 2])
        #expect(throws: GraphError.constantType(node: "out", constant: "weights", actual: .int32)) {
            try graph.validate()
        }
    }

    @Test("A tensor of foreign bytes must fill its shape")
    func tensors() throws {
        #expect(throws: GraphError.byteCount(expected: 8, actual: 7)) {
            try Tensor(shape: [2], dataType: .float32, bytes: [UInt8](repeating: 0, count: 7))
        }
        #expect(throws: GraphError.self) { try Tensor(shape: [-1], dataType: .uint8, bytes: []) }
        #expect(throws: GraphError.self) { try Tensor(shape: [.max, 2], dataType: .uint8, bytes: []) }
        #expect(throws: GraphError.self) { try Tensor(shape: [.max], dataType: .float32, bytes: []) }
        #expect(throws: GraphError.dataType(expected: .float32, actual: .uint8)) {
            try Tensor(shape: [1], uint8s: [1]).floats
        }
    }

    @Test("The interpreter computes what the nodes say")
    func interpreter() throws {
        let interpreter = try FloatInterpreter(Examples.graph)
        #expect(try interpreter.run([4, 1, 0, 0], rows: 2) == [4 * 0.5 - 1 + 0.25, 1.25])
        #expect(try interpreter.values([4, 1], rows: 1)["standardized"] == [2, 1])
        #expect(throws: GraphError.inputCount(expected: 4, actual: 3)) { try interpreter.run([1, 2, 3], rows: 2) }
        #expect(try interpreter.run([], rows: 0) == [])
    }

    @Test("Softmax adds up to 1 and is exact to a float")
    func softmax() {
        let row = Softmax.row([1, 2, 3] as [Float])
        let expected: [Float] = [0.090_030_573, 0.244_728_47, 0.665_240_96]
        for (value, wanted) in zip(row, expected) {
            #expect((value - wanted).magnitude <= wanted.ulp)
        }
        #expect(Softmax.row([0, -2000] as [Float]) == [1, 0])
        #expect(Softmax.row([] as [Float]).isEmpty)
    }
}
