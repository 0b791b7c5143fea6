/// A rising step function fitted to labels: scores become probabilities.
///
/// - Source: the pool-adjacent-violators algorithm; between its knots the answer is interpolated, beyond them it stays.
public struct IsotonicCalibration: Codable, Sendable, Hashable {
    /// Scores at the knots, ascending.
    public let scores: [Double]
    /// Probabilities at the knots, ascending.
    public let values: [Double]

    /// Fits the function to labels, 0 or 1, or any numbers.
    /// - Parameter weights: How much each label counts, above 0; nil counts all alike.
    /// - Precondition: There is a score at least, and a label for each, and a weight if there are any.
    /// - Complexity: O(n log n).
    public init(scores: [Double], labels: [Double], weights own: [Double]? = nil) {
        precondition(!scores.isEmpty && scores.count == labels.count, "a score needs a label")
        precondition(own.map { $0.count == scores.count } ?? true, "a label needs a weight")
        self.init(ascending: Self.pairs(scores: scores, labels: labels, weights: own))
    }

    private typealias Pair = (score: Double, label: Double, weight: Double, index: Int)

    /// Pairs in ascending order of scores, and of labels where scores are the same.
    private static func pairs(scores: [Double], labels: [Double], weights: [Double]? = nil) -> [Pair] {
        var pairs = scores.indices.map { (scores[$0], labels[$0], weights?[$0] ?? 1, $0) as Pair }
        sortAscending(&pairs) { $0.score }
        var start = 0
        for place in pairs.indices.dropFirst() where pairs[place].score != pairs[start].score {
            if place - start > 1 { pairs[start..<place].sort { $0.label < $1.label } }
            start = place
        }
        pairs[start...].sort { $0.label < $1.label }
        return pairs
    }

    /// - Complexity: O(n).
    private init(ascending pairs: [Pair]) {
        var x: [Double] = []
        var sums: [Double] = []
        var weights: [Double] = []
        x.reserveCapacity(pairs.count)
        sums.reserveCapacity(pairs.count)
        weights.reserveCapacity(pairs.count)
        for pair in pairs {
            if let last = x.last, pair.score == last {
                sums[sums.count - 1] += pair.label * pair.weight
                weights[weights.count - 1] += pair.weight
            } else {
                x.append(pair.score)
                sums.append(pair.label * pair.weight)
                weights.append(pair.weight)
            }
        }
        var blocks: [(value: Double, weight: Double, count: Int)] = []
        blocks.reserveCapacity(x.count)
        for (sum, weight) in zip(sums, weights) {
            var block = (value: sum / weight, weight: weight, count: 1)
            while let last = blocks.last, last.value >= block.value {
                let all = last.weight + block.weight
                block = ((last.value * last.weight + block.value * block.weight) / all, all, last.count + block.count)
                blocks.removeLast()
            }
            blocks.append(block)
        }
        var knots: [Double] = []
        var heights: [Double] = []
        var start = 0
        for block in blocks {
            knots.append(x[start])
            heights.append(block.value)
            if block.count > 1 {
                knots.append(x[start + block.count - 1])
                heights.append(block.value)
            }
            start += block.count
        }
        self.scores = knots
        values = heights
    }

    /// The probability of a score.
    public func callAsFunction(_ score: Double) -> Double {
        guard score > scores[0] else { return values[0] }
        guard score < scores[scores.count - 1] else { return values[values.count - 1] }
        let above = upperBound(scores, score)
        let below = above - 1
        let slope = (values[above] - values[below]) / (scores[above] - scores[below])
        return slope * (score - scores[below]) + values[below]
    }

    /// Whether fitting on nine tenths makes the last tenth's probabilities better, over ten drawn splits.
    ///
    /// - Source: NannyML's `needs_calibration`, with the same splits.
    public static func isNeeded(scores: [Double], labels: [Bool], seed: UInt32 = 42) -> Bool {
        guard var splits = StratifiedSplits(labels, testShare: 0.1, seed: seed),
            Ranking.areaUnderCurve(scores, labels) <= 0.999
        else { return false }
        var (before, after, truth): ([Double], [Double], [Bool]) = ([], [], [])
        // Sorted once: a part of what is in order is in order.
        let pairs = pairs(scores: scores, labels: labels.map { $0 ? 1 : 0 })
        for _ in 0..<10 {
            let (train, test) = splits.next()
            var isTrain = [Bool](repeating: false, count: scores.count)
            for index in train { isTrain[index] = true }
            let fitted = IsotonicCalibration(ascending: pairs.filter { isTrain[$0.index] })
            for index in test {
                before.append(scores[index])
                after.append(fitted(scores[index]))
                truth.append(labels[index])
            }
        }
        return CalibrationError.ofEqualCounts(before, truth) > CalibrationError.ofEqualCounts(after, truth)
    }
}

