/// A metric that is estimated from probabilities and realized from labels.
public enum PerformanceMetric: String, Codable, Sendable, Hashable, CaseIterable {
    /// Area under the receiver's curve.
    case areaUnderCurve = "roc_auc"
    /// Harmonic mean of precision and recall.
    case f1
    /// Share of positive answers that are right.
    case precision
    /// Share of positive labels that are found.
    case recall
    /// Share of negative labels that are found.
    case specificity
    /// Share of right answers.
    case accuracy

    func value(_ confusion: Confusion) -> Double {
        switch self {
        case .areaUnderCurve: .nan
        case .f1: confusion.f1
        case .precision: confusion.precision
        case .recall: confusion.recall
        case .specificity: confusion.specificity
        case .accuracy: confusion.accuracy
        }
    }
}

/// Answers of a binary classifier, with labels where they are known.
public struct BinaryAnswers: Codable, Sendable, Hashable {
    /// The model's scores, 0...1.
    public var scores: [Double]
    /// What it answered.
    public var answers: [Bool]
    /// What was true; empty where nothing is known.
    public var labels: [Bool]

    /// Keeps the columns.
    /// - Precondition: They have the same length; `labels` may be empty.
    public init(scores: [Double], answers: [Bool], labels: [Bool] = []) {
        precondition(scores.count == answers.count && (labels.isEmpty || labels.count == scores.count), "rows differ")
        self.scores = scores
        self.answers = answers
        self.labels = labels
    }

    /// The metrics of some rows as the labels say.
    public func realized(_ metric: PerformanceMetric, _ rows: Range<Int>) -> Double {
        if metric == .areaUnderCurve {
            return Ranking.areaUnderCurve(Array(scores[rows]), Array(labels[rows]))
        }
        return metric.value(Confusion(labels: labels[rows], answers: answers[rows]))
    }
}

/// Performance without labels from calibrated probabilities (CBPE), for two classes.
///
/// It is right as long as the probabilities are: it sees a shift of the inputs and is blind to a change of the
/// concept. See ``EstimateTrust``.
/// - Source: the CBPE of NannyML, whose numbers it reproduces.
public struct BinaryConfidenceEstimator: Codable, Sendable, Hashable {
    /// The calibration, where it makes the reference better.
    public let calibration: IsotonicCalibration?
    /// Rows of a chunk.
    public let chunkSize: Int

    private let thresholds: [PerformanceMetric: Threshold]
    private let errors: [PerformanceMetric: SamplingError]

    private struct Threshold: Codable, Sendable, Hashable {
        var lower: Double?
        var upper: Double?
    }

    /// Learns from a reference with labels.
    /// - Parameter calibrates: Whether to calibrate; by default where it helps.
    /// - Precondition: The reference has labels and a row.
    public init(reference: BinaryAnswers, chunkSize: Int, calibrates: Bool? = nil) {
        precondition(!reference.labels.isEmpty, "a reference needs labels")
        self.chunkSize = chunkSize
        let isNeeded =
            calibrates ?? IsotonicCalibration.isNeeded(scores: reference.scores, labels: reference.labels)
        calibration =
            isNeeded
            ? IsotonicCalibration(scores: reference.scores, labels: reference.labels.map { $0 ? 1 : 0 }) : nil
        let chunks = ChunkValues.chunks(of: reference.scores.count, size: chunkSize)
        var thresholds: [PerformanceMetric: Threshold] = [:]
        var errors: [PerformanceMetric: SamplingError] = [:]
        for metric in PerformanceMetric.allCases {
            let limits = ChunkValues.threshold(chunks.map { reference.realized(metric, $0) })
            thresholds[metric] = Threshold(lower: limits.lower, upper: limits.upper)
            errors[metric] = SamplingError(metric, reference.scores, reference.answers, reference.labels)
        }
        self.thresholds = thresholds
        self.errors = errors
    }

    /// The metric of some rows, as their probabilities say.
    public func estimate(_ metric: PerformanceMetric, _ rows: BinaryAnswers) -> Double {
        Self.estimate(metric, rows, probabilities: probabilities(rows.scores))
    }

    /// Calibrated probabilities of scores.
    public func probabilities(_ scores: [Double]) -> [Double] {
        guard let calibration else { return scores }
        return scores.map { calibration($0) }
    }

    static func estimate(_ metric: PerformanceMetric, _ rows: BinaryAnswers, probabilities: [Double]) -> Double {
        if metric == .areaUnderCurve { return Ranking.expectedArea(rows.scores, probabilities) }
        return metric.value(expected(rows.answers, probabilities))
    }

    static func expected(_ answers: [Bool], _ probabilities: [Double]) -> Confusion {
        var confusion = Confusion()
        for (answer, p) in zip(answers, probabilities) {
            if answer {
                confusion.truePositives += p
                confusion.falsePositives += 1 - p
            } else {
                confusion.trueNegatives += 1 - p
                confusion.falseNegatives += p
            }
        }
        return confusion
    }

