/// Evaluates a float graph in plain Swift: for comparison and for calibration, not for speed.
///
/// Every sum runs over `k` in ascending order in 32-bit floats, beginning with the bias, and nothing comes from the C
/// library, so the same graph and input give the same bits on every machine.
public struct FloatInterpreter: Sendable {
    /// The number of values in one row of the input.
    public let inputCount: Int
    /// The number of values in one row of the first output.
    public let outputCount: Int

    private let input: String
    private let output: String
    private let steps: [Step]

    private struct Step: Sendable {
        let input: String
        let output: String
        let kernel: Kernel
    }

    private enum Kernel: Sendable {
        case affine(scale: [Float], offset: [Float])
        /// Weights transposed to `[K, N]`, so that the innermost loop runs over outputs and keeps the order of sums.
        case fullyConnected(transposed: [Float], bias: [Float], inputs: Int, activation: Activation)
        case softmax(channels: Int)
    }

    /// Prepares a graph with one input.
    ///
    /// - Throws: what ``Graph/validate()`` throws; ``GraphError/count(what:actual:)`` for more than one input;
    ///   ``GraphError/constantType(node:constant:actual:)`` for a quantized graph.
    public init(_ graph: Graph) throws(GraphError) {
        try graph.validate()
        guard graph.inputs.count == 1 else { throw .count(what: "inputs here", actual: graph.inputs.count) }
        input = graph.inputs[0].name
        output = graph.outputs[0]
        inputCount = graph.inputs[0].shape.reduce(1, *)
        outputCount = try graph.shape(of: output).reduce(1, *)
        var steps: [Step] = []
        for node in graph.nodes {
            let kernel: Kernel
            switch node.operation {
            case .affine(let scale, let offset):
                kernel = .affine(
                    scale: try FloatInterpreter.floats(scale, of: node, in: graph),
                    offset: try FloatInterpreter.floats(offset, of: node, in: graph)
                )
            case .fullyConnected(let weights, let bias, let activation):
                let values = try FloatInterpreter.floats(weights, of: node, in: graph)
                let biases = try FloatInterpreter.floats(bias, of: node, in: graph)
                let outputs = biases.count
                let inputs = values.count / outputs
                var transposed = [Float](repeating: 0, count: values.count)
                for n in 0..<outputs {
                    for k in 0..<inputs {
                        transposed[k * outputs + n] = values[n * inputs + k]
                    }
                }
                kernel = .fullyConnected(transposed: transposed, bias: biases, inputs: inputs, activation: activation)
            case .softmax:
                kernel = .softmax(channels: try graph.shape(of: node.input).last ?? 1)
            }
            steps.append(Step(input: node.input, output: node.output, kernel: kernel))
        }
        self.steps = steps
    }

    /// The first output for `rows` rows of the input, row-major.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major.
    /// - Throws: ``GraphError/inputCount(expected:actual:)`` when `input` does not fill the rows.
    public func run(_ input: [Float], rows: Int) throws(GraphError) -> [Float] {
        try values(input, rows: rows)[output] ?? []
    }

    /// Every value of the graph by name, the input among them, each row-major with `rows` rows.
    ///
    /// - Throws: ``GraphError/inputCount(expected:actual:)`` when `input` does not fill the rows.
    public func values(_ input: [Float], rows: Int) throws(GraphError) -> [String: [Float]] {
        let (expected, overflow) = rows.multipliedReportingOverflow(by: inputCount)
        guard rows >= 0, !overflow, input.count == expected else {
            throw .inputCount(expected: overflow ? .max : expected, actual: input.count)
        }
        var values = [self.input: input]
        for step in steps {
            values[step.output] = FloatInterpreter.evaluate(step.kernel, values[step.input] ?? [], rows: rows)
        }
        return values
    }

    private static func floats(_ name: String, of node: Node, in graph: Graph) throws(GraphError) -> [Float] {
        guard let tensor = graph.constants[name] else { throw .unknownConstant(node: node.name, constant: name) }
        guard tensor.dataType == .float32 else {
            throw .constantType(node: node.name, constant: name, actual: tensor.dataType)
        }
        return try tensor.floats
    }

    private static func evaluate(_ kernel: Kernel, _ input: [Float], rows: Int) -> [Float] {
        switch kernel {
        case .affine(let scale, let offset):
            return input.indices.map { input[$0] * scale[$0 % scale.count] + offset[$0 % scale.count] }
        case .fullyConnected(let transposed, let bias, let inputs, let activation):
            var result: [Float] = []
            result.reserveCapacity(rows * bias.count)
            for row in 0..<rows {
                var sums = bias
                for k in 0..<inputs {
                    let value = input[row * inputs + k]
                    let first = k * bias.count
                    for n in sums.indices {
                        sums[n] += value * transposed[first + n]
                    }
                }
                result.append(contentsOf: sums.map { activation($0) })
            }
            return result
        case .softmax(let channels):
            return stride(from: 0, to: input.count, by: channels).flatMap {
                Softmax.row(input[$0..<$0 + channels])
            }
        }
    }
}
