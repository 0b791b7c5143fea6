public import ModelContainer
import ModelGraph
import Quantization

/// A quantized model and how far it is from the float model.
public struct QuantizationResult: Sendable {
    /// The bytes of the container.
    public var container: [UInt8]
    /// How far the model is from the float model; without rows it has no layers.
    public var report: QuantizationReport
    /// The layers that stay float, and why.
    public var floatLayers: [FloatLayer]
    /// What became of the encodings that were given.
    public var kept: KeptEncodings
    /// What was fused and folded before any integer was made, a line each.
    public var notes: [String]
}

/// Turns a float model into an int8 model.
///
/// A leading standardization folds into the encoding of the input. Weights become s8 with a scale for each output, values
/// u8 with the range they had over the calibration rows, or the part of it that a ``/Quantization/RangeMethod`` chooses.
/// A last layer gives its 32-bit sums, so that the answer has more than 256 levels; a softmax or a function behind it runs
/// on the real numbers.
public enum Quantizer {
    /// How values between the operators stand.
    public enum ActivationWidth: String, Sendable, Hashable, CaseIterable {
        /// As unsigned bytes.
        case bytes
        /// As signed 16-bit integers, for models of fully-connected layers and convolutions.
        case halfwords
    }

    /// What is being done, row by row or layer by layer.
    public enum Phase: String, Sendable, Hashable, CaseIterable {
        /// The float model runs on the calibration rows.
        case calibration
        /// Channels are scaled against each other.
        case equalization
        /// Layers are tried in more bits.
        case precision = "mixed precision"
        /// Layer after layer learns which way to round its weights.
        case rounding = "adaround"
        /// The mean errors of the layers are measured.
        case correction = "bias correction"
        /// Both models run on these rows for the report.
        case comparison
    }

    /// The key of the metadata that names the method of ranges, where it is not ``/Quantization/RangeMethod/minMax``.
    public static let rangeMethodKey = "quantization.ranges"

    /// At most so many values go into a container as golden questions, but at least one row.
    private static let goldenValuesMax = 1 << 16
    /// At most so many values are compared for the report, but at least one row.
    private static let reportValuesMax = 1 << 26

