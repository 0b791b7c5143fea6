import ModelGraph

/// A graph that the int8 engine runs: an optional `affine`, fully-connected layers, an optional `softmax`.
struct LayerChain {
    struct Layer {
        let node: Node
        let weights: String
        let bias: String
        let activation: Activation
    }

    /// The leading standardization.
    var affine: (scale: String, offset: String)?
    /// At least one.
    var layers: [Layer] = []
    var hasSoftmax = false
    let inputName: String
    let inputCount: Int

    /// - Parameter graph: A validated graph.
    init(_ graph: Graph) throws(InferenceError) {
        guard graph.inputs.count == 1, graph.outputs.count == 1 else {
            throw .invalid(field: "graph", reason: "exactly one input and one output are needed")
        }
        inputName = graph.inputs[0].name
        inputCount = graph.inputs[0].shape.reduce(1, *)
        var value = inputName
        for node in graph.nodes {
            guard node.inputs == [value], !hasSoftmax else {
                throw .unsupported(node: node.name, reason: "the nodes must form one chain that ends with softmax")
            }
            value = node.output
            switch node.operation {
            case .affine(let scale, let offset):
                guard affine == nil, layers.isEmpty, graph.inputs[0].shape.count == 1 else {
                    throw .unsupported(node: node.name, reason: "affine is supported only on a flat input")
                }
                affine = (scale, offset)
            case .fullyConnected(let weights, let bias, let activation):
                layers.append(Layer(node: node, weights: weights, bias: bias, activation: activation))
            case .softmax:
                guard !layers.isEmpty else {
                    throw .unsupported(node: node.name, reason: "softmax needs a fully-connected layer before it")
                }
                hasSoftmax = true
            default:
                throw .unsupported(node: node.name, reason: "the int8 engine has no \(node.operation.kind)")
            }
        }
        guard !layers.isEmpty else { throw .invalid(field: "graph", reason: "it has no fully-connected layer") }
        guard graph.outputs[0] == value else {
            throw .invalid(field: "graph.outputs", reason: "'\(graph.outputs[0])' is not what the last node gives")
        }
    }
}
