import Dispatch
import FoundationEssentials
import Inference
import ModelContainer
import ModelGraph
import Pipelines
import Training

/// What the same recipe gives when it is trained anew every day on everything known by then.
struct DailyRetraining: Sendable {
    /// The time that the comparison may take, from which the default of days between trainings follows.
    static let budget: Duration = .seconds(50)
    private static let threadsMax = 2

    /// A day's answers of the model trained that day.
    struct Answer: Sendable {
        let quantized: Float
        let float: Float
    }

    let plan: DemoPlan
    let rows: TrainingSet
    let threads: Int

    init(_ plan: DemoPlan) throws {
        self.plan = plan
        threads = min(Self.threadsMax, max(1, ProcessInfo.processInfo.activeProcessorCount))
        let known = plan.history.lowerBound..<plan.labelled.upperBound
        let inputs = try known.map { try plan.features($0) }
        rows = TrainingSet(
            inputs: inputs.flatMap(\.self),
            targets: known.map { Float(plan.feed.series.prices[$0 + 1]) },
            rows: known.count,
            features: plan.pipeline.featureCount
        )
    }

    /// The fewest days between trainings that fit into ``budget``, measured by one training of middling size.
    func affordableStep() async throws -> Int {
        let clock = ContinuousClock()
        let began = clock.now
        _ = try await train(day: plan.labelled.lowerBound + plan.labelled.count / 2, next: 1)
        let each = (clock.now - began).seconds
        // Two at once are not twice as fast: they share the memory and the rest of the machine.
        let total = each * Double(plan.labelled.count) / (Double(threads) * 0.85)
        return max(1, Int((total / Self.budget.seconds).rounded(.up)))
    }

    /// Trains every `step` days; answers by day.
    func run(step: Int, done: @escaping @Sendable () -> Void) async throws -> [Int: Answer] {
        let starts = Array(stride(from: plan.labelled.lowerBound, to: plan.labelled.upperBound, by: step))
        return try await withThrowingTaskGroup(of: [Int: Answer].self) { group in
            for thread in 0..<threads {
                group.addTask {
                    var answers: [Int: Answer] = [:]
                    for index in stride(from: thread, to: starts.count, by: threads) {
                        try Task.checkCancellation()
                        answers.merge(try await train(day: starts[index], next: step)) { _, new in new }
                        done()
                    }
                    return answers
                }
            }
            return try await group.reduce(into: [:]) { $0.merge($1) { _, new in new } }
        }
    }

    /// Trains on what is known on `day` and answers the `next` days, off the cooperative pool.
    private func train(day: Int, next: Int) async throws -> [Int: Answer] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try trainNow(day: day, next: next) })
            }
        }
    }

    private func trainNow(day: Int, next: Int) throws -> [Int: Answer] {
        // The price of `day` is the label of the day before, which is the newest row with a label.
        let count = day - plan.history.lowerBound
        let width = rows.features
        let set = TrainingSet(
            inputs: Array(rows.inputs.prefix(count * width)),
            targets: Array(rows.targets.prefix(count)),
            rows: count,
            features: width
        )
        let result = try MLPTrainer.train(set, settings: settings)
        let float = try ModelContainer(
            parsing: try ModelContainer.floatModel(
                graph: result.graph,
                features: [],
                task: .regression,
                lineage: nil
            )
        )
        let chosen = Self.calibrationRows(set, max: plan.pipeline.quantize.calibrationRows)
        let calibration = chosen.flatMap { set.inputs[$0 * width..<($0 + 1) * width] }
        let quantized = try QuantizedModel(
            ModelContainer(
                parsing: try Quantizer.quantize(
                    model: float,
                    calibration: calibration,
                    rows: chosen.count
                ).container
            )
        )
        let days = day..<min(day + next, plan.labelled.upperBound)
        let inputs = try days.flatMap { try plan.features($0) }
        let bytes = try quantized.predict(inputs, rows: days.count)
        let reals = try FloatInterpreter(result.graph).run(inputs, rows: days.count)
        return Dictionary(
            uniqueKeysWithValues: days.enumerated().map { index, day in
                (day, Answer(quantized: bytes[index], float: reals[index]))
            }
        )
    }

    private var settings: MLPSettings {
        let train = plan.pipeline.train
        return MLPSettings(
            hidden: train.hidden,
            loss: train.loss == .mse ? .mse : .huber,
            epochs: train.epochs,
            seed: train.seed,
            batch: train.batch,
            learningRate: Float(train.learningRate),
            patience: train.patience,
            validationShare: Float(train.holdoutShare)
        )
    }

    /// Rows evenly spread, and those with the extremes of each column, as the trainer chooses them.
    private static func calibrationRows(_ set: TrainingSet, max: Int) -> [Int] {
        guard set.rows > max else { return Array(0..<set.rows) }
        var chosen: Set<Int> = []
        for column in 0..<set.features {
            let byValue = (0..<set.rows).lazy.map { (set.inputs[$0 * set.features + column], $0) }
            if let low = byValue.min(by: { $0 < $1 }) { chosen.insert(low.1) }
            if let high = byValue.max(by: { $0 < $1 }) { chosen.insert(high.1) }
        }
        let rest = Swift.max(max - chosen.count, 1)
        for step in 0..<rest { chosen.insert(step * set.rows / rest) }
        return chosen.sorted()
    }
}
