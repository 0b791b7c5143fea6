/// One node of a float graph, ready to run.
protocol FloatKernel: Sendable {
    /// The node's output for some rows.
    ///
    /// - Parameter inputs: The node's inputs, each with all rows.
    func run(_ inputs: [[Float]], rows: Int) throws(GraphError) -> [Float]
}

/// Makes the kernels of a validated graph.
enum FloatKernels {
    static func make(
        _ node: Node,
        inputs: [[Int]],
        output: [Int],
        _ graph: Graph
    ) throws(GraphError) -> any FloatKernel {
        let first = inputs.first ?? []
        func floats(_ name: String) throws(GraphError) -> [Float] { try self.floats(name, of: node, in: graph) }
        switch node.operation {
        case .affine(let scale, let offset):
            return FloatAffine(scale: try floats(scale), offset: try floats(offset))
        case .fullyConnected(let weights, let bias, let activation):
            return FloatFullyConnected(
                matrix: FloatMatrix(rows: try floats(weights), bias: try floats(bias)),
                activation: activation
            )
        case .convolution(let convolution):
            let shape = graph.constants[convolution.weights]?.shape ?? []
            return FloatConvolution(
                plane: first,
                output: output,
                window: convolution.window(weightShape: shape),
                groups: convolution.groups,
                weights: try floats(convolution.weights),
                bias: try floats(convolution.bias),
                activation: convolution.activation
            )
        case .arithmetic(let arithmetic):
            let constant = try arithmetic.constant.map { name throws(GraphError) in try floats(name) }
            let second = arithmetic.constant.map { graph.constants[$0]?.shape ?? [] } ?? inputs[1]
            return FloatArithmetic(arithmetic, first: first, second: second, constant: constant, output: output)
        case .concatenate(let axis):
            return FloatConcatenation(inputs: inputs, axis: axis)
        case .pad(let before, _, let value):
            return FloatPad(input: first, before: before, output: output, value: value)
        case .maxPool(let window):
            return FloatPool(plane: first, output: output, window: window, kind: .maximum)
        case .averagePool(let window, let countsPadding):
            return FloatPool(
                plane: first,
                output: output,
                window: window,
                kind: countsPadding ? .averageWithPadding : .average
            )
        case .mean(let axes, _):
            return FloatMean(input: first, axes: axes)
        case .function(let function):
            return FloatFunction(function: function)
        case .softmax:
            return FloatSoftmax(channels: first.last ?? 1)
        case .normalize(let norm):
            return FloatNormalization(norm: norm, channels: first.last ?? 1)
        case .argMax(let axis, let takesLast):
            return FloatArgMax(input: first, axis: axis, takesLast: takesLast)
        case .reshape:
            return FloatReshape()
        case .transpose(let permutation):
            return FloatStrided(input: first, permutation: permutation)
        case .resize(let resize):
            return FloatResize(plane: first, resize)
        case .gather(let table):
            return FloatGather(
                node: node.name,
                table: try floats(table),
                rows: graph.constants[table]?.shape.first ?? 1
            )
        case .slice(let begin, _, let stride):
            return FloatStrided(input: first, begin: begin, stride: stride, output: output)
        }
    }

    private static func floats(_ name: String, of node: Node, in graph: Graph) throws(GraphError) -> [Float] {
        guard let tensor = graph.constants[name] else { throw .unknownConstant(node: node.name, constant: name) }
        guard tensor.dataType == .float32 else {
            throw .constantType(node: node.name, constant: name, actual: tensor.dataType)
        }
        return try tensor.floats
    }
}
