/// Counts of a binary classification, and what follows from them. The counts may be expected ones with fractions.
public struct Confusion: Codable, Sendable, Hashable {
    /// Positive and called so.
    public var truePositives: Double
    /// Negative and called positive.
    public var falsePositives: Double
    /// Negative and called so.
    public var trueNegatives: Double
    /// Positive and called negative.
    public var falseNegatives: Double

    /// Keeps the counts.
    public init(
        truePositives: Double = 0,
        falsePositives: Double = 0,
        trueNegatives: Double = 0,
        falseNegatives: Double = 0
    ) {
        self.truePositives = truePositives
        self.falsePositives = falsePositives
        self.trueNegatives = trueNegatives
        self.falseNegatives = falseNegatives
    }

    /// Counts labels against answers.
    public init(labels: some Sequence<Bool>, answers: some Sequence<Bool>) {
        self.init()
        for (label, answer) in zip(labels, answers) { add(label: label, answer: answer) }
    }

    /// Counts one answer.
    public mutating func add(label: Bool, answer: Bool) {
        switch (label, answer) {
        case (true, true): truePositives += 1
        case (false, true): falsePositives += 1
        case (false, false): trueNegatives += 1
        case (true, false): falseNegatives += 1
        }
    }

    /// Adds the counts of another part.
    public mutating func merge(_ other: Confusion) {
        truePositives += other.truePositives
        falsePositives += other.falsePositives
        trueNegatives += other.trueNegatives
        falseNegatives += other.falseNegatives
    }

    /// All counts.
    public var total: Double { truePositives + falsePositives + trueNegatives + falseNegatives }
    /// Share of right answers.
    public var accuracy: Double { share(truePositives + trueNegatives, total) }
    /// Share of the positive answers that are right; 0 without any.
    public var precision: Double { share(truePositives, truePositives + falsePositives) }
    /// Share of the positive labels that were found; 0 without any.
    public var recall: Double { share(truePositives, truePositives + falseNegatives) }
    /// Share of the negative labels that were found; 0 without any.
    public var specificity: Double { share(trueNegatives, trueNegatives + falsePositives) }
    /// The harmonic mean of precision and recall; 0 without any.
    public var f1: Double { share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }
    /// The mean of recall over the classes that have labels.
    public var balancedAccuracy: Double {
        let positives = truePositives + falseNegatives
        let negatives = trueNegatives + falsePositives
        if positives == 0 { return specificity }
        return negatives == 0 ? recall : (recall + specificity) / 2
    }

    private func share(_ part: Double, _ all: Double) -> Double { all > 0 ? part / all : 0 }
}

/// Counts of a classification of many classes.
public struct ClassCounts: Codable, Sendable, Hashable {
    /// `counts[label][answer]`.
    public private(set) var counts: [[Double]]

    /// How classes become one number.
    public enum Average: String, Codable, Sendable, Hashable, CaseIterable {
        /// The mean over classes.
        case macro
        /// Over all answers.
        case micro
        /// The mean over classes by their labels.
        case weighted
    }

    /// Counts labels against answers.
    /// - Precondition: All are in `0..<classes`.
    public init(labels: [Int], answers: [Int], classes: Int) {
        counts = Array(repeating: Array(repeating: 0, count: classes), count: classes)
        for (label, answer) in zip(labels, answers) { counts[label][answer] += 1 }
    }

    /// One class against the rest.
    public func oneVersusRest(_ index: Int) -> Confusion {
        let hits = counts[index][index]
        let answers = counts.reduce(0) { $0 + $1[index] }
        let labels = counts[index].reduce(0, +)
        return Confusion(
            truePositives: hits,
            falsePositives: answers - hits,
            trueNegatives: total - answers - labels + hits,
            falseNegatives: labels - hits
        )
    }

    /// All counts.
    public var total: Double { counts.reduce(0) { $0 + $1.reduce(0, +) } }
    /// Share of right answers.
    public var accuracy: Double {
        total > 0 ? counts.indices.reduce(0) { $0 + counts[$1][$1] } / total : 0
    }

    /// Precision, recall, specificity or F1 over the classes.
    public func average(_ kind: Average, of metric: (Confusion) -> Double) -> Double {
        let classes = counts.indices.map(oneVersusRest)
        switch kind {
        case .macro: return classes.reduce(0) { $0 + metric($1) } / Double(max(1, classes.count))
        case .micro:
            var sum = Confusion()
            for part in classes { sum.merge(part) }
            return metric(sum)
        case .weighted:
            return zip(classes, counts).reduce(0) { $0 + metric($1.0) * $1.1.reduce(0, +) } / max(1, total)
        }
    }

    /// Matthews's correlation; 0 where an answer or a label is always the same.
    public var matthews: Double {
        let (c, s) = (counts.indices.reduce(0) { $0 + counts[$1][$1] }, total)
        let labels = counts.map { $0.reduce(0, +) }
        let answers = counts.indices.map { index in counts.reduce(0) { $0 + $1[index] } }
        let cross = zip(labels, answers).reduce(0) { $0 + $1.0 * $1.1 }
        let product =
            (s * s - labels.reduce(0) { $0 + $1 * $1 }) * (s * s - answers.reduce(0) { $0 + $1 * $1 })
        return product > 0 ? (c * s - cross) / product.squareRoot() : 0
    }

