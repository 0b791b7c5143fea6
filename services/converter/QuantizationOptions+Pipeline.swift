import Inference
import Pipelines
import Quantization

extension QuantizationOptions {
    /// Rows whose answers go into the container, for nodes to check before they serve, when the pipeline is unknown.
    private static let goldenRowsDefault = 16

    /// What a pipeline asks for, or the defaults when it is not known.
    init(_ pipeline: Pipeline?) {
        self.init(goldenRows: max(pipeline?.gates.goldenAnswers ?? Self.goldenRowsDefault, 1))
        guard let settings = pipeline?.quantize else { return }
        width = settings.activations == .int16 ? .halfwords : .bytes
        ranges =
            switch settings.observer {
            case .minMax: .minMax
            case .percentile: .percentile(settings.percentile)
            case .mse: .meanSquaredError
            case .entropy: .entropy
            }
        allowsFloat = settings.floatLayers == .allow
        // The pipeline file was checked, and has the same two forms.
        lossBudget = settings.mixedPrecision.flatMap { LossBudget($0) }
        equalizes = settings.equalizes
        correctsBias = settings.correctsBias
        roundingIterations = settings.adaround
    }
}
