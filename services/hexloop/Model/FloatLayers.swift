import Inference
import ModelContainer
import ModelGraph

extension ConversionReport.FloatLayer {
    /// The layers of a quantized model that work on real numbers.
    static func all(of model: QuantizedModel) -> [ConversionReport.FloatLayer] {
        let steps = Set(model.plan.steps.map(\.node))
        return (model.manifest.graph?.nodes ?? []).filter { !steps.contains($0.name) }.compactMap { node in
            switch node.operation {
            case .softmax, .function:
                .init(layer: node.name, reason: "\(node.operation.kind) of the answer, which is made of real numbers")
            default: nil
            }
        }
    }
}
