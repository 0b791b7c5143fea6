import ModelContainer
import ModelGraph
import Quantization

/// The float model that a quantized one was made of, with its values by the names of the quantized one.
struct FloatTwin {
    let interpreter: FloatInterpreter
    private let folds: [String: ValueRoles.Fold]
    private let infos: [String: TensorInfo]
    private let narrowings: [String: String]

    /// - Parameters:
    ///   - container: The quantized model.
    ///   - model: The same, planned.
    /// - Throws: ``InferenceError/wrongKind(expected:actual:)``; ``InferenceError/invalid(field:reason:)`` naming a value
    ///   when the one was not made of the other.
    init(_ float: ModelContainer, of container: ModelContainer, _ model: QuantizedModel) throws(InferenceError) {
        guard float.manifest.kind == .floatModel else {
            throw .wrongKind(expected: .floatModel, actual: float.manifest.kind)
        }
        let original = try InferenceError.wrapContainer { () throws(ContainerError) in try float.graph }
        let fixed = FloatTwin.bytes(of: model)
        let asked = Set(model.manifest.floatLayers.filter { $0.reason == FloatLayer.asked }.map(\.node))
        let rewritten = try GraphRewriter(original, keeping: asked, fixed: fixed).graph
        let graph = try Equalization(of: container, rewritten).graph
        let infos = try InferenceError.wrapGraph { () throws(GraphError) in try graph.values() }
        let floatNodes = Set(model.manifest.floatLayers.map(\.node))
        folds = try ValueRoles(graph, infos, floatNodes: floatNodes, fixed: Set(fixed.values.keys)).folds
        interpreter = try InferenceError.wrapGraph { () throws(GraphError) in try FloatInterpreter(graph) }
        self.infos = infos
        narrowings = model.plan.originals
        for value in model.plan.comparedValues.map({ model.plan.values[$0.value] }) {
            guard infos[narrowed(value.name)].map({ $0.shape.reduce(1, *) }) == value.count else {
                throw .invalid(field: "value '\(value.name)'", reason: "the float model has none like it")
            }
        }
        guard interpreter.outputCount == model.outputCount else {
            throw .invalid(field: "output", reason: "the float model gives another number of values")
        }
    }

    /// The float value that a value of the quantized model stands for.
    func name(of value: String) -> String {
        let value = narrowed(value)
        return folds[value]?.value ?? value
    }

    /// What is only there in 16 bits becomes a value of the float model when it is narrowed.
    private func narrowed(_ value: String) -> String { infos[value] == nil ? narrowings[value] ?? value : value }

    /// The values that stand as bytes, as if each encoding had been given: so the float model is taken apart in the same way.
    ///
    /// An input is among them only where the standardization behind it was not folded away.
    private static func bytes(of model: QuantizedModel) -> FixedEncodings {
        let nodes = model.manifest.graph?.nodes ?? []
        var names = Set(nodes.map(\.output))
        for node in nodes {
            switch node.operation {
            case .affine, .arithmetic: names.formUnion(node.inputs)
            default: break
            }
        }
        return FixedEncodings(values: model.manifest.encodings.filter { names.contains($0.key) })
    }
}
