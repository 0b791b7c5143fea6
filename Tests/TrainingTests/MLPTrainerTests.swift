import Foundation
import ModelGraph
import Testing

@testable import Training

/// Numbers in -1...1 that are the same in every run.
private struct Numbers {
    private var random: SplitMix64
    init(seed: UInt64) { random = SplitMix64(seed: seed) }
    mutating func next() -> Float { Float(random.uniform() * 2 - 1) }
}

private func makeSet(rows: Int, features: Int, _ target: ([Float]) -> Float) -> TrainingSet {
    var numbers = Numbers(seed: 11)
    var inputs: [Float] = []
    var targets: [Float] = []
    for _ in 0..<rows {
        let row = (0..<features).map { _ in numbers.next() }
        inputs += row
        targets.append(target(row))
    }
    return TrainingSet(inputs: inputs, targets: targets, rows: rows, features: features)
}

private func refusal(_ set: TrainingSet, _ settings: MLPSettings = MLPSettings()) throws -> TrainingError {
    try #require(throws: TrainingError.self) { try MLPTrainer.train(set, settings: settings) }
}

@Suite("Training a network")
struct MLPTrainerTests {
    @Test("learns a linear function without a hidden layer, in the unit of the target")
    func learnsLinear() throws {
        let set = makeSet(rows: 200, features: 2) { 1000 + 50 * $0[0] - 30 * $0[1] }
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(hidden: [], loss: .mse, epochs: 60, batch: 16, learningRate: 0.02)
        )
        #expect(try Evaluation.meanAbsoluteError(result.graph, set) < 1)
    }

    @Test("learns a function that no linear model can")
    func learnsNonlinear() throws {
        let set = makeSet(rows: 300, features: 2) { $0[0] * $0[1] }
        func error(_ hidden: [Int]) throws -> Double {
            let result = try MLPTrainer.train(
                set,
                settings: MLPSettings(hidden: hidden, epochs: 60, batch: 32, learningRate: 0.01, patience: 0)
            )
            return try Evaluation.meanAbsoluteError(result.graph, set)
        }
        #expect(try error([]) > 0.2)
        #expect(try error([16, 8]) < 0.05)
    }

    @Test("learns to tell three clouds of points apart")
    func learnsBlobs() throws {
        var numbers = Numbers(seed: 3)
        let centers: [(Float, Float)] = [(0, 4), (4, -2), (-4, -2)]
        var set = TrainingSet(inputs: [], targets: [], rows: 150, features: 2)
        for row in 0..<set.rows {
            let center = centers[row % 3]
            set.inputs += [center.0 + numbers.next(), center.1 + numbers.next()]
            set.targets.append(Float(row % 3))
        }
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(
                hidden: [8],
                loss: .crossEntropy,
                epochs: 30,
                batch: 16,
                learningRate: 0.02,
                classes: 3
            )
        )
        #expect(try Evaluation.accuracy(result.graph, set) == 1)
        #expect(result.graph.outputs == ["probabilities"])
        let first = try Evaluation.predict(result.graph, set).prefix(3)
        #expect(abs(first.reduce(0, +) - 1) < 1e-5)
    }

    @Test("learns several targets at once, each in its own unit")
    func learnsSeveralTargets() throws {
        var set = makeSet(rows: 150, features: 1) { $0[0] }
        set.targets = set.targets.flatMap { [1000 * $0 + 5000, -$0] }
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(hidden: [], loss: .mse, epochs: 60, batch: 16, learningRate: 0.05)
        )
        let outputs = try Evaluation.predict(result.graph, set)
        for row in 0..<5 {
            #expect(abs(outputs[row * 2] - set.targets[row * 2]) < 20)
            #expect(abs(outputs[row * 2 + 1] - set.targets[row * 2 + 1]) < 0.02)
        }
    }

    @Test("the same seed gives the same bits, another seed does not")
    func isDeterministic() throws {
        let set = makeSet(rows: 100, features: 3) { $0[0] + $0[1] * $0[2] }
        func graph(_ seed: UInt64) throws -> Graph {
            try MLPTrainer.train(set, settings: MLPSettings(hidden: [8, 4], epochs: 3, seed: seed, batch: 16)).graph
        }
        let first = try graph(5)
        #expect(try graph(5) == first)
        #expect(try graph(6) != first)
    }

    @Test("two trainings on two threads at once give the bits that each gives alone")
    func isDeterministicInParallel() async throws {
        let set = makeSet(rows: 200, features: 10) { $0[0] + $0[1] * $0[2] }
        let settings = (1...2).map { MLPSettings(hidden: [32, 16], epochs: 5, seed: UInt64($0), batch: 64) }
        let alone = try settings.map { try MLPTrainer.train(set, settings: $0).graph }
        for _ in 0..<3 {
            let together = try await withThrowingTaskGroup(of: (Int, Graph).self) { group in
                for (index, settings) in settings.enumerated() {
                    group.addTask { (index, try MLPTrainer.train(set, settings: settings).graph) }
                }
                var graphs: [Int: Graph] = [:]
                for try await (index, graph) in group { graphs[index] = graph }
                return graphs
            }
            #expect(together == [0: alone[0], 1: alone[1]])
        }
    }

    @Test("stops when nothing improves and gives the weights of the best epoch")
    func stopsEarly() throws {
        // Targets without any relation to the inputs: the held-out loss soon rises.
        var numbers = Numbers(seed: 9)
        let set = makeSet(rows: 60, features: 4) { _ in numbers.next() }
        let settings = MLPSettings(
            hidden: [16],
            epochs: 300,
            batch: 8,
            learningRate: 0.02,
            patience: 4,
            validationShare: 0.3
        )
        var losses: [Float] = []
        let result = try MLPTrainer.train(set, settings: settings) {
            losses.append($0.validationLoss)
            return true
        }
        #expect(result.ending == .patience)
        #expect(result.epochsRun == result.bestEpoch + 4)
        #expect(result.epochsRun < 300)
        #expect(result.validationLoss == losses.min())
        #expect(losses[result.bestEpoch - 1] == losses.min())

        var shorter = settings
        shorter.epochs = result.bestEpoch
        #expect(try MLPTrainer.train(set, settings: shorter).graph == result.graph)
    }

    @Test("never stops early without patience")
    func runsAllEpochs() throws {
        let set = makeSet(rows: 20, features: 1) { _ in 1 }
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [2], epochs: 15, patience: 0))
        #expect(result.epochsRun == 15)
        #expect(result.ending == .epochs)
    }

    @Test("stops after the epoch in which the caller says so, with a usable network")
    func stopsOnRequest() throws {
        let set = makeSet(rows: 30, features: 2) { $0[0] }
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [4])) { $0.epoch < 3 }
        #expect(result.epochsRun == 3)
        #expect(result.ending == .caller)
        #expect(try Evaluation.predict(result.graph, set).allSatisfy { $0.isFinite })
    }

    @Test("tells every epoch with its losses")
    func tellsProgress() throws {
        let set = makeSet(rows: 30, features: 2) { $0[0] }
        var seen: [EpochProgress] = []
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [4], epochs: 4, patience: 0)) {
            seen.append($0)
            return true
        }
        #expect(seen.map(\.epoch) == [1, 2, 3, 4])
        #expect(seen.allSatisfy { $0.epochs == 4 && $0.trainingLoss.isFinite && $0.validationLoss.isFinite })
        #expect(seen.last { $0.isBest }?.epoch == result.bestEpoch)
        #expect(seen.last { $0.isBest }?.validationLoss == result.validationLoss)
    }

    @Test("the graph computes what the trainer computed: same loss on the held-out rows")
    func graphAgrees() throws {
        let set = makeSet(rows: 100, features: 3) { 300 + 40 * $0[0] * $0[1] }
        let settings = MLPSettings(hidden: [8], loss: .mse, epochs: 10, batch: 16, validationShare: 0.2)
        let result = try MLPTrainer.train(set, settings: settings)
        let split = Split(rows: 100, validationShare: 0.2)
        #expect(result.trainingRows == 80)
        #expect(result.validationRows == 20)
        let outputs = try FloatInterpreter(result.graph).run(set.inputs, rows: 100)
        let targets = Standardization(set.targets, width: 1, rows: split.training)
        let deviation = targets.targetDeviation[0]
        let loss = split.validation.map { row in
            let distance = (outputs[row] - set.targets[row]) / deviation
            return distance * distance
        }
        let mean = loss.reduce(0, +) / 20
        #expect(abs(mean - result.validationLoss) < 1e-3 * result.validationLoss)
    }

    @Test("the graph of a classifier computes what the trainer computed")
    func classifierGraphAgrees() throws {
        let set = makeSet(rows: 60, features: 2) { $0[0] > 0 ? ($0[1] > 0 ? 2 : 1) : 0 }
        let settings = MLPSettings(hidden: [6], loss: .crossEntropy, epochs: 10, batch: 16, classes: 3)
        let result = try MLPTrainer.train(set, settings: settings)
        let outputs = try FloatInterpreter(result.graph).run(set.inputs, rows: 60)
        let losses = Split(rows: 60, validationShare: 0.1).validation.map { row in
            -Foundation.log(Double(outputs[row * 3 + Int(set.targets[row])]))
        }
        let mean = losses.reduce(0, +) / Double(losses.count)
        #expect(abs(mean - Double(result.validationLoss)) < 1e-4 * mean)
    }

    @Test("the graph is valid, standardizes first and names its ends")
    func graphIsValid() throws {
        let set = makeSet(rows: 20, features: 3) { $0[0] }
        let graph = try MLPTrainer.train(set, settings: MLPSettings(hidden: [4, 2], epochs: 1)).graph
        try graph.validate()
        #expect(graph.nodes.map(\.name) == ["standardize", "dense1", "dense2", "output"])
        #expect(graph.inputs == [TensorInfo(name: "features", shape: [3])])
        #expect(graph.outputs == ["prediction"])
        #expect(try graph.shape(of: "prediction") == [1])
        guard case .affine = graph.nodes[0].operation else {
            Issue.record("the first node does not standardize")
            return
        }
    }

    @Test("a constant feature gives no NaN and has no influence, whatever it becomes later")
    func acceptsConstantFeature() throws {
        var set = makeSet(rows: 60, features: 2) { $0[0] }
        for row in 0..<60 { set.inputs[row * 2 + 1] = 1e6 }
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [4], epochs: 5))
        let interpreter = try FloatInterpreter(result.graph)
        let usual = try interpreter.run([0.5, 1e6], rows: 1)
        #expect(usual.allSatisfy { $0.isFinite })
        #expect(try interpreter.run([0.5, -3], rows: 1) == usual)
    }

    @Test("a constant target is learned")
    func acceptsConstantTarget() throws {
        let set = makeSet(rows: 60, features: 2) { _ in 7 }
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(hidden: [4], epochs: 60, batch: 8, learningRate: 0.01)
        )
        #expect(try Evaluation.meanAbsoluteError(result.graph, set) < 0.2)
    }

    @Test("one row is enough", arguments: [MLPSettings.Loss.huber, .mse, .crossEntropy])
    func acceptsOneRow(loss: MLPSettings.Loss) throws {
        let set = TrainingSet(inputs: [3, 4], targets: [1], rows: 1, features: 2)
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(
                hidden: [3],
                loss: loss,
                epochs: 3,
                validationShare: 0.5,
                classes: loss == .crossEntropy ? 2 : nil
            )
        )
        #expect(result.trainingRows == 1)
        #expect(result.validationRows == 0)
        #expect(try Evaluation.predict(result.graph, set).allSatisfy { $0.isFinite })
    }

    @Test("a batch larger than the set and a last batch of one row both work", arguments: [1000, 7, 1])
    func acceptsAnyBatch(batch: Int) throws {
        let set = makeSet(rows: 15, features: 2) { $0[0] }
        let result = try MLPTrainer.train(
            set,
            settings: MLPSettings(hidden: [3], epochs: 2, batch: batch, validationShare: 0)
        )
        #expect(result.trainingLoss.isFinite)
        #expect(result.validationLoss == result.trainingLoss)
    }

    @Test("tells what the inputs covered")
    func tellsRanges() throws {
        let set = TrainingSet(inputs: [1, -5, 3, 8, 2, 0], targets: [1, 2, 3], rows: 3, features: 2)
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [2], epochs: 1))
        #expect(result.inputMin == [1, -5])
        #expect(result.inputMax == [3, 8])
    }

    @Test("huge and tiny inputs give no NaN", arguments: [Float(1e30), 1e-30])
    func acceptsExtremeUnits(unit: Float) throws {
        var set = makeSet(rows: 40, features: 2) { $0[0] }
        set.inputs = set.inputs.map { $0 * unit }
        let result = try MLPTrainer.train(set, settings: MLPSettings(hidden: [4], epochs: 2))
        #expect(try Evaluation.predict(result.graph, set).allSatisfy { $0.isFinite })
    }
}

