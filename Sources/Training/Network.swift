/// One network at work on the block of a ``NetworkPlan``: forward, loss, backward, optimizer step.
///
/// It borrows the block: the pointer is valid inside the closure that made it and goes nowhere else.
struct Network {
    let plan: NetworkPlan
    let loss: MLPSettings.Loss
    let block: UnsafeMutablePointer<Float>

    /// Weights from a normal distribution of variance 2 / inputs (He), biases 0.
    func initialize(_ random: inout SplitMix64) {
        for layer in plan.layers {
            let deviation = ((layer.isLast ? 1.0 : 2.0) / Double(layer.inputs)).squareRoot()
            for index in 0..<layer.inputs * layer.outputs {
                block[layer.weights + index] = Float(random.normal() * deviation)
            }
            for index in 0..<layer.outputs { block[layer.bias + index] = 0 }
        }
    }

    /// Computes the outputs of the first `rows` rows of the batch.
    func forward(rows: Int) {
        var input = UnsafePointer(block + plan.batchInputs)
        for layer in plan.layers {
            let output = block + layer.activations
            let bias = block + layer.bias
            for row in 0..<rows { (output + row * layer.outputs).update(from: bias, count: layer.outputs) }
            MatrixProduct.timesTransposed(
                input,
                block + layer.weights,
                into: output,
                m: rows,
                n: layer.outputs,
                k: layer.inputs,
                beta: 1
            )
            if !layer.isLast { clampNegative(output, count: rows * layer.outputs) }
            input = UnsafePointer(output)
        }
    }

    /// The sum of the losses of the rows; writes the gradient of their mean by the outputs.
    func lossSum(rows: Int) -> Double {
        guard let last = plan.layers.last else { return 0 }
        let output = block + last.activations
        let delta = block + last.deltas
        let target = block + plan.batchTargets
        return switch loss {
        case .huber: huber(output, target, delta, rows: rows, width: last.outputs)
        case .mse: squared(output, target, delta, rows: rows, width: last.outputs)
        case .crossEntropy: crossEntropy(output, target, delta, rows: rows, classes: last.outputs)
        }
    }

    /// Computes the gradients of all weights and biases from the gradient by the outputs.
    func backward(rows: Int) {
        for index in plan.layers.indices.reversed() {
            let layer = plan.layers[index]
            let delta = block + layer.deltas
            let input = block + (index == 0 ? plan.batchInputs : plan.layers[index - 1].activations)
            MatrixProduct.transposedTimes(
                delta,
                input,
                into: block + plan.gradients + layer.weights,
                m: layer.outputs,
                n: layer.inputs,
                k: rows
            )
            sumColumns(delta, rows: rows, width: layer.outputs, into: block + plan.gradients + layer.bias)
            guard index > 0 else { continue }
            let before = block + plan.layers[index - 1].deltas
            MatrixProduct.times(
                delta,
                block + layer.weights,
                into: before,
                m: rows,
                n: layer.inputs,
                k: layer.outputs
            )
            keepWherePositive(before, input, count: rows * layer.inputs)
        }
    }

    /// One step of Adam (Kingma and Ba, 2014) with its usual constants.
    ///
    /// - Parameters:
    ///   - rate: Step size with both bias corrections in it.
    ///   - epsilon: Least denominator, with the second correction in it.
    func step(rate: Float, epsilon: Float) {
        let parameters = block + plan.parameters
        let gradients = block + plan.gradients
        let first = block + plan.firstMoments
        let second = block + plan.secondMoments
        for index in 0..<plan.parameterCount {
            let gradient = gradients[index]
            let mean = 0.9 * first[index] + 0.1 * gradient
            let square = 0.999 * second[index] + 0.001 * gradient * gradient
            first[index] = mean
            second[index] = square
            parameters[index] -= rate * mean / (square.squareRoot() + epsilon)
        }
    }

    func keepAsBest() { (block + plan.best).update(from: block + plan.parameters, count: plan.parameterCount) }

    private func clampNegative(_ values: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { values[index] = values[index] < 0 ? 0 : values[index] }
    }

    private func keepWherePositive(
        _ values: UnsafeMutablePointer<Float>,
        _ gate: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        // Loading before the choice leaves no branch: a branch on ReLU is mispredicted half of the time.
        for index in 0..<count {
            let value = values[index]
            values[index] = gate[index] > 0 ? value : 0
        }
    }

    private func sumColumns(
        _ values: UnsafeMutablePointer<Float>,
        rows: Int,
        width: Int,
        into sums: UnsafeMutablePointer<Float>
    ) {
        sums.update(from: values, count: width)
        for row in 1..<max(1, rows) {
            let line = values + row * width
            for column in 0..<width { sums[column] += line[column] }
        }
    }

    private func huber(
        _ output: UnsafeMutablePointer<Float>,
        _ target: UnsafeMutablePointer<Float>,
        _ delta: UnsafeMutablePointer<Float>,
        rows: Int,
        width: Int
    ) -> Double {
        let share = 1 / Float(rows * width)
        var sum: Float = 0
        for index in 0..<rows * width {
            let distance = output[index] - target[index]
            let size = distance.magnitude
            sum += size <= 1 ? 0.5 * distance * distance : size - 0.5
            delta[index] = (size <= 1 ? distance : distance < 0 ? -1 : 1) * share
        }
        return Double(sum) / Double(width)
    }

    private func squared(
        _ output: UnsafeMutablePointer<Float>,
        _ target: UnsafeMutablePointer<Float>,
        _ delta: UnsafeMutablePointer<Float>,
        rows: Int,
        width: Int
    ) -> Double {
        let share = 2 / Float(rows * width)
        var sum: Float = 0
        for index in 0..<rows * width {
            let distance = output[index] - target[index]
            sum += distance * distance
            delta[index] = distance * share
        }
        return Double(sum) / Double(width)
    }

    private func crossEntropy(
        _ output: UnsafeMutablePointer<Float>,
        _ target: UnsafeMutablePointer<Float>,
        _ delta: UnsafeMutablePointer<Float>,
        rows: Int,
        classes: Int
    ) -> Double {
        let share = 1 / Float(rows)
        var loss = 0.0
        for row in 0..<rows {
            let logits = output + row * classes
            let gradient = delta + row * classes
            var largest = logits[0]
            for index in 1..<classes { largest = max(largest, logits[index]) }
            var sum: Float = 0
            for index in 0..<classes {
                let power = expNegative(logits[index] - largest)
                gradient[index] = power
                sum += power
            }
            let expected = Int(target[row])
            loss += logPositive(Double(sum)) + Double(largest) - Double(logits[expected])
            for index in 0..<classes { gradient[index] *= share / sum }
            gradient[expected] -= share
        }
        return loss
    }
}
