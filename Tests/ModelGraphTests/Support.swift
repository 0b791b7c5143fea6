import ModelGraph

/// Numbers that are the same in each run.
struct Randomness {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 12345 }

    mutating func word() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(word() % UInt64(range.count))
    }

    /// Uniform in -1..<1.
    mutating func float() -> Float { Float(word()) / 0x1p30 - 1 }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in float() } }
}

/// A graph of one node named `node` that reads `x`, and `y` when there is a second shape.
func graph(
    _ operation: Operation,
    _ shapes: [Int]...,
    constants: [String: Tensor] = [:],
    dataType: DataType = .float32
) -> Graph {
    let names = ["x", "y", "z"].prefix(shapes.count)
    return Graph(
        name: "one",
        inputs: zip(names, shapes).map { TensorInfo(name: $0, shape: $1, dataType: dataType) },
        outputs: ["out"],
        nodes: [Node(name: "node", operation: operation, inputs: Array(names), output: "out")],
        constants: constants
    )
}
