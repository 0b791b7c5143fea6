import Foundation
import ModelGraph
import Testing

@testable import Training

@Suite("Evaluating answers")
struct EvaluationTests {
    @Test("the mean absolute error is the mean of the distances")
    func meanAbsoluteError() {
        #expect(Evaluation.meanAbsoluteError(outputs: [1, 2, 6], targets: [2, 2, 4]) == 1)
        #expect(Evaluation.meanAbsoluteError(outputs: [], targets: []) == nil)
        #expect(Evaluation.meanAbsoluteError(outputs: [1], targets: [1, 2]) == nil)
    }

    @Test("the root mean squared error weighs large distances more")
    func rootMeanSquaredError() {
        #expect(Evaluation.rootMeanSquaredError(outputs: [3, 0], targets: [0, 4]) == 12.5.squareRoot())
        #expect(Evaluation.rootMeanSquaredError(outputs: [], targets: []) == nil)
    }

    @Test("accuracy counts rows whose largest output is the class; of equal outputs the first counts")
    func accuracy() {
        #expect(Evaluation.accuracy(outputs: [0.1, 0.9, 0.5, 0.5], classes: 2, targets: [1, 1]) == 0.5)
        #expect(Evaluation.accuracy(outputs: [0.1], classes: 2, targets: [1]) == nil)
        #expect(Evaluation.accuracy(outputs: [], classes: 0, targets: []) == nil)
    }

    @Test("a graph that does not fit the rows is an error")
    func refusesWrongRows() {
        let graph = Graph(
            name: "g",
            inputs: [TensorInfo(name: "x", shape: [2])],
            outputs: ["x"],
            nodes: [],
            constants: [:]
        )
        let set = TrainingSet(inputs: [1, 2, 3], targets: [1], rows: 1, features: 3)
        #expect(throws: TrainingError.self) { try Evaluation.meanAbsoluteError(graph, set) }
    }

    @Test(
        "the latest rows are the last ones, and never more than there are",
        arguments: [(0, 0), (2, 2), (3, 3), (9, 3)]
    )
    func latestRows(asked: Int, given: Int) {
        let set = TrainingSet(inputs: [1, 2, 3, 4, 5, 6], targets: [10, 20, 30], rows: 3, features: 2)
        let latest = set.latest(asked)
        #expect(latest.rows == given)
        #expect(latest.inputs == Array(set.inputs.suffix(given * 2)))
        #expect(latest.targets == Array(set.targets.suffix(given)))
    }
}

@Suite("The numbers under a training")
struct NumbersTests {
    @Test("the generator gives the numbers of its definition")
    func splitMix() {
        var random = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ]
        )
    }

    @Test("its normal numbers have mean 0 and variance 1, its indices stay below their bound")
    func distributions() {
        var random = SplitMix64(seed: 1)
        let numbers = (0..<4000).map { _ in random.normal() }
        let mean = numbers.reduce(0, +) / 4000
        let variance = numbers.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 4000
        #expect(abs(mean) < 0.05)
        #expect(abs(variance - 1) < 0.1)
        let indices = Set((0..<200).map { _ in random.index(below: 5) })
        #expect(indices == [0, 1, 2, 3, 4])
        #expect(random.index(below: 1) == 0)
    }

    @Test("exponential and logarithm agree with those of the system")
    func exponentialAndLogarithm() {
        for step in 0...400 {
            let x = -Float(step) * 0.2
            let expected = Foundation.exp(Double(x))
            #expect(abs(Double(expNegative(x)) - expected) <= 3e-7 * expected)
        }
        #expect(expNegative(0) == 1)
        #expect(expNegative(-1000) == 0)
        #expect(expNegative(-.infinity) == 0)
        for x in [1e-6, 0.5, 1, 1.4142, 1.4143, 2, 3, 10, 12_345.678, 1e20] {
            #expect(abs(logPositive(x) - Foundation.log(x)) <= 1e-13 * max(1, abs(Foundation.log(x))))
        }
    }

    @Test("held-out rows are spread evenly, never the first, and in the share asked for")
    func split() {
        #expect(Split(rows: 10, validationShare: 0.2).validation == [4, 9])
        #expect(Split(rows: 4, validationShare: 0.5).validation == [1, 3])
        #expect(Split(rows: 100, validationShare: 0.25).validation.count == 25)
        #expect(Split(rows: 5, validationShare: 0).validation == [])
        #expect(Split(rows: 1, validationShare: 0.5).training == [0])
    }

    @Test("every gradient agrees with the difference of the loss", arguments: MLPSettings.Loss.allCases)
    func gradients(loss: MLPSettings.Loss) throws {
        let outputs = loss == .crossEntropy ? 3 : 2
        let targetWidth = loss == .crossEntropy ? 1 : 2
        let plan = try NetworkPlan(features: 3, outputs: outputs, targetWidth: targetWidth, hidden: [4, 3], batch: 5)
        var block = [Float](repeating: 0, count: plan.total)
        var random = SplitMix64(seed: 42)
        var worst: Float = 0
        let step: Float = 1e-3
        block.withUnsafeMutableBufferPointer { buffer in
            let network = Network(plan: plan, loss: loss, block: buffer.baseAddress!)
            network.initialize(&random)
            // With biases of 0 a row may sit exactly on the kink of ReLU, where the difference is half the gradient.
            for layer in plan.layers {
                for index in 0..<layer.outputs { network.block[layer.bias + index] = Float(random.normal()) }
            }
            for index in 0..<15 { network.block[plan.batchInputs + index] = Float(random.normal()) }
            for index in 0..<5 * targetWidth {
                network.block[plan.batchTargets + index] =
                    loss == .crossEntropy ? Float(index % 3) : Float(random.normal())
            }
            func meanLoss() -> Float {
                network.forward(rows: 5)
                return Float(network.lossSum(rows: 5) / 5)
            }
            _ = meanLoss()
            network.backward(rows: 5)
            let gradients = Array(buffer[plan.gradients..<plan.gradients + plan.parameterCount])
            for index in 0..<plan.parameterCount {
                let value = network.block[index]
                network.block[index] = value + step
                let above = meanLoss()
                network.block[index] = value - step
                let below = meanLoss()
                network.block[index] = value
                worst = max(worst, abs((above - below) / (2 * step) - gradients[index]))
            }
        }
        #expect(worst < 2e-3)
    }
}
