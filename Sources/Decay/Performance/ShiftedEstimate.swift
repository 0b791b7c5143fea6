/// Performance without labels where the inputs have moved (PAPE): the reference is weighted until it looks like the
/// rows now, and the probabilities are calibrated on the weighted reference.
///
/// ``BinaryConfidenceEstimator`` takes a calibration of all of the reference for right everywhere. When the rows now
/// come from a part where the model's probabilities are too high or too low, that is wrong, and this estimator follows.
/// It is as blind to a change of the concept; see ``EstimateTrust``.
///
/// The weight of a reference row is the ratio of the densities now and then, as a classifier of old and new rows sees it.
/// - Source: J. Białek et al., Estimating model performance under covariate shift without labels (2024); H. Shimodaira,
///   Improving predictive inference under covariate shift (2000), for the flattened weights.
public struct ShiftedConfidenceEstimator: Sendable {
    /// The reference's answers and labels.
    public let reference: BinaryAnswers
    /// Weights are kept within this factor of 1, so that no row decides alone.
    public let weightMax: Double
    /// The power of the ratio of densities that is the weight, 0...1: at 1 the estimate follows the inputs best and
    /// hangs most on chance, at 0 it does not follow them.
    public let flattening: Double

    private let columns: [[Double]]
    private let unweighted: IsotonicCalibration

    /// Fewer rows than this are estimated without weights.
    public static let rowsMin = 200

    /// Keeps a reference with labels.
    ///
    /// - Parameter columns: `columns[feature][row]`, the inputs of the reference; NaN is a value of its own.
    /// - Precondition: The reference has labels, and every column a value for each of its rows.
    public init(reference: BinaryAnswers, columns: [[Double]], weightMax: Double = 10, flattening: Double = 0.25) {
        precondition(!reference.labels.isEmpty, "a reference needs labels")
        precondition(columns.allSatisfy { $0.count == reference.scores.count }, "columns differ in length")
        self.reference = reference
        self.columns = columns
        self.weightMax = weightMax
        self.flattening = flattening
        unweighted = IsotonicCalibration(scores: reference.scores, labels: reference.labels.map { $0 ? 1 : 0 })
    }

    /// The metric of some rows, as the probabilities say that were calibrated for them.
    /// - Parameter inputs: `columns[feature][row]`, the inputs of the rows.
    public func estimate(_ metric: PerformanceMetric, _ rows: BinaryAnswers, inputs: [[Double]]) -> Double {
        let calibration: IsotonicCalibration
        if rows.scores.count >= Self.rowsMin {
            calibration = IsotonicCalibration(
                scores: reference.scores,
                labels: reference.labels.map { $0 ? 1 : 0 },
                weights: weights(towards: inputs)
            )
        } else {
            calibration = unweighted
        }
        return BinaryConfidenceEstimator.estimate(metric, rows, probabilities: rows.scores.map { calibration($0) })
    }

    /// How much denser rows like each of the reference are now than then.
    public func weights(towards inputs: [[Double]]) -> [Double] {
        let (n, m) = (reference.scores.count, inputs.first?.count ?? 0)
        guard m > 0 else { return Array(repeating: 1, count: n) }
        let joined = zip(columns, inputs).map { before, now in
            let floor = ((before + now).lazy.filter(\.isFinite).min() ?? 0) - 1
            return (before + now).map { $0.isNaN ? floor : $0 }
        }
        var settings = BoostedTrees.Settings()
        settings.trees = 50
        settings.leaves = 8
        settings.bins = 64
        settings.leafRowsMin = 50
        let trees = BoostedTrees(
            columns: joined,
            targets: (0..<n + m).map { $0 < n ? 0 : 1 },
            settings: settings
        )
        let prior = Double(m) / Double(n + m)
        return (0..<n).map { row in
            let p = min(0.999, max(0.001, trees.predict(joined.map { $0[row] })))
            let ratio = p / (1 - p) * (1 - prior) / prior
            return Libm.pow(min(weightMax, max(1 / weightMax, ratio)), flattening)
        }
    }
}
