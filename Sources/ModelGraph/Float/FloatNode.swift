/// One node of a float graph, ready to run apart from the others: for a layer that stays float in a quantized model, and
/// to see what a change of one layer does.
///
/// It is what ``FloatInterpreter`` runs, so that the same inputs give the same bits, in a batch of any size.
public struct FloatNode: Sendable {
    private let kernel: any FloatKernel

    /// Prepares a node.
    ///
    /// - Parameters:
    ///   - inputs: The shapes of what it reads.
    ///   - output: The shape of what it gives, as ``Graph/values()`` says.
    ///   - graph: Holds its constants, and was validated.
    /// - Throws: ``GraphError/constantType(node:constant:actual:)`` and ``GraphError/unknownConstant(node:constant:)``.
    public init(_ node: Node, inputs: [[Int]], output: [Int], in graph: Graph) throws(GraphError) {
        kernel = try FloatKernels.make(node, inputs: inputs, output: output, graph)
    }

    /// What the node gives for some rows.
    ///
    /// - Parameter inputs: What it reads, each row-major with all rows.
    /// - Throws: ``GraphError/index(node:index:rows:)`` when a `gather` is asked for a row that its table does not have.
    /// - Precondition: Each input has `rows` times the elements of its shape.
    public func run(_ inputs: [[Float]], rows: Int) throws(GraphError) -> [Float] {
        try kernel.run(inputs, rows: rows)
    }
}
