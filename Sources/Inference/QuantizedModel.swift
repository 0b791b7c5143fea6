public import Kernels
public import ModelContainer
import ModelGraph
import Quantization

/// An int8 model, planned and checked, that answers rows of features.
///
/// A value without state: any number of tasks may share one and predict at the same time. Floats go in and come out;
/// between them everything is integers, and the same input gives the same bits on every machine and with every engine.
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

    /// The number of values in a row of the input.
    public let inputCount: Int
    /// The number of values in a row of the output.
    public let outputCount: Int

    private let container: ModelContainer
    private let inputEncoding: InputEncoding
    private let encoding: Encoding
    private let layers: [PlannedLayer]
    private let hasSoftmax: Bool

    /// Plans a model and checks everything about it, so that predictions can fail by their input alone.
    ///
    /// - Throws: ``InferenceError`` naming the field, node or tensor; none goes away by trying again.
    public init(_ container: ModelContainer) throws(InferenceError) {
        let manifest = container.manifest
        guard manifest.kind == .quantizedModel else {
            throw .wrongKind(expected: .quantizedModel, actual: manifest.kind)
        }
        guard manifest.task != nil else { throw .invalid(field: "manifest.task", reason: "missing") }
        let graph = try InferenceError.wrapContainer { () throws(ContainerError) in try container.graph }
        let chain = try LayerChain(graph)
        guard chain.affine == nil else {
            throw .invalid(field: "graph", reason: "affine must be folded into the input encoding")
        }
        guard manifest.layers.map(\.node) == chain.layers.map(\.node.name) else {
            throw .invalid(field: "manifest.layers", reason: "they are not the fully-connected nodes in order")
        }
        guard manifest.layers.map(\.output).lastIndex(of: .requantized) ?? -1 == chain.layers.count - 2,
            manifest.layers.map(\.output).firstIndex(of: .accumulator) == chain.layers.count - 1
        else {
            throw .invalid(field: "manifest.layers", reason: "only the last layer gives its accumulator, and it must")
        }
        try QuantizedModel.check(manifest.features, inputCount: chain.inputCount)
        guard let encoding = manifest.encodings[chain.inputName] else {
            throw .invalid(field: "manifest.encodings", reason: "'\(chain.inputName)' has no encoding")
        }
        inputEncoding = InputEncoding(
            gain: try container.reals(QuantizedLayer.inputGainTensor, count: chain.inputCount),
            offset: try container.reals(QuantizedLayer.inputOffsetTensor, count: chain.inputCount),
            zeroPoint: encoding.zeroPoint
        )
        var layers: [PlannedLayer] = []
        var input = encoding
        for (layer, quantized) in zip(chain.layers, manifest.layers) {
            let planned = try PlannedLayer(layer, quantized, input: input, container: container, graph: graph)
            if case .bytes(_, _, let output) = planned.output { input = output }
            layers.append(planned)
        }
        self.container = container
        self.encoding = encoding
        self.layers = layers
        hasSoftmax = chain.hasSoftmax
        inputCount = chain.inputCount
        outputCount = layers.last?.sums.outputCount ?? 0
        try checkGolden()
    }

    /// The SHA-256 of the container.
    public var digest: String { container.digest }
    /// The inputs in order; may be empty for a model whose inputs have no names.
    public var features: [Feature] { container.manifest.features }
    /// Everything about the model but its tensors.
    public var manifest: Manifest { container.manifest }

    /// The answers to rows of features.
    ///
    /// - Parameter input: `[rows, inputCount]` row-major.
    /// - Returns: `[rows, outputCount]` row-major: real values, or for a classification probabilities.
    /// - Throws: ``InferenceError/inputCount(expected:actual:)``,
    ///   ``InferenceError/nonFiniteInput(row:feature:element:)``, and ``InferenceError/kernel(_:)`` for an engine that
    ///   this machine does not have.
    public func predict(_ input: [Float], rows: Int, engine: Engine = .fast) throws(InferenceError) -> [Float] {
        let reals = try run(input, rows: rows, engine: engine) { _, _, _ in }
        return hasSoftmax ? softmax(reals) : reals
    }

    /// Asks the golden questions and compares the bits of the answers. Without golden answers it does nothing.
    ///
    /// - Throws: ``InferenceError/goldenMismatch(row:output:expected:actual:)`` with the first that differs.
    public func verifyGolden(engine: Engine = .fast) throws(InferenceError) {
        guard let golden = container.manifest.golden else { return }
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

    /// Runs all layers; the result lacks the softmax.
    ///
    /// - Parameter observe: Called with the bytes of the input and of each layer that gives bytes, with the index of
    ///   the layer, -1 for the input, and the encoding.
    func run(
        _ input: [Float],
        rows: Int,
        engine: Engine,
        observe: (Int, [UInt8], Encoding) -> Void
    ) throws(InferenceError) -> [Float] {
        let (count, overflow) = rows.multipliedReportingOverflow(by: inputCount)
        guard rows >= 0, !overflow, input.count == count else {
            throw .inputCount(expected: overflow ? .max : count, actual: input.count)
        }
        if let index = input.firstIndex(where: { !$0.isFinite }) {
            throw nonFinite(at: index)
        }
        var bytes = inputEncoding.quantize(input)
        observe(-1, bytes, encoding)
        for (index, layer) in layers.enumerated() {
            let sums = try accumulators(of: layer, bytes, rows: rows, engine: engine)
            switch layer.output {
            case .bytes(let stage, let channels, let encoding):
                bytes = try requantize(sums, stage, channels, rows: rows, engine: engine)
                observe(index, bytes, encoding)
            case .reals(let scale, let activation):
                return sums.indices.map { activation(Float(sums[$0]) * scale[$0 % scale.count]) }
            }
        }
        return []
    }

    private func accumulators(
        of layer: PlannedLayer,
        _ input: [UInt8],
        rows: Int,
        engine: Engine
    ) throws(InferenceError) -> [Int32] {
        switch engine {
        case .fast:
            return try InferenceError.wrapKernel { () throws(KernelError) in
                try layer.sums.accumulators(input, rows: rows)
            }
        case .variant(let variant):
            return try InferenceError.wrapKernel { () throws(KernelError) in
                try layer.sums.accumulators(input, rows: rows, variant: variant)
            }
        case .reference:
            let weights = try InferenceError.wrapContainer { () throws(ContainerError) in
                try container.tensor(layer.weightsTensor)
            }
            let biases = try InferenceError.wrapContainer { () throws(ContainerError) in
                try container.tensor(layer.biasTensor)
            }
            let weightBytes = try InferenceError.wrapGraph { () throws(GraphError) in try weights.int8s }
            let biasWords = try InferenceError.wrapGraph { () throws(GraphError) in try biases.int32s }
            return try InferenceError.wrapKernel { () throws(KernelError) in
                try ReferenceFullyConnected.accumulators(
                    input,
                    rows: rows,
                    weights: .int8(weightBytes),
                    biases: biasWords,
                    inputCount: layer.sums.inputCount,
                    outputCount: layer.sums.outputCount,
                    inputZeroPoint: layer.inputZeroPoint
                )
            }
        }
    }

    private func requantize(
        _ sums: [Int32],
        _ stage: RequantizeStage,
        _ channels: [Requantization],
        rows: Int,
        engine: Engine
    ) throws(InferenceError) -> [UInt8] {
        try InferenceError.wrapKernel { () throws(KernelError) in
            switch engine {
            case .fast: try stage.bytes(sums, rows: rows)
            case .variant(let variant): try stage.bytes(sums, rows: rows, variant: variant)
            case .reference:
                try ReferenceRequantize.bytes(
                    sums,
                    rows: rows,
                    channels: channels,
                    zeroPoint: stage.zeroPoint,
                    range: stage.range
                )
            }
        }
    }

    private func softmax(_ reals: [Float]) -> [Float] {
        stride(from: 0, to: reals.count, by: outputCount).flatMap { Softmax.row(reals[$0..<$0 + outputCount]) }
    }

    private func nonFinite(at index: Int) -> InferenceError {
        let row = index / inputCount
        var element = index % inputCount
        for feature in features {
            let count = feature.shape.reduce(1, *)
            if element < count { return .nonFiniteInput(row: row, feature: feature.name, element: element) }
            element -= count
        }
        return .nonFiniteInput(row: row, feature: "input", element: element)
    }

    /// Features are either not known or fill the input exactly.
    static func check(_ features: [Feature], inputCount: Int) throws(InferenceError) {
        guard !features.isEmpty else { return }
        var total = 0
        for feature in features {
            guard let count = Tensor.elementCount(of: feature.shape), count <= inputCount - total else {
                throw .invalid(
                    field: "manifest.features",
                    reason: "'\(feature.name)' leaves the input of \(inputCount) values"
                )
            }
            total += count
        }
        guard total == inputCount else {
            throw .invalid(field: "manifest.features", reason: "\(total) values instead of \(inputCount)")
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
