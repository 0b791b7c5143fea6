/// Where everything of one training lies in one block of floats, so that the step loop allocates nothing.
struct NetworkPlan {
    struct Layer {
        let inputs: Int
        let outputs: Int
        /// Offset of the weights, `[outputs, inputs]`, in the parameters.
        let weights: Int
        /// Offset of the bias, `[outputs]`, in the parameters.
        let bias: Int
        /// Offset in the block of the outputs of the layer, `[batch, outputs]`.
        let activations: Int
        /// Offset in the block of the gradient by the outputs, `[batch, outputs]`.
        let deltas: Int
        let isLast: Bool
    }

    let layers: [Layer]
    let batch: Int
    let features: Int
    let targetWidth: Int
    let parameterCount: Int
    let parameters: Int
    let gradients: Int
    let firstMoments: Int
    let secondMoments: Int
    let best: Int
    /// Inputs of the current batch, `[batch, features]`.
    let batchInputs: Int
    /// Targets of the current batch, `[batch, targetWidth]`.
    let batchTargets: Int
    /// Floats in the block.
    let total: Int

    init(features: Int, outputs: Int, targetWidth: Int, hidden: [Int], batch: Int) throws(TrainingError) {
        let widths = [features] + hidden + [outputs]
        var count = 0
        for (inputs, outputs) in zip(widths, widths.dropFirst()) {
            let (weights, overflow) = inputs.multipliedReportingOverflow(by: outputs)
            count = overflow || weights > MLPSettings.parametersMax ? .max : count + weights + outputs
            guard count <= MLPSettings.parametersMax else {
                throw .setting(
                    name: "hidden",
                    value: "\(hidden) for \(features) features and \(outputs) outputs",
                    allowed: "up to \(MLPSettings.parametersMax) weights and biases"
                )
            }
        }
        parameterCount = count
        parameters = 0
        gradients = count
        firstMoments = 2 * count
        secondMoments = 3 * count
        best = 4 * count
        var next = 5 * count
        batchInputs = next
        next += batch * features
        batchTargets = next
        next += batch * targetWidth
        var offset = 0
        var layers: [Layer] = []
        for (index, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
            layers.append(
                Layer(
                    inputs: inputs,
                    outputs: outputs,
                    weights: offset,
                    bias: offset + inputs * outputs,
                    activations: next,
                    deltas: next + batch * outputs,
                    isLast: index == hidden.count
                )
            )
            offset += (inputs + 1) * outputs
            next += 2 * batch * outputs
        }
        self.layers = layers
        self.batch = batch
        self.features = features
        self.targetWidth = targetWidth
        total = next
    }
}
