import Inference
import ModelContainer
import ModelGraph

extension ConversionReport.FloatLayer {
    /// The layers of a quantized model that work on real numbers.
    static func all(of model: QuantizedModel) -> [ConversionReport.FloatLayer] {
        let kept = model.manifest.floatLayers.map { ConversionReport.FloatLayer(layer: $0.node, reason: $0.reason) }
        let steps = Set(model.plan.steps.map(\.node))
        return kept
            + (model.manifest.graph?.nodes ?? []).filter { !steps.contains($0.name) }.compactMap { node in
                switch node.operation {
                case .softmax, .function:
                    .init(
                        layer: node.name,
                        reason: "\(node.operation.kind) of the answer, which is made of real numbers"
                    )
                default: nil
                }
            }
    }
}