    /// Estimates of all chunks of an analysis, with bounds, thresholds and alerts.
    public func estimates(_ metric: PerformanceMetric, _ analysis: BinaryAnswers) -> ChunkValues {
        let probabilities = probabilities(analysis.scores)
        let chunks = ChunkValues.chunks(of: analysis.scores.count, size: chunkSize)
        return values(metric, chunks) { rows in
            let part = BinaryAnswers(scores: Array(analysis.scores[rows]), answers: Array(analysis.answers[rows]))
            return Self.estimate(metric, part, probabilities: Array(probabilities[rows]))
        }
    }

    /// What the labels say of the same chunks.
    public func realized(_ metric: PerformanceMetric, _ analysis: BinaryAnswers) -> ChunkValues {
        values(metric, ChunkValues.chunks(of: analysis.scores.count, size: chunkSize)) {
            analysis.realized(metric, $0)
        }
    }

    private func values(
        _ metric: PerformanceMetric,
        _ chunks: [Range<Int>],
        _ value: (Range<Int>) -> Double
    ) -> ChunkValues {
        ChunkValues(
            values: chunks.map(value),
            samplingErrors: chunks.map { errors[metric]?.of($0.count) ?? .nan },
            threshold: (thresholds[metric]?.lower, thresholds[metric]?.upper),
            range: 0...1
        )
    }
}

/// The standard error of a metric of a chunk, from the spread of a reference and the share of rows that count.
struct SamplingError: Codable, Sendable, Hashable {
    let deviation: Double
    let fraction: Double

    func of(_ count: Int) -> Double { deviation / (Double(count) * fraction).squareRoot() }

    init(_ metric: PerformanceMetric, _ scores: [Double], _ answers: [Bool], _ labels: [Bool], isScaled: Bool = true) {
        let all = Double(labels.count)
        let confusion = Confusion(labels: labels, answers: answers)
        /// The deviation of `hits` ones among `count`.
        func deviation(_ hits: Double, _ count: Double) -> Double {
            let p = hits / count
            return (p * (1 - p)).squareRoot()
        }
        switch metric {
        case .accuracy:
            self.deviation = deviation(confusion.truePositives + confusion.trueNegatives, all)
            fraction = 1
        case .f1:
            let count = confusion.truePositives + confusion.falsePositives + confusion.falseNegatives
            let scale =
                count / ((confusion.falseNegatives + confusion.falsePositives) * 0.5 + confusion.truePositives)
            self.deviation = deviation(confusion.truePositives, count) * (isScaled ? scale : 1)
            fraction = count / all
        case .precision:
            let count = confusion.truePositives + confusion.falsePositives
            self.deviation = deviation(confusion.truePositives, count)
            fraction = count / all
        case .recall:
            let count = confusion.truePositives + confusion.falseNegatives
            self.deviation = deviation(confusion.truePositives, count)
            fraction = count / all
        case .specificity:
            let count = confusion.trueNegatives + confusion.falsePositives
            self.deviation = deviation(confusion.trueNegatives, count)
            fraction = count / all
        case .areaUnderCurve:
            // The share of negatives under each positive; the rarer class is taken as the positive one.
            let isSwapped = labels.reduce(0) { $0 + ($1 ? 1.0 : 0) } / all > 0.5
            let order = VectorOrder.ascending(isSwapped ? scores.map { 1 - $0 } : scores)
            var below: [Double] = []
            var negatives = 0.0
            for (position, index) in order.enumerated() {
                if labels[index] != isSwapped {
                    // A positive at the very first place does not count.
                    if position > 0 { below.append(Double(position - below.count)) }
                } else {
                    negatives += 1
                }
            }
            let shares = below.map { $0 / negatives }
            let mean = shares.reduce(0, +) / Double(shares.count)
            self.deviation =
                (shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(shares.count)).squareRoot()
            fraction = (all - negatives) / all
        }
    }
}

/// Answers of a classifier of many classes.
public struct MulticlassAnswers: Codable, Sendable, Hashable {
    /// `scores[class][row]`.
    public var scores: [[Double]]
    /// The class that was answered.
    public var answers: [Int]
    /// The class that was true; empty where nothing is known.
    public var labels: [Int]

    /// Keeps the columns.
    public init(scores: [[Double]], answers: [Int], labels: [Int] = []) {
        self.scores = scores
        self.answers = answers
        self.labels = labels
    }

    /// The metrics of some rows as the labels say, averaged over the classes.
    public func realized(_ metric: PerformanceMetric, _ rows: Range<Int>) -> Double {
        let counts = ClassCounts(labels: Array(labels[rows]), answers: Array(answers[rows]), classes: scores.count)
        switch metric {
        case .accuracy: return counts.accuracy
        case .areaUnderCurve:
            return scores.indices.reduce(0) { sum, index in
                sum + Ranking.areaUnderCurve(Array(scores[index][rows]), labels[rows].map { $0 == index })
            } / Double(scores.count)
        case .f1: return counts.average(.macro, of: \.f1)
        case .precision: return counts.average(.macro, of: \.precision)
        case .recall: return counts.average(.macro, of: \.recall)
        case .specificity: return counts.average(.macro, of: \.specificity)
        }
    }
}