    /// Cohen's kappa; NaN where chance alone explains everything.
    public var kappa: Double {
        let s = total
        let labels = counts.map { $0.reduce(0, +) }
        let answers = counts.indices.map { index in counts.reduce(0) { $0 + $1[index] } }
        let expected = zip(labels, answers).reduce(0) { $0 + $1.0 * $1.1 } / (s * s)
        return (accuracy - expected) / (1 - expected)
    }
}

/// Metrics of scores that rank rows.
public enum Ranking {
    /// The area under the receiver's curve; NaN where all labels are the same.
    public static func areaUnderCurve(_ scores: [Double], _ labels: [Bool]) -> Double {
        expectedArea(scores, labels.map { $0 ? 1 : 0 })
    }

    /// The area that follows from probabilities of being positive; with labels as 0 and 1, the area itself.
    public static func expectedArea(_ scores: [Double], _ probabilities: [Double]) -> Double {
        let groups = groupsByScore(scores, probabilities)
        var (below, area) = (0.0, 0.0)
        var (positives, negatives) = (0.0, 0.0)
        for group in groups {
            area += group.positives * (below + group.negatives / 2)
            below += group.negatives
            positives += group.positives
            negatives += group.negatives
        }
        return area / (positives * negatives)
    }

    /// The precision averaged over the steps of recall; NaN without positive labels.
    public static func averagePrecision(_ scores: [Double], _ labels: [Bool]) -> Double {
        var (hits, all, sum) = (0.0, 0.0, 0.0)
        for group in groupsByScore(scores, labels.map { $0 ? 1 : 0 }).reversed() {
            hits += group.positives
            all += group.positives + group.negatives
            sum += group.positives * hits / all
        }
        return hits > 0 ? sum / hits : .nan
    }

    private static func groupsByScore(
        _ scores: [Double],
        _ probabilities: [Double]
    ) -> [(positives: Double, negatives: Double)] {
        var pairs = zip(scores, probabilities).map { (score: $0, probability: $1) }
        sortAscending(&pairs) { $0.score }
        var groups: [(positives: Double, negatives: Double)] = []
        var last = Double.nan
        for pair in pairs {
            if pair.score != last { groups.append((0, 0)) }
            last = pair.score
            groups[groups.count - 1].positives += pair.probability
            groups[groups.count - 1].negatives += 1 - pair.probability
        }
        return groups
    }
}

/// Metrics of a regression.
public struct RegressionMetrics: Codable, Sendable, Hashable {
    /// Mean absolute error.
    public var meanAbsoluteError: Double
    /// Mean squared error.
    public var meanSquaredError: Double
    /// Mean absolute error as a share of the label.
    public var meanAbsolutePercentageError: Double
    /// Median absolute error.
    public var medianAbsoluteError: Double
    /// The largest error.
    public var maximumError: Double
    /// Mean squared difference of `ln(1 + value)`, answers below 0 taken as 0; NaN for labels under -1.
    public var meanSquaredLogError: Double
    /// Share of the labels' variance that is explained; NaN for constant labels.
    public var determination: Double
    /// The same, with a constant error forgiven.
    public var explainedVariance: Double
    /// The root of the mean squared error.
    public var rootMeanSquaredError: Double { meanSquaredError.squareRoot() }

    /// Compares labels with answers; all NaN when there are none.
    public init(labels: [Double], answers: [Double]) {
        let n = Double(labels.count)
        let errors = zip(labels, answers).map { $0 - $1 }
        func mean(_ values: [Double]) -> Double { pairwiseSum(values[...]) / n }
        meanAbsoluteError = mean(errors.map(abs))
        meanSquaredError = mean(errors.map { $0 * $0 })
        meanAbsolutePercentageError = mean(zip(errors, labels).map { abs($0) / max(abs($1), 0x1p-52) })
        medianAbsoluteError = Sample(errors.map(abs)).median
        maximumError = errors.map(abs).max() ?? .nan
        meanSquaredLogError = mean(
            zip(labels, answers).map { label, answer in
                let difference = Libm.log1p(label) - Libm.log1p(max(0, answer))
                return difference * difference
            }
        )
        let (center, bias) = (mean(labels), mean(errors))
        let spread = mean(labels.map { ($0 - center) * ($0 - center) })
        determination = 1 - meanSquaredError / spread
        explainedVariance = 1 - mean(errors.map { ($0 - bias) * ($0 - bias) }) / spread
    }

    /// The pinball loss of a quantile.
    public static func pinballLoss(labels: [Double], answers: [Double], quantile: Double) -> Double {
        zip(labels, answers).reduce(0) { sum, pair in
            let error = pair.0 - pair.1
            return sum + (error >= 0 ? quantile * error : (quantile - 1) * error)
        } / Double(labels.count)
    }
}
