public import ModelContainer
import ModelGraph
import Quantization

/// A quantized model and how far it is from the float model.
public struct QuantizationResult: Sendable {
    /// The bytes of the container.
    public var container: [UInt8]
    /// How far the model is from the float model.
    public var report: QuantizationReport
}

/// Turns a float model into an int8 model.
///
/// A leading `affine` folds into the encoding of the input. Weights become s8 with a scale for each output, hidden
/// values u8 with the range they had over the calibration rows. The last fully-connected layer gives its 32-bit sums,
/// so that the answer has more than 256 levels; a softmax runs on the real numbers after it.
public enum Quantizer {
    /// Quantizes a model; the same arguments always give the same bytes.
    ///
    /// - Parameters:
    ///   - model: A float model: an optional `affine`, fully-connected layers, an optional `softmax`.
    ///   - calibration: `[rows, inputs]` row-major, rows such as the model will meet.
    ///   - goldenRows: How many of these rows, evenly spread, go into the container as golden questions; cut to `rows`.
    ///   - lineage: The new container's lineage, or nil to keep that of the model. Its `parent` becomes the digest of
    ///     the model.
    /// - Throws: ``InferenceError`` naming the node, field or calibration row; none goes away by trying again.
    public static func quantize(
        model: ModelContainer,
        calibration: [Float],
        rows: Int,
        goldenRows: Int,
        lineage: Lineage?
    ) throws(InferenceError) -> QuantizationResult {
        guard model.manifest.kind == .floatModel else {
            throw .wrongKind(expected: .floatModel, actual: model.manifest.kind)
        }
        let graph = try InferenceError.wrapContainer { () throws(ContainerError) in try model.graph }
        let chain = try LayerChain(graph)
        let values = try observe(graph, chain, calibration, rows: rows, features: model.manifest.features)
        var draft = try QuantizationDraft(graph: graph, chain: chain, values: values)
        draft.manifest.task = model.manifest.task
        draft.manifest.features = model.manifest.features
        draft.manifest.metadata = model.manifest.metadata
        draft.manifest.lineage = lineage ?? model.manifest.lineage
        draft.manifest.lineage?.parent = model.digest
        let trial = try load(encode(draft))
        let report = try QuantizationReport(
            model: trial,
            chain: chain,
            output: values[graph.outputs[0]] ?? [],
            values: values,
            calibration: calibration,
            rows: rows
        )
        draft.manifest.quantizationReport = report
        draft.manifest.golden = try golden(trial, calibration, rows: rows, count: min(goldenRows, rows))
        let container = try encode(draft)
        try load(container).verifyGolden()
        return QuantizationResult(container: container, report: report)
    }

    /// Every value of the float model over the calibration rows, all finite.
    private static func observe(
        _ graph: Graph,
        _ chain: LayerChain,
        _ calibration: [Float],
        rows: Int,
        features: [Feature]
    ) throws(InferenceError) -> [String: [Float]] {
        try QuantizedModel.check(features, inputCount: chain.inputCount)
        guard rows > 0 else { throw .noCalibrationRows }
        let interpreter = try InferenceError.wrapGraph { () throws(GraphError) in try FloatInterpreter(graph) }
        if let index = calibration.firstIndex(where: { !$0.isFinite }) {
            throw .nonFiniteInput(
                row: index / chain.inputCount,
                feature: chain.inputName,
                element: index % chain.inputCount
            )
        }
        let values = try InferenceError.wrapGraph { () throws(GraphError) in
            try interpreter.values(calibration, rows: rows)
        }
        for node in graph.nodes where !(values[node.output]?.allSatisfy(\.isFinite) ?? false) {
            throw .nonFiniteValue(node: node.name)
        }
        return values
    }

    private static func encode(_ draft: QuantizationDraft) throws(InferenceError) -> [UInt8] {
        try InferenceError.wrapContainer { () throws(ContainerError) in
            try ModelContainer.encode(manifest: draft.manifest, tensors: draft.tensors)
        }
    }

    private static func load(_ bytes: [UInt8]) throws(InferenceError) -> QuantizedModel {
        try QuantizedModel(
            InferenceError.wrapContainer { () throws(ContainerError) in try ModelContainer(parsing: bytes) }
        )
    }

    private static func golden(
        _ model: QuantizedModel,
        _ calibration: [Float],
        rows: Int,
        count: Int
    ) throws(InferenceError) -> GoldenAnswers? {
        guard count > 0 else { return nil }
        let width = model.inputCount
        let inputs = (0..<count).map { index in
            let row = index * rows / count
            return Array(calibration[row * width..<(row + 1) * width])
        }
        let answers = try model.predict(inputs.flatMap(\.self), rows: count)
        let outputs = (0..<count).map {
            Array(answers[$0 * model.outputCount..<($0 + 1) * model.outputCount])
        }
        return GoldenAnswers(inputs: inputs, outputs: outputs)
    }
}
