public import Kernels
public import ModelContainer
import ModelGraph
import Quantization

/// An int8 model, planned and checked, that answers rows of features.
///
/// A value that any number of tasks may share, and predict at the same time. Floats go in and come out; between them
/// everything is integers but the layers that the manifest names as float, and the same input gives the same bits on every
/// machine and with every engine.
public struct QuantizedModel: Sendable {
    /// Which kernels run a prediction. All give the same bits.
    public enum Engine: Sendable, Hashable {
        /// The fastest variant of this machine.
        case fast
        /// A given variant.
        case variant(KernelVariant)
        /// The definition in HVX instructions, hundreds of times slower.
        case reference
    }

    /// One operator, for profiles.
    public struct Step: Sendable, Hashable {
        /// The name of the node in the graph.
        public var node: String
        /// The name of the operator.
        public var name: String
        /// The variant that runs it.
        public var variant: KernelVariant
        /// The way that the kernels chose.
        public var path: String
        /// The multiply-adds of one row.
        public var multiplyAdds: Int
        /// The bytes of one row that it reads.
        public var inputBytes: Int
        /// The bytes of one row that it writes.
        public var outputBytes: Int
        /// The bytes of its packed weights and parameters.
        public var packedBytes: Int
    }

    /// The number of values in a row of the input.
    public let inputCount: Int
    /// The number of values in a row of the output.
    public let outputCount: Int
    /// The operators, and the values between them.
    public let plan: Plan
    /// The SHA-256 of the container.
    public let digest: String
    /// Everything about the model but its tensors.
    public let manifest: Manifest

    private let names: FeatureNames
    private let prepared: PreparedModel
    private let pool: SessionPool

    /// Plans a model and checks everything about it, so that predictions can fail by their input alone.
    ///
    /// - Parameter variant: Which kernels it runs with unless told otherwise.
    /// - Throws: ``InferenceError`` naming the field, node or tensor; none goes away by trying again.
    public init(_ container: ModelContainer, variant: KernelVariant = .best) throws(InferenceError) {
        manifest = container.manifest
        digest = container.digest
        guard manifest.kind == .quantizedModel else {
            throw .wrongKind(expected: .quantizedModel, actual: manifest.kind)
        }
        guard manifest.task != nil else { throw .invalid(field: "manifest.task", reason: "missing") }
        plan = try PlanReader(container).plan
        inputCount = plan.inputCount
        outputCount = plan.outputCount
        names = try FeatureNames(manifest.features, inputCount: inputCount)
        prepared = try PreparedModel(plan, variant: variant)
        pool = try SessionPool(prepared, features: names)
        try checkGolden()
    }

    /// The inputs in order; may be empty for a model whose inputs have no names.
    public var features: [Feature] { manifest.features }

    /// The operators in the order in which they run.
    public var steps: [Step] {
        zip(plan.steps, prepared.steps).map { step, prepared in
            Step(
                node: step.node,
                name: step.work.name,
                variant: prepared.variant,
                path: prepared.path,
                multiplyAdds: step.work.multiplyAdds,
                inputBytes: step.inputs.reduce(0) { $0 + plan.values[$1].rowBytes },
                outputBytes: plan.values[step.output].rowBytes,
                packedBytes: prepared.packedBytes
            )
        }
    }

    /// The bytes of packed weights and parameters, which all sessions share.
    public var packedBytes: Int { prepared.packedBytes }

    /// Memory to run the model in; any number of tasks may each have one.
    ///
    /// - Parameters:
    ///   - batch: The most rows of one run.
    ///   - threads: How many threads share the work of each step; the bytes are the same for any number.
    /// - Throws: ``InferenceError/invalid(field:reason:)`` when a number is out of range or too much memory would be needed.
    public func makeSession(batch: Int = 1, threads: Int = 1) throws(InferenceError) -> Session {
        try Session(prepared, features: names, batch: batch, threads: threads)
    }

    /// The answers to rows of features.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major.
    /// - Returns: `[rows, outputCount]` row-major: real values, or for a classification probabilities.
    /// - Throws: ``InferenceError/inputCount(expected:actual:)``,
    ///   ``InferenceError/nonFiniteInput(row:feature:element:)``, ``InferenceError/invalidIndex(input:row:index:)``, and
    ///   ``InferenceError/kernel(_:)`` for an engine that this machine does not have.
    public func predict(_ input: [Float], rows: Int, engine: Engine = .fast) throws(InferenceError) -> [Float] {
        let (count, overflow) = rows.multipliedReportingOverflow(by: inputCount)
        guard rows >= 0, !overflow, input.count == count else {
            throw .inputCount(expected: overflow ? .max : count, actual: input.count)
        }
        if let index = firstNonFinite(input) { throw names.nonFinite(at: index) }
        switch engine {
        case .fast: return try pool.run(input, rows: rows)
        case .variant(let variant):
            let other = try variant == prepared.variant ? prepared : PreparedModel(plan, variant: variant)
            return try SessionPool(other, features: names).run(input, rows: rows)
        case .reference: return try ReferenceRun(plan).run(input, rows: rows)
        }
    }

    /// Asks the golden questions and compares the bits of the answers. Without golden answers it does nothing.
    ///
    /// - Throws: ``InferenceError/goldenMismatch(row:output:expected:actual:)`` with the first that differs.
    public func verifyGolden(engine: Engine = .fast) throws(InferenceError) {
        guard let golden = manifest.golden else { return }
        let rows = golden.inputs.count
        let answers = try predict(golden.inputs.flatMap(\.self), rows: rows, engine: engine)
        for row in 0..<rows {
            for output in 0..<outputCount {
                let expected = golden.outputs[row][output]
                let actual = answers[row * outputCount + output]
                guard expected.bitPattern == actual.bitPattern else {
                    throw .goldenMismatch(row: row, output: output, expected: expected, actual: actual)
                }
            }
        }
    }

    private func checkGolden() throws(InferenceError) {
        guard let golden = manifest.golden else { return }
        guard golden.inputs.count == golden.outputs.count,
            golden.inputs.allSatisfy({ $0.count == inputCount }),
            golden.outputs.allSatisfy({ $0.count == outputCount })
        else {
            throw .invalid(field: "manifest.golden", reason: "its rows do not fit the model")
        }
    }
}
