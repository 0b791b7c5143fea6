/// The error of a regression without labels: a second model learns how wrong the first is where (DLE).
///
/// - Source: the DLE of NannyML, with ``BoostedTrees`` as the learner.
public struct LossEstimator: Codable, Sendable, Hashable {
    /// What is estimated.
    public enum Metric: String, Codable, Sendable, Hashable, CaseIterable {
        /// Mean absolute error.
        case meanAbsoluteError = "mae"
        /// Mean absolute error as a share of the label.
        case meanAbsolutePercentageError = "mape"
        /// Mean squared error.
        case meanSquaredError = "mse"
        /// Its root.
        case rootMeanSquaredError = "rmse"

        func realized(_ labels: [Double], _ answers: [Double]) -> Double {
            let metrics = RegressionMetrics(labels: labels, answers: answers)
            switch self {
            case .meanAbsoluteError: return metrics.meanAbsoluteError
            case .meanAbsolutePercentageError: return metrics.meanAbsolutePercentageError
            case .meanSquaredError: return metrics.meanSquaredError
            case .rootMeanSquaredError: return metrics.rootMeanSquaredError
            }
        }
    }

    /// Rows of a regression: features, answers, and labels where they are known.
    public struct Rows: Sendable, Hashable {
        /// `columns[feature][row]`.
        public var columns: [[Double]]
        /// What the model answered.
        public var answers: [Double]
        /// What was true; empty where nothing is known.
        public var labels: [Double]

        /// Keeps the columns.
        public init(columns: [[Double]], answers: [Double], labels: [Double] = []) {
            self.columns = columns
            self.answers = answers
            self.labels = labels
        }
    }

    /// Rows of a chunk.
    public let chunkSize: Int

    private let absolute: BoostedTrees
    private let relative: BoostedTrees
    private let squared: BoostedTrees
    private let thresholds: [Metric: [Double]]

    /// Learns from a reference with labels.
    /// - Precondition: Each row has a label.
    public init(reference: Rows, chunkSize: Int, settings: BoostedTrees.Settings = BoostedTrees.Settings()) {
        precondition(reference.labels.count == reference.answers.count, "a reference needs labels")
        self.chunkSize = chunkSize
        let columns = reference.columns + [reference.answers]
        let errors = zip(reference.labels, reference.answers).map { $0 - $1 }
        absolute = BoostedTrees(columns: columns, targets: errors.map(abs), settings: settings)
        squared = BoostedTrees(columns: columns, targets: errors.map { $0 * $0 }, settings: settings)
        relative = BoostedTrees(
            columns: columns,
            targets: zip(errors, reference.labels).map { abs($0) / max(abs($1), 0x1p-52) },
            settings: settings
        )
        let chunks = ChunkValues.chunks(of: reference.labels.count, size: chunkSize)
        var thresholds: [Metric: [Double]] = [:]
        for metric in Metric.allCases {
            let values = chunks.map { metric.realized(Array(reference.labels[$0]), Array(reference.answers[$0])) }
            let limits = ChunkValues.threshold(values)
            if let lower = limits.lower, let upper = limits.upper { thresholds[metric] = [lower, upper] }
        }
        self.thresholds = thresholds
    }

    /// The estimated error of one row.
    public func estimate(_ metric: Metric, row: [Double], answer: Double) -> Double {
        switch metric {
        case .meanAbsoluteError: absolute.predict(row + [answer])
        case .meanAbsolutePercentageError: relative.predict(row + [answer])
        case .meanSquaredError, .rootMeanSquaredError: squared.predict(row + [answer])
        }
    }

    /// Estimates of all chunks of an analysis.
    public func estimates(_ metric: Metric, _ analysis: Rows) -> ChunkValues {
        let rowErrors = analysis.answers.indices.map { row in
            estimate(metric, row: analysis.columns.map { $0[row] }, answer: analysis.answers[row])
        }
        return values(metric, analysis.answers.count) { rows in
            let mean = pairwiseSum(rowErrors[rows]) / Double(rows.count)
            return metric == .rootMeanSquaredError ? max(0, mean).squareRoot() : mean
        }
    }

    /// What the labels say of the same chunks.
    public func realized(_ metric: Metric, _ analysis: Rows) -> ChunkValues {
        values(metric, analysis.answers.count) {
            metric.realized(Array(analysis.labels[$0]), Array(analysis.answers[$0]))
        }
    }

    private func values(_ metric: Metric, _ count: Int, _ value: (Range<Int>) -> Double) -> ChunkValues {
        ChunkValues(
            values: ChunkValues.chunks(of: count, size: chunkSize).map(value),
            threshold: (thresholds[metric]?.first, thresholds[metric]?.last),
            range: 0...Double.infinity
        )
    }
}