/// How far probabilities are from what came true.
public enum CalibrationError {
    /// Bins of a reliability curve; only those with rows.
    public struct Curve: Codable, Sendable, Hashable {
        /// Share of positive labels in each bin.
        public var fractions: [Double]
        /// Mean probability in each bin.
        public var means: [Double]
        /// Rows in each bin.
        public var counts: [Int]

        /// The distance of fraction and mean, weighed by rows.
        public var expected: Double {
            let all = Double(counts.reduce(0, +))
            return zip(zip(fractions, means), counts).reduce(0) { $0 + abs($1.0.0 - $1.0.1) * Double($1.1) / all }
        }

        /// The largest distance of any bin.
        public var maximum: Double { zip(fractions, means).map { abs($0 - $1) }.max() ?? 0 }
    }

    /// The curve over bins of equal width, or of equal counts by quantiles of the probabilities.
    public static func curve(
        _ probabilities: [Double],
        _ labels: [Bool],
        bins: Int = 10,
        byQuantiles: Bool = false
    ) -> Curve {
        var edges = (0...bins).map { Double($0) * (1 / Double(bins)) }
        edges[bins] = 1
        if byQuantiles {
            let sample = Sample(probabilities)
            edges = edges.map { sample.quantile($0) }
        }
        let inner = Array(edges[1..<bins])
        var (hits, sums) = ([Double](repeating: 0, count: bins), [Double](repeating: 0, count: bins))
        var counts = [Int](repeating: 0, count: bins)
        for (probability, label) in zip(probabilities, labels) {
            let bin = lowerBound(inner, probability)
            counts[bin] += 1
            sums[bin] += probability
            if label { hits[bin] += 1 }
        }
        let used = counts.indices.filter { counts[$0] > 0 }
        return Curve(
            fractions: used.map { hits[$0] / Double(counts[$0]) },
            means: used.map { sums[$0] / Double(counts[$0]) },
            counts: used.map { counts[$0] }
        )
    }

    /// The expected error over bins of equal counts. Which tied probabilities go to which bin is ``VectorOrder``'s.
    public static func ofEqualCounts(_ probabilities: [Double], _ labels: [Bool], bins: Int = 10) -> Double {
        let n = probabilities.count
        let bins = n <= 2 * bins ? n / 2 : bins
        guard bins >= 2 else { return .nan }
        let order = VectorOrder.ascending(probabilities)
        let width = n / bins
        // Edges lie a width apart and the last of them moves to the end.
        var edges = Array(stride(from: 0, through: n, by: width))
        edges[edges.count - 1] = n
        var error = 0.0
        for (start, end) in zip(edges, edges.dropFirst()) where end > start {
            let rows = order[start..<end]
            let mean = rows.reduce(0) { $0 + probabilities[$1] } / Double(rows.count)
            let hits = rows.reduce(0) { $0 + (labels[$1] ? 1 : 0) } / Double(rows.count)
            error += Double(rows.count) / Double(n) * abs(mean - hits)
        }
        return error
    }

    /// Brier's score: the mean squared distance of probability and label.
    public static func brier(_ probabilities: [Double], _ labels: [Bool]) -> Double {
        pairwiseSum(
            zip(probabilities, labels).map { probability, label in
                let distance = probability - (label ? 1 : 0)
                return distance * distance
            }[...]
        ) / Double(probabilities.count)
    }

    /// The mean surprise of the labels in nats; probabilities are kept `clip` away from 0 and 1.
    public static func logLoss(_ probabilities: [Double], _ labels: [Bool], clip: Double = 1e-15) -> Double {
        -pairwiseSum(
            zip(probabilities, labels).map { probability, label in
                let p = min(1 - clip, max(clip, probability))
                return label ? Libm.log(p) : Libm.log1p(-p)
            }[...]
        ) / Double(probabilities.count)
    }

    /// Spiegelhalter's z: normal when the probabilities are calibrated.
    public static func spiegelhalter(_ probabilities: [Double], _ labels: [Bool]) -> Double {
        var (sum, variance) = (0.0, 0.0)
        for (p, label) in zip(probabilities, labels) {
            sum += ((label ? 1 : 0) - p) * (1 - 2 * p)
            variance += (1 - 2 * p) * (1 - 2 * p) * p * (1 - p)
        }
        return sum / variance.squareRoot()
    }
}
