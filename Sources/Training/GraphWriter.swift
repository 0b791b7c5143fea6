internal import ModelGraph

/// Writes trained weights as a graph that takes raw inputs and gives raw answers.
struct GraphWriter {
    let plan: NetworkPlan
    let data: PreparedSet
    let isClassification: Bool

    /// - Parameter parameters: All weights and biases in the order of the plan.
    func graph(_ parameters: [Float]) -> Graph {
        var constants = [
            "standardize.scale": Tensor(shape: [plan.features], floats: data.inputs.scale),
            "standardize.offset": Tensor(shape: [plan.features], floats: data.inputs.offset),
        ]
        var nodes = [
            Node(
                name: "standardize",
                operation: .affine(scale: "standardize.scale", offset: "standardize.offset"),
                input: "features",
                output: "standardized"
            )
        ]
        var value = "standardized"
        for (index, layer) in plan.layers.enumerated() {
            let name = layer.isLast ? "output" : "dense\(index + 1)"
            var weights = Array(parameters[layer.weights..<layer.bias])
            var bias = Array(parameters[layer.bias..<layer.bias + layer.outputs])
            if layer.isLast { destandardize(&weights, &bias, inputs: layer.inputs) }
            constants["\(name).weights"] = Tensor(shape: [layer.outputs, layer.inputs], floats: weights)
            constants["\(name).bias"] = Tensor(shape: [layer.outputs], floats: bias)
            let output = !layer.isLast ? "\(name).out" : isClassification ? "logits" : "prediction"
            nodes.append(
                Node(
                    name: name,
                    operation: .fullyConnected(
                        weights: "\(name).weights",
                        bias: "\(name).bias",
                        activation: layer.isLast ? .none : .relu
                    ),
                    input: value,
                    output: output
                )
            )
            value = output
        }
        if isClassification {
            nodes.append(Node(name: "softmax", operation: .softmax, input: value, output: "probabilities"))
            value = "probabilities"
        }
        return Graph(
            name: "mlp",
            inputs: [TensorInfo(name: "features", shape: [plan.features])],
            outputs: [value],
            nodes: nodes,
            constants: constants
        )
    }

    /// Folds `y = standardized * deviation + mean` into the last layer.
    private func destandardize(_ weights: inout [Float], _ bias: inout [Float], inputs: Int) {
        guard let targets = data.targets else { return }
        let deviation = targets.targetDeviation
        for index in weights.indices { weights[index] *= deviation[index / inputs] }
        for index in bias.indices { bias[index] = bias[index] * deviation[index] + targets.mean[index] }
    }
}