/// Performance without labels from calibrated probabilities (CBPE), for many classes.
public struct MulticlassConfidenceEstimator: Codable, Sendable, Hashable {
    /// Whether every class of the reference is better with calibration.
    public var needsCalibration: Bool { calibrations.allSatisfy { $0 != nil } }
    /// Rows of a chunk.
    public let chunkSize: Int

    private let calibrations: [IsotonicCalibration?]
    private let thresholds: [PerformanceMetric: [Double]]
    private let errors: [PerformanceMetric: [SamplingError]]
    private let accuracyDeviation: Double

    /// Learns from a reference with labels. A class is calibrated where it gets better by it.
    public init(reference: MulticlassAnswers, chunkSize: Int, calibrates: Bool? = nil) {
        self.chunkSize = chunkSize
        let classes = reference.scores.indices
        func isLabel(_ index: Int) -> [Bool] { reference.labels.map { $0 == index } }
        calibrations = classes.map { index in
            let (scores, labels) = (reference.scores[index], isLabel(index))
            guard calibrates ?? IsotonicCalibration.isNeeded(scores: scores, labels: labels) else { return nil }
            return IsotonicCalibration(scores: scores, labels: labels.map { $0 ? 1 : 0 })
        }
        let chunks = ChunkValues.chunks(of: reference.labels.count, size: chunkSize)
        var thresholds: [PerformanceMetric: [Double]] = [:]
        var errors: [PerformanceMetric: [SamplingError]] = [:]
        for metric in PerformanceMetric.allCases {
            let limits = ChunkValues.threshold(chunks.map { reference.realized(metric, $0) })
            if let lower = limits.lower, let upper = limits.upper { thresholds[metric] = [lower, upper] }
            errors[metric] = classes.map { index in
                SamplingError(
                    metric,
                    reference.scores[index],
                    reference.answers.map { $0 == index },
                    isLabel(index),
                    isScaled: false
                )
            }
        }
        self.thresholds = thresholds
        self.errors = errors
        let accuracy = reference.realized(.accuracy, 0..<reference.labels.count)
        accuracyDeviation = (accuracy * (1 - accuracy)).squareRoot()
    }

    /// Calibrated probabilities, `[class][row]`; those of a row sum to 1.
    public func probabilities(_ scores: [[Double]]) -> [[Double]] {
        var result = zip(scores, calibrations).map { column, calibration in
            calibration.map { calibration in column.map { calibration($0) } } ?? column
        }
        guard calibrations.contains(where: { $0 != nil }) else { return result }
        for row in result.first?.indices ?? 0..<0 {
            let sum = result.reduce(0) { $0 + $1[row] }
            for index in result.indices { result[index][row] /= sum }
        }
        return result
    }

    /// Estimates of all chunks of an analysis.
    public func estimates(_ metric: PerformanceMetric, _ analysis: MulticlassAnswers) -> ChunkValues {
        let probabilities = probabilities(analysis.scores)
        return values(metric, analysis.answers.count) { rows in
            if metric == .accuracy {
                return rows.reduce(0) { $0 + probabilities[analysis.answers[$1]][$1] } / Double(rows.count)
            }
            let parts = analysis.scores.indices.map { index in
                BinaryConfidenceEstimator.estimate(
                    metric,
                    BinaryAnswers(
                        scores: Array(analysis.scores[index][rows]),
                        answers: analysis.answers[rows].map { $0 == index }
                    ),
                    probabilities: Array(probabilities[index][rows])
                )
            }
            return parts.reduce(0, +) / Double(parts.count)
        }
    }

    /// What the labels say of the same chunks.
    public func realized(_ metric: PerformanceMetric, _ analysis: MulticlassAnswers) -> ChunkValues {
        values(metric, analysis.answers.count) { analysis.realized(metric, $0) }
    }

    private func values(_ metric: PerformanceMetric, _ count: Int, _ value: (Range<Int>) -> Double) -> ChunkValues {
        let chunks = ChunkValues.chunks(of: count, size: chunkSize)
        return ChunkValues(
            values: chunks.map(value),
            samplingErrors: chunks.map { error(metric, $0.count) },
            threshold: (thresholds[metric]?.first, thresholds[metric]?.last),
            range: 0...1
        )
    }

    private func error(_ metric: PerformanceMetric, _ count: Int) -> Double {
        if metric == .accuracy { return accuracyDeviation / Double(count).squareRoot() }
        let parts = errors[metric] ?? []
        let variance = parts.reduce(0) { $0 + $1.deviation * $1.deviation / (Double(count) * $1.fraction) }
        // The area's classes are not independent; the factor is NannyML's.
        return variance.squareRoot() / Double(parts.count) * (metric == .areaUnderCurve ? 1.2 : 1)
    }
}