    /// Quantizes a model; the same arguments always give the same bytes.
    ///
    /// - Parameters:
    ///   - model: A float model.
    ///   - calibration: `[rows, inputs]` row-major, rows such as the model will meet. None are needed when the options give
    ///     each value an encoding; the golden questions are then made up, and nothing is compared.
    ///   - options: What decides the bytes besides.
    ///   - progress: Called with the phase, and how many of its rows or layers are done.
    /// - Throws: ``InferenceError/needsFloat(_:)`` naming the layers that would have to stay float and may not,
    ///   ``InferenceError/budget(wanted:reached:)``; ``InferenceError`` naming the node, field or calibration row; none goes away by trying again.
    public static func quantize(
        model: ModelContainer,
        calibration: [Float],
        rows: Int,
        options: QuantizationOptions = QuantizationOptions(),
        progress: (_ phase: Phase, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) throws(InferenceError) -> QuantizationResult {
        guard model.manifest.kind == .floatModel else {
            throw .wrongKind(expected: .floatModel, actual: model.manifest.kind)
        }
        let original = try InferenceError.wrapContainer { () throws(ContainerError) in try model.graph }
        _ = try FeatureNames(
            model.manifest.features,
            inputCount: original.inputs.reduce(0) { $0 + $1.shape.reduce(1, *) }
        )
        let fixed = options.fixed
        if options.equalizes, !fixed.constants.isEmpty {
            throw .invalid(
                field: "equalization",
                reason: "the model's weights are integers already and stay as they are"
            )
        }
        let calibrationRows = try CalibrationRows(
            calibration,
            rows: rows,
            of: original,
            mayBeMissing: !fixed.values.isEmpty && options.width == .bytes && !options.hasStages
        )
        var work = try QuantizationWork(original, model.manifest.task, calibrationRows, options)
        let method = options.width == .bytes ? options.ranges : .minMax
        if rows > 0 {
            work.observed = try calibrationRows.observe(work.graph, work.interpreter, method: method) {
                progress(.calibration, $0, rows)
            }
        }
        var factors: [String: [Float]] = [:]
        if options.equalizes { factors = try work.equalize(method) { progress(.equalization, $0, $1) } }
        if let budget = options.lossBudget { try work.mixPrecisions(budget) { progress(.precision, $0, $1) } }
        if options.roundingIterations > 0 {
            try work.learnRoundings(options.roundingIterations) { progress(.rounding, $0, $1) }
        }
        if options.correctsBias { try work.correctBiases { progress(.correction, $0, $1) } }
        let build = try work.build()
        var draft = build.draft
        draft.add(equalization: factors)
        draft.manifest.features = model.manifest.features
        draft.manifest.metadata = model.manifest.metadata
        if method != .minMax { draft.manifest.metadata[rangeMethodKey] = method.description }
        draft.manifest.lineage = options.lineage ?? model.manifest.lineage
        draft.manifest.lineage?.parent = model.digest
        let valuesPerRow = build.lowered.infos.values.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let compared = min(rows, max(1, reportValuesMax / valuesPerRow))
        let trial = build.model
        var report = QuantizationReport.empty
        if compared > 0 {
            report = try QuantizationReport(
                model: trial,
                interpreter: work.interpreter,
                floatValue: build.lowered.floatValue(of:),
                calibration: calibration,
                rows: compared
            ) { progress(.comparison, $0, compared) }
            report.measures = work.measures
            draft.manifest.quantizationReport = report
        }
        let goldenMax = max(1, goldenValuesMax / max(trial.inputCount, 1))
        var questions = (rows: rows, values: calibration)
        if rows == 0 {
            questions.rows = min(options.goldenRows, goldenMax)
            var madeUp = MadeUpRows()
            questions.values = madeUp.rows(questions.rows, for: trial.plan)
        }
        draft.manifest.golden = try golden(
            trial,
            questions.values,
            rows: questions.rows,
            count: min(options.goldenRows, questions.rows, goldenMax)
        )
        let container = try QuantizationWork.encode(draft)
        try QuantizationWork.load(container).verifyGolden()
        var notes = work.notes
        let folded = build.lowered.roles.foldedNodes.count
        if folded > 0 { notes.append("standardizations folded into the encodings of inputs: \(folded)") }
        return QuantizationResult(
            container: container,
            report: report,
            floatLayers: draft.manifest.floatLayers,
            kept: draft.kept,
            notes: notes
        )
    }

    /// Runs a float model and the quantized model that was made of it, and compares them layer by layer.
    ///
    /// - Parameters:
    ///   - float: The float model.
    ///   - quantized: The model that ``quantize(model:calibration:rows:options:progress:)`` made of it.
    ///   - inputs: `[rows, inputs]` row-major.
    ///   - progress: Called with the number of rows that are done.
    /// - Throws: ``InferenceError/wrongKind(expected:actual:)``; ``InferenceError/invalid(field:reason:)`` naming a value
    ///   when the one was not made of the other; what running them throws.
    public static func compare(
        float: ModelContainer,
        quantized: ModelContainer,
        inputs: [Float],
        rows: Int,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws(InferenceError) -> QuantizationReport {
        let model = try QuantizedModel(quantized)
        let twin = try FloatTwin(float, of: quantized, model)
        let interpreter = twin.interpreter
        guard rows > 0 else { throw .noCalibrationRows }
        guard inputs.count == rows * interpreter.inputCount else {
            throw .inputCount(expected: rows * interpreter.inputCount, actual: inputs.count)
        }
        return try QuantizationReport(
            model: model,
            interpreter: interpreter,
            floatValue: twin.name(of:),
            calibration: inputs,
            rows: rows,
            progress: progress
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
