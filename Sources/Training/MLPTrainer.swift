/// Trains networks of fully connected layers with ReLU between them.
///
/// The same set, settings and processor type give the same graph, bit for bit, however many trainings run at once.
/// A training runs on the calling thread and blocks it: call it off the cooperative pool.
public enum MLPTrainer {
    /// Trains one network.
    ///
    /// Inputs and regression targets are standardized; the graph contains both steps, so it takes raw inputs and gives
    /// raw answers. Every 1 / `validationShare`-th row is held out; the weights of the epoch with the smallest loss on
    /// those rows are kept.
    ///
    /// - Parameters:
    ///   - set: The rows. A column that is constant has no influence; one row is enough.
    ///   - settings: How to train.
    ///   - progress: Called after each epoch on the calling thread; return false to stop with the best weights so far.
    /// - Returns: The network of the best epoch.
    /// - Throws: ``TrainingError`` naming the row and column, or the setting, that cannot be used, or
    ///   ``TrainingError/diverged(epoch:)``.
    public static func train(
        _ set: TrainingSet,
        settings: MLPSettings,
        progress: (EpochProgress) -> Bool = { _ in true }
    ) throws(TrainingError) -> TrainingResult {
        try settings.check()
        try set.check(settings)
        let classes = settings.loss == .crossEntropy ? settings.classes : nil
        let targetWidth = classes == nil ? set.targets.count / set.rows : 1
        let split = Split(rows: set.rows, validationShare: settings.validationShare)
        let data = PreparedSet(set, targetWidth: targetWidth, standardizesTargets: classes == nil, split: split)
        let plan = try NetworkPlan(
            features: set.features,
            outputs: classes ?? targetWidth,
            targetWidth: targetWidth,
            hidden: settings.hidden,
            batch: min(settings.batch, set.rows)
        )

        var block = [Float](repeating: 0, count: plan.total)
        var outcome = Outcome()
        try block.withUnsafeMutableBufferPointer { buffer throws(TrainingError) in
            guard let base = buffer.baseAddress else { throw .noRows }
            let network = Network(plan: plan, loss: settings.loss, block: base)
            outcome = try run(network, data, split, settings, progress)
        }
        let best = Array(block[plan.best..<plan.best + plan.parameterCount])
        return TrainingResult(
            graph: GraphWriter(plan: plan, data: data, isClassification: classes != nil).graph(best),
            epochsRun: outcome.epochsRun,
            bestEpoch: outcome.bestEpoch,
            ending: outcome.ending,
            trainingLoss: Float(outcome.trainingLoss),
            validationLoss: Float(outcome.validationLoss),
            trainingRows: split.training.count,
            validationRows: split.validation.count,
            inputMin: set.columns(reduce: min),
            inputMax: set.columns(reduce: max)
        )
    }

    private struct Outcome {
        var epochsRun = 0
        var bestEpoch = 0
        var ending = TrainingResult.Ending.epochs
        var trainingLoss = 0.0
        var validationLoss = Double.infinity
    }

    private static func run(
        _ network: Network,
        _ data: PreparedSet,
        _ split: Split,
        _ settings: MLPSettings,
        _ progress: (EpochProgress) -> Bool
    ) throws(TrainingError) -> Outcome {
        var random = SplitMix64(seed: settings.seed)
        network.initialize(&random)
        network.keepAsBest()
        var order = split.training
        var corrections = AdamCorrections()
        var outcome = Outcome()
        for epoch in 1...settings.epochs {
            shuffle(&order, &random)
            let trainingLoss = pass(network, data, order) {
                network.backward(rows: $0)
                corrections.advance()
                network.step(
                    rate: settings.learningRate * corrections.rateFactor,
                    epsilon: corrections.epsilon
                )
            }
            let validationLoss =
                split.validation.isEmpty ? trainingLoss : pass(network, data, split.validation) { _ in }
            guard trainingLoss.isFinite, validationLoss.isFinite else { throw .diverged(epoch: epoch) }

            let isBest = validationLoss < outcome.validationLoss
            if isBest {
                network.keepAsBest()
                outcome.bestEpoch = epoch
                outcome.trainingLoss = trainingLoss
                outcome.validationLoss = validationLoss
            }
            outcome.epochsRun = epoch
            let state = EpochProgress(
                epoch: epoch,
                epochs: settings.epochs,
                trainingLoss: Float(trainingLoss),
                validationLoss: Float(validationLoss),
                isBest: isBest
            )
            guard progress(state) else {
                outcome.ending = .caller
                break
            }
            if settings.patience > 0, epoch < settings.epochs, epoch - outcome.bestEpoch >= settings.patience {
                outcome.ending = .patience
                break
            }
        }
        return outcome
    }

