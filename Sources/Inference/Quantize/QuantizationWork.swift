import Kernels
import ModelContainer
import ModelGraph
import Quantization

/// A float model on its way to integers: what the stages of a quantization share.
struct QuantizationWork {
    /// A container that runs, and how it came about.
    struct Build {
        let draft: QuantizationDraft
        let model: QuantizedModel

        var lowered: LoweredGraph { draft.lowered }
    }

    /// At most so many values go through a model to see what a change brings.
    private static let trialValuesMax = 1 << 25
    private static let trialRowsMax = 256

    /// The rewritten graph, which stages may change into another that computes the same.
    private(set) var graph: Graph
    private(set) var interpreter: FloatInterpreter
    let rows: CalibrationRows
    var observed = ObservedRanges()
    var precision = LayerPrecision()
    var adjustments = WeightAdjustments()
    /// What was done besides rounding.
    var measures: [QuantizationReport.Measure] = []
    let allowsFloat: Bool
    /// What was fused before any integer was made, a line each.
    let notes: [String]
    private let task: ModelTask?
    private let fixed: FixedEncodings

    /// The rows on which models are compared, and what the float model answers.
    let trial: CalibrationRows
    let answers: [Float]

    /// - Parameters:
    ///   - original: The graph of the float model.
    ///   - task: What the outputs mean.
    ///   - rows: What ranges are measured on.
    init(
        _ original: Graph,
        _ task: ModelTask?,
        _ rows: CalibrationRows,
        _ options: QuantizationOptions
    ) throws(InferenceError) {
        self.task = task
        fixed = options.fixed
        let asked = try QuantizationWork.rewritten(original, floatLayers: options.floatLayers, fixed: options.fixed)
        graph = asked.graph
        notes = asked.notes
        self.rows = rows
        allowsFloat = options.allowsFloat
        for name in asked.floats { precision.floats[name] = FloatLayer.asked }
        precision.isWide = options.width == .halfwords
        let rewritten = asked.graph
        let interpreter = try InferenceError.wrapGraph { () throws(GraphError) in try FloatInterpreter(rewritten) }
        self.interpreter = interpreter
        let values = try InferenceError.wrapGraph { () throws(GraphError) in try rewritten.values() }
        let valuesPerRow = values.values.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let trial = rows.sample(min(Self.trialRowsMax, max(1, Self.trialValuesMax / valuesPerRow)))
        self.trial = trial
        // Without stages that compare there is no need of it.
        answers =
            options.hasStages
            ? try InferenceError.wrapGraph { () throws(GraphError) in
                try interpreter.run(trial.floats, rows: trial.count)
            } : []
    }

    /// The rewritten graph, the names of its nodes that were asked to stay float, and what was fused.
    static func rewritten(
        _ original: Graph,
        floatLayers: Set<String>,
        fixed: FixedEncodings
    ) throws(InferenceError) -> (graph: Graph, floats: [String], notes: [String]) {
        let rewriter = try GraphRewriter(original, keeping: floatLayers, fixed: fixed)
        let graph = rewriter.graph
        let names = Dictionary(graph.nodes.map { ($0.output, $0.name) }) { first, _ in first }
        let known = Set(graph.nodes.map(\.name))
        var floats: [String] = []
        for name in floatLayers.sorted() {
            if known.contains(name) {
                floats.append(name)
            } else if let node = original.nodes.first(where: { $0.name == name }), let fused = names[node.output] {
                floats.append(fused)
            } else {
                throw .invalid(
                    field: "float layers",
                    reason: "'\(name)' is no node of the model, or is folded into another"
                )
            }
        }
        return (graph, floats, rewriter.notes)
    }

    /// Replaces the graph by one that computes the same.
    mutating func replace(_ graph: Graph) throws(InferenceError) {
        self.graph = graph
        interpreter = try InferenceError.wrapGraph { () throws(GraphError) in try FloatInterpreter(graph) }
    }

    /// A model with the present precision and adjustments.
    ///
    /// A layer without an integer operator stays float from then on.
    ///
    /// - Throws: ``InferenceError/needsFloat(_:)`` where no layer may stay float.
    mutating func build() throws(InferenceError) -> Build {
        let names = Set(graph.nodes.map(\.name))
        while true {
            let refusal: InferenceError
            do throws(InferenceError) {
                let lowered = try LoweredGraph(graph, precision, fixed: Set(fixed.values.keys))
                var draft = try QuantizationDraft(lowered, observed, adjustments, fixed: fixed)
                draft.manifest.task = task
                let model = try Self.load(Self.encode(draft))
                guard allowsFloat || lowered.floats.isEmpty else { throw .needsFloat(lowered.floatLayers) }
                return Build(draft: draft, model: model)
            } catch {
                refusal = error
            }
            guard let (node, reason) = refusal.nodeWithoutIntegers, names.contains(node), precision.floats[node] == nil
            else { throw refusal }
            precision.floats[node] = reason
        }
    }

    /// The signal to noise of a model's answers on the trial rows, in decibels.
    func decibels(_ model: QuantizedModel) throws(InferenceError) -> Double {
        var measure = ErrorMeasure()
        measure.add(answers, try model.predict(trial.floats, rows: trial.count), nil)
        return measure.signalToNoiseDB
    }

    static func encode(_ draft: QuantizationDraft) throws(InferenceError) -> [UInt8] {
        try InferenceError.wrapContainer { () throws(ContainerError) in
            try ModelContainer.encode(manifest: draft.manifest, tensors: draft.tensors)
        }
    }

    static func load(_ bytes: [UInt8]) throws(InferenceError) -> QuantizedModel {
        try QuantizedModel(
            InferenceError.wrapContainer { () throws(ContainerError) in try ModelContainer(parsing: bytes) }
        )
    }
}

extension FloatLayer {
    /// The reason of layers that stay float because somebody says so.
    static let asked = "asked for"
}

extension InferenceError {
    /// The node that has no integer operator, and why.
    fileprivate var nodeWithoutIntegers: (String, String)? {
        switch self {
        case .unsupported(let node, let reason): (node, reason)
        case .quantization(let node, let error): (node, "\(error)")
        case .overflow(let node, let output): (node, "the sum of output \(output) could overflow 32 bits")
        default: nil
        }
    }
}