@Suite("Refusing data and settings of a training")
struct TrainingRefusalTests {
    @Test("a NaN is named by row and column", arguments: [Float.nan, .infinity, -.infinity])
    func namesNaN(value: Float) throws {
        var set = makeSet(rows: 5, features: 3) { $0[0] }
        set.inputs[7] = value
        let error = try refusal(set)
        #expect(error.description == "input, row 2, column 1: \(value) is no finite number")
        set.inputs[7] = 0
        set.targets[4] = value
        #expect(try refusal(set).description == "target, row 4, column 0: \(value) is no finite number")
    }

    @Test("an empty set and counts that contradict each other are refused")
    func refusesCounts() throws {
        #expect(try refusal(TrainingSet(inputs: [], targets: [], rows: 0, features: 3)) == .noRows)
        #expect(try refusal(TrainingSet(inputs: [1], targets: [1], rows: 1, features: 0)) == .noRows)
        #expect(try refusal(TrainingSet(inputs: [1], targets: [1], rows: -1, features: 1)) == .noRows)
        for (inputs, targets) in [(3, 2), (4, 1), (4, 3), (4, 0)] {
            let set = TrainingSet(
                inputs: Array(repeating: 0, count: inputs),
                targets: Array(repeating: 0, count: targets),
                rows: 2,
                features: 2
            )
            guard case .count = try refusal(set) else {
                Issue.record("\(inputs) inputs and \(targets) targets were accepted")
                continue
            }
        }
        let overflow = TrainingSet(inputs: [1], targets: [1], rows: .max, features: 2)
        guard case .count = try refusal(overflow) else {
            Issue.record("an overflow was accepted")
            return
        }
    }

