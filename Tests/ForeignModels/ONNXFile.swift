/// An ONNX file as another program would export it, written field by field.
public struct ONNXFile: Sendable {
    /// A tensor's name and dimensions; nil is a batch that the file leaves open.
    public typealias Port = (name: String, shape: [Int?])

    /// Nodes, inputs, outputs and weights, as messages of ONNX.
    private var graph: [UInt8] = []

    /// A file without anything in it.
    public init() {}

    /// Adds a node.
    public mutating func add(
        _ operation: String,
        _ inputs: [String],
        _ output: String,
        integers: [String: Int] = [:]
    ) {
        var node = inputs.flatMap { Self.field(1, $0) } + Self.field(2, output)
        node += Self.field(3, "\(operation)-\(output)") + Self.field(4, operation)
        for (name, value) in integers.sorted(by: { $0.key < $1.key }) {
            node += Self.field(5, Self.field(1, name) + Self.field(3, value) + Self.field(20, 2))
        }
        graph += Self.field(1, node)
    }

    /// Adds float weights.
    public mutating func add(weights name: String, shape: [Int], _ floats: [Float]) {
        var tensor = shape.flatMap { Self.field(1, $0) } + Self.field(2, 1) + Self.field(8, name)
        let bytes = floats.flatMap { float in
            (0..<4).map { UInt8(truncatingIfNeeded: float.bitPattern >> ($0 * 8)) }
        }
        tensor += Self.field(9, bytes)
        graph += Self.field(5, tensor)
    }

    /// The bytes of the file.
    public func bytes(inputs: [Port], outputs: [Port]) -> [UInt8] {
        var graph = graph + Self.field(2, "foreign")
        for input in inputs { graph += Self.field(11, Self.value(input)) }
        for output in outputs { graph += Self.field(12, Self.value(output)) }
        return Self.field(1, 8) + Self.field(2, "another program") + Self.field(7, graph)
            + Self.field(8, Self.field(2, 17))
    }

    /// A linear model of one input: `answers = weights * x + bias`, weights `[outputs, inputs]`.
    public static func linear(weights: [[Float]], bias: [Float], softmax: Bool = false) -> [UInt8] {
        var file = ONNXFile()
        let inputs = weights.first?.count ?? 0
        file.add(weights: "w", shape: [weights.count, inputs], weights.flatMap(\.self))
        file.add(weights: "b", shape: [weights.count], bias)
        file.add("Gemm", ["x", "w", "b"], "y", integers: ["transB": 1])
        if softmax { file.add("Softmax", ["y"], "p", integers: ["axis": -1]) }
        return file.bytes(inputs: [("x", [nil, inputs])], outputs: [(softmax ? "p" : "y", [nil, weights.count])])
    }

    private static func value(_ port: Port) -> [UInt8] {
        let dimensions = port.shape.flatMap { dimension in
            field(1, dimension.map { field(1, $0) } ?? field(2, "batch"))
        }
        return field(1, port.name) + field(2, field(1, field(1, 1) + field(2, dimensions)))
    }

    // MARK: Protocol buffers

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func field(_ number: UInt64, _ value: Int) -> [UInt8] {
        varint(number << 3) + varint(UInt64(bitPattern: Int64(value)))
    }

    private static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
}