    /// Runs all rows through the network in batches; `afterBatch` gets the number of rows of each.
    /// - Returns: The mean loss of a row.
    private static func pass(
        _ network: Network,
        _ data: PreparedSet,
        _ order: [Int],
        afterBatch: (Int) -> Void
    ) -> Double {
        var sum = 0.0
        var start = 0
        while start < order.count {
            let rows = min(network.plan.batch, order.count - start)
            data.gather(order[start..<start + rows], into: network)
            network.forward(rows: rows)
            sum += network.lossSum(rows: rows)
            afterBatch(rows)
            start += rows
        }
        return sum / Double(max(1, order.count))
    }

    /// Fisher and Yates, written out because the standard library may change the order of its own.
    private static func shuffle(_ order: inout [Int], _ random: inout SplitMix64) {
        var last = order.count - 1
        while last > 0 {
            order.swapAt(last, random.index(below: last + 1))
            last -= 1
        }
    }
}

/// The two bias corrections of Adam, folded into its step size and its epsilon.
private struct AdamCorrections {
    private var firstPower = 1.0
    private var secondPower = 1.0
    private(set) var rateFactor: Float = 1
    private(set) var epsilon: Float = 1e-8

    mutating func advance() {
        firstPower *= 0.9
        secondPower *= 0.999
        let second = (1 - secondPower).squareRoot()
        rateFactor = Float(second / (1 - firstPower))
        epsilon = Float(1e-8 * second)
    }
}

/// Which rows are trained on and which are held out.
struct Split: Sendable, Hashable {
    var training: [Int] = []
    var validation: [Int] = []

    /// Holds out rows evenly spread over the set, never the first.
    init(rows: Int, validationShare: Float) {
        let share = Double(validationShare)
        for row in 0..<rows {
            let isHeldOut = (Double(row + 1) * share).rounded(.down) > (Double(row) * share).rounded(.down)
            if isHeldOut { validation.append(row) } else { training.append(row) }
        }
    }
}

/// The rows as the network sees them.
struct PreparedSet: Sendable {
    let features: Int
    let targetWidth: Int
    let inputs: Standardization
    /// Nil for classification.
    let targets: Standardization?
    private let standardizedInputs: [Float]
    private let standardizedTargets: [Float]

    init(_ set: TrainingSet, targetWidth: Int, standardizesTargets: Bool, split: Split) {
        features = set.features
        self.targetWidth = targetWidth
        inputs = Standardization(set.inputs, width: set.features, rows: split.training)
        let (scale, offset) = (inputs.scale, inputs.offset)
        standardizedInputs = set.inputs.indices.map {
            set.inputs[$0] * scale[$0 % set.features] + offset[$0 % set.features]
        }
        if standardizesTargets {
            let targets = Standardization(set.targets, width: targetWidth, rows: split.training)
            let (mean, deviation) = (targets.mean, targets.targetDeviation)
            standardizedTargets = set.targets.indices.map {
                (set.targets[$0] - mean[$0 % targetWidth]) / deviation[$0 % targetWidth]
            }
            self.targets = targets
        } else {
            targets = nil
            standardizedTargets = set.targets
        }
    }

    /// Copies rows to the batch of the network.
    func gather(_ rows: ArraySlice<Int>, into network: Network) {
        standardizedInputs.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            var place = network.block + network.plan.batchInputs
            for row in rows {
                place.update(from: base + row * features, count: features)
                place += features
            }
        }
        standardizedTargets.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            var place = network.block + network.plan.batchTargets
            for row in rows {
                place.update(from: base + row * targetWidth, count: targetWidth)
                place += targetWidth
            }
        }
    }
}

extension TrainingSet {
    fileprivate func check(_ settings: MLPSettings) throws(TrainingError) {
        guard rows > 0, features > 0 else { throw .noRows }
        let (inputCount, overflow) = rows.multipliedReportingOverflow(by: features)
        guard !overflow, inputs.count == inputCount else {
            throw .count(what: "inputs", expected: "\(rows) rows of \(features)", actual: inputs.count)
        }
        guard targets.count >= rows, targets.count % rows == 0 else {
            throw .count(what: "targets", expected: "a multiple of \(rows) rows", actual: targets.count)
        }
        for (what, values) in [("input", inputs), ("target", targets)] {
            guard let index = values.firstIndex(where: { !$0.isFinite }) else { continue }
            let width = values.count / rows
            throw .notFinite(what: what, row: index / width, column: index % width, value: values[index])
        }
        guard settings.loss == .crossEntropy, let classes = settings.classes else { return }
        guard targets.count == rows else {
            throw .count(what: "targets", expected: "\(rows) class indices", actual: targets.count)
        }
        for (row, value) in targets.enumerated() {
            guard value >= 0, value < Float(classes), value == value.rounded() else {
                throw .unknownClass(row: row, value: value, classes: classes)
            }
        }
    }

    fileprivate func columns(reduce: (Float, Float) -> Float) -> [Float] {
        var result = Array(inputs.prefix(features))
        for index in inputs.indices { result[index % features] = reduce(result[index % features], inputs[index]) }
        return result
    }
}