    @Test("a target that is no class is named", arguments: [Float(3), -1, 0.5])
    func namesUnknownClass(value: Float) throws {
        let set = TrainingSet(inputs: [1, 2], targets: [0, value], rows: 2, features: 1)
        #expect(
            try refusal(set, MLPSettings(loss: .crossEntropy, classes: 3))
                == .unknownClass(row: 1, value: value, classes: 3)
        )
    }

    @Test("every setting out of range is named")
    func refusesSettings() throws {
        let set = makeSet(rows: 5, features: 1) { $0[0] }
        let cases: [(String, MLPSettings)] = [
            ("hidden", MLPSettings(hidden: [0])), ("hidden", MLPSettings(hidden: [-1])),
            ("hidden", MLPSettings(hidden: Array(repeating: 1, count: 17))),
            ("hidden", MLPSettings(hidden: [65_536, 65_536])), ("epochs", MLPSettings(epochs: 0)),
            ("batch", MLPSettings(batch: 0)), ("learningRate", MLPSettings(learningRate: 0)),
            ("learningRate", MLPSettings(learningRate: .nan)), ("patience", MLPSettings(patience: -1)),
            ("validationShare", MLPSettings(validationShare: 0.6)),
            ("validationShare", MLPSettings(validationShare: .nan)),
            ("classes", MLPSettings(loss: .crossEntropy)), ("classes", MLPSettings(loss: .crossEntropy, classes: 1)),
            ("classes", MLPSettings(loss: .mse, classes: 3)),
        ]
        for (name, settings) in cases {
            guard case .setting(name, _, _) = try refusal(set, settings) else {
                Issue.record("\(name) was not named")
                continue
            }
        }
    }

    @Test("a training whose loss is no number any more says so instead of giving a network")
    func reportsDivergence() throws {
        let set = makeSet(rows: 20, features: 2) { 1e3 * $0[0] }
        let settings = MLPSettings(
            hidden: Array(repeating: 64, count: 12),
            loss: .mse,
            epochs: 50,
            batch: 4,
            learningRate: 10,
            patience: 0
        )
        guard case .diverged(let epoch) = try refusal(set, settings) else {
            Issue.record("no divergence")
            return
        }
        #expect(epoch >= 1)
    }
}
