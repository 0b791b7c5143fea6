import ModelGraph

/// A node of a file as the lowering sees it: by numbers of values.
struct SourceWiring {
    var name: String
    var operation: String
    /// -1 for an operand that is left out.
    var inputs: [Int]
    var outputs: [Int]
}

/// Walks over the nodes of a file in an order in which each finds what it reads, and collects what is not supported.
struct Lowering {
    /// By the number of the value.
    var values: [Value?]
    var problems: [ImportError.Problem] = []
    /// Values that depend on a node that was refused.
    private var missing: Set<Int> = []

    init(values: [Value?]) { self.values = values }

    mutating func run(
        _ nodes: [SourceWiring],
        names: [String],
        supported: Set<String>,
        _ builder: inout GraphBuilder,
        _ lower: (Int, [Value?], inout GraphBuilder) throws(Refusal) -> [Value?]
    ) throws(ImportError) {
        for index in try Lowering.order(nodes, valueCount: values.count, known: values.map { $0 != nil }) {
            let node = nodes[index]
            guard !node.inputs.contains(where: { $0 >= 0 && missing.contains($0) }) else {
                missing.formUnion(node.outputs)
                if !supported.contains(node.operation) {
                    problems.append(.init(node: node.name, operation: node.operation, reason: "this operator"))
                }
                continue
            }
            let first = node.outputs.first { $0 >= 0 }
            builder.current = (node.name, first.map { names[$0] } ?? node.name)
            do throws(Refusal) {
                let results = try lower(index, node.inputs.map { $0 < 0 ? nil : values[$0] }, &builder)
                for (output, result) in zip(node.outputs, results) where output >= 0 {
                    values[output] = result
                    if result == nil { missing.insert(output) }
                }
                for output in node.outputs.dropFirst(results.count) { missing.insert(output) }
            } catch {
                switch error {
                case .unsupported(let reason):
                    problems.append(.init(node: node.name, operation: node.operation, reason: reason))
                case .damaged(let reason):
                    throw .damaged(field: "\(node.operation) '\(node.name)'", reason: reason)
                case .fatal(let error): throw error
                }
                missing.formUnion(node.outputs)
            }
            guard builder.graph.nodes.count <= Graph.nodesMax else {
                throw .tooLarge(what: "nodes of the graph", actual: builder.graph.nodes.count, max: Graph.nodesMax)
            }
        }
    }

    /// An order in which each node comes after those that it reads from: that of the file where it is one.
    static func order(_ nodes: [SourceWiring], valueCount: Int, known: [Bool]) throws(ImportError) -> [Int] {
        var writer = [Int](repeating: -1, count: valueCount)
        for (index, node) in nodes.enumerated() {
            for output in node.outputs where output >= 0 {
                guard writer[output] < 0, !known[output] else {
                    throw .damaged(field: "node '\(node.name)'", reason: "it writes what is written already")
                }
                writer[output] = index
            }
        }
        // 0: not seen, 1: begun, 2: done. A stack, because a file may be deeper than ours.
        var state = [UInt8](repeating: 0, count: nodes.count)
        var order: [Int] = []
        order.reserveCapacity(nodes.count)
        for start in nodes.indices where state[start] == 0 {
            var stack = [(node: start, input: 0)]
            state[start] = 1
            while let top = stack.last {
                let inputs = nodes[top.node].inputs
                guard top.input < inputs.count else {
                    state[top.node] = 2
                    order.append(top.node)
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].input += 1
                let value = inputs[top.input]
                guard value >= 0, !known[value] else { continue }
                guard writer[value] >= 0 else {
                    throw .damaged(
                        field: "node '\(nodes[top.node].name)'",
                        reason: "nothing gives its operand \(top.input)"
                    )
                }
                switch state[writer[value]] {
                case 0:
                    state[writer[value]] = 1
                    stack.append((writer[value], 0))
                case 1: throw .cycle(node: nodes[top.node].name)
                default: break
                }
            }
        }
        return order
    }
}

extension Constant {
    /// Real numbers for integers with scales.
    ///
    /// - Parameter encoding: Checked against the shape.
    init(_ tensor: SourceTensor, dequantizedBy encoding: TensorEncoding) {
        let scales = encoding.scales.floats
        let inner = encoding.axis.map { tensor.shape[($0 + 1)...].reduce(1, *) } ?? tensor.elementCount
        let zeroPoints = encoding.zeroPoints.isEmpty ? scales.map { _ in 0 } : encoding.zeroPoints
        var floats: [Float] = []
        floats.reserveCapacity(tensor.elementCount)
        for (index, integer) in tensor.integers.enumerated() {
            let row = scales.count == 1 ? 0 : index / max(inner, 1) % scales.count
            floats.append(scales[row] * Float(integer - zeroPoints[row]))
        }
        self.tensor = SourceTensor(shape: tensor.shape, floats: floats)
        source = Source(integers: tensor, scales: scales, zeroPoints: zeroPoints, axis: encoding.axis)
    }
}
