/// Evaluates a float graph: for comparison, for calibration, and for what must stay float.
///
/// Every sum runs in ascending order of taps and channels in 32-bit floats, beginning with the bias, and nothing comes
/// from the C library, so the same graph and input give the same bits on every machine. Means sum in double precision.
///
/// A row of the input is a row of each input of the graph, one after the other; a row of the output likewise.
public struct FloatInterpreter: Sendable {
    /// The number of values in one row of the input.
    public let inputCount: Int
    /// The number of values in one row of the output.
    public let outputCount: Int

    /// Rows are evaluated together while the largest value has at most this many elements.
    private static let elementsPerPass = 1 << 16

    private let inputs: [TensorInfo]
    private let outputs: [Int]
    private let names: [String]
    private let steps: [Step]
    private let rowsPerPass: Int

    /// One node; values have numbers here, the inputs of the graph first.
    private struct Step: Sendable {
        let node: String
        let inputs: [Int]
        let output: Int
        let kernel: any FloatKernel
        /// What nobody reads after this step.
        let released: [Int]
    }

    /// Prepares a graph.
    ///
    /// - Throws: what ``Graph/validate()`` throws; ``GraphError/constantType(node:constant:actual:)`` for a quantized
    ///   graph.
    public init(_ graph: Graph) throws(GraphError) {
        let values = try graph.values()
        inputs = graph.inputs
        inputCount = graph.inputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
        var names = graph.inputs.map(\.name)
        var numbers = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        var lastReader: [Int: Int] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { lastReader[numbers[input] ?? 0] = index }
            numbers[node.output] = names.count
            names.append(node.output)
        }
        self.names = names
        outputs = graph.outputs.compactMap { numbers[$0] }
        outputCount = graph.outputs.reduce(0) { $0 + (values[$1]?.shape.reduce(1, *) ?? 0) }
        var steps: [Step] = []
        for (index, node) in graph.nodes.enumerated() {
            let read = node.inputs.compactMap { numbers[$0] }
            let written = graph.inputs.count + index
            let shapes = node.inputs.compactMap { values[$0]?.shape }
            let kernel = try FloatKernels.make(node, inputs: shapes, output: values[node.output]?.shape ?? [], graph)
            var released = Set(read.filter { lastReader[$0] == index })
            if lastReader[written] == nil { released.insert(written) }
            steps.append(
                Step(
                    node: node.name,
                    inputs: read,
                    output: written,
                    kernel: kernel,
                    released: released.subtracting(outputs).sorted()
                )
            )
        }
        self.steps = steps
        let largest = values.values.reduce(1) { max($0, $1.shape.reduce(1, *)) }
        rowsPerPass = max(1, FloatInterpreter.elementsPerPass / largest)
    }

    /// The outputs for `rows` rows of the input, row-major.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major.
    /// - Throws: ``GraphError/inputCount(expected:actual:)`` when `input` does not fill the rows,
    ///   ``GraphError/index(node:index:rows:)``.
    public func run(_ input: [Float], rows: Int) throws(GraphError) -> [Float] {
        try run(input, rows: rows) { _, _, _ in }
    }

    /// As ``run(_:rows:)``, and shows every value of the graph on the way.
    ///
    /// A value is gone when its last reader has run, so that a large graph needs no more memory than a few of its values.
    ///
    /// - Parameter observe: Called for some rows at a time with the name of a value, its elements for these rows, and
    ///   the rows: the inputs first, then the output of each node in order.
    public func run(
        _ input: [Float],
        rows: Int,
        observe: (_ value: String, _ elements: [Float], _ rows: Range<Int>) -> Void
    ) throws(GraphError) -> [Float] {
        let (expected, overflow) = rows.multipliedReportingOverflow(by: inputCount)
        guard rows >= 0, !overflow, input.count == expected else {
            throw .inputCount(expected: overflow ? .max : expected, actual: input.count)
        }
        var result: [Float] = []
        result.reserveCapacity(rows * outputCount)
        var first = 0
        while first < rows {
            let range = first..<min(first + rowsPerPass, rows)
            try pass(input, range, observe, &result)
            first = range.upperBound
        }
        return result
    }

    /// Every value of the graph by name, the inputs among them, each row-major with `rows` rows.
    ///
    /// - Throws: as ``run(_:rows:)``.
    public func values(_ input: [Float], rows: Int) throws(GraphError) -> [String: [Float]] {
        var values = Dictionary(names.map { ($0, [Float]()) }) { first, _ in first }
        _ = try run(input, rows: rows) { name, elements, _ in values[name]?.append(contentsOf: elements) }
        return values
    }

    private func pass(
        _ input: [Float],
        _ rows: Range<Int>,
        _ observe: (String, [Float], Range<Int>) -> Void,
        _ result: inout [Float]
    ) throws(GraphError) {
        var values = [[Float]](repeating: [], count: names.count)
        var offset = 0
        for (number, info) in inputs.enumerated() {
            let count = info.shape.reduce(1, *)
            values[number] =
                count == inputCount
                ? Array(input[rows.lowerBound * count..<rows.upperBound * count])
                : rows.flatMap { input[$0 * inputCount + offset..<$0 * inputCount + offset + count] }
            offset += count
            observe(info.name, values[number], rows)
        }
        for step in steps {
            values[step.output] = try step.kernel.run(step.inputs.map { values[$0] }, rows: rows.count)
            observe(names[step.output], values[step.output], rows)
            for number in step.released { values[number] = [] }
        }
        guard outputs.count > 1 else {
            result += values[outputs[0]]
            return
        }
        let widths = outputs.map { values[$0].count / rows.count }
        for row in 0..<rows.count {
            for (output, width) in zip(outputs, widths) {
                result += values[output][row * width..<(row + 1) * width]
            }
        }
    }
}
