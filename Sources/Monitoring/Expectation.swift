import Decay
import Pipelines

/// What error a prediction has, as far as that can be told without its label, and whether that is to be believed.
///
/// For classification from the largest probability, calibrated by the champion's first labels. For regression from how
/// far the row is from the reference, by a line through the first errors. Both see that inputs move to where the model
/// is worse, and are blind to a change of what is right; labels that come show it, and the estimate is withdrawn.
struct Expectation: Codable, Sendable, Hashable {
    /// Labels after which what was learned is fixed.
    static let learned = 300
    private static let bins = 20

    private let isShare: Bool
    private var count = 0
    // Classification: right answers and all, by the largest probability.
    private var right: [Double] = []
    private var all: [Double] = []
    // Regression: sums over distance x and error y.
    private var x = 0.0
    private var y = 0.0
    private var xx = 0.0
    private var xy = 0.0
    private var yy = 0.0
    private var trust = EstimateTrust()
    private var lossTrust = LossTrust()
    private var newest: FadingMoments

    init(_ settings: Pipeline.MonitorSettings) {
        isShare = settings.metric == .errorRate
        newest = FadingMoments(fading: 2 / Double(settings.window + 1))
        if isShare {
            right = Array(repeating: 0, count: Self.bins)
            all = Array(repeating: 0, count: Self.bins)
        }
    }

    /// Whether what it says is learned and was not contradicted.
    var isReady: Bool { count >= Self.learned && isTrusted }
    var isTrusted: Bool { isShare ? trust.isTrusted : lossTrust.isTrusted }
    /// The estimate less what labels said, on average.
    var gap: Double { isShare ? -trust.gap : lossTrust.gap }
    /// Rows with labels that were held against it.
    var rows: Int { isShare ? trust.rows : lossTrust.rows }
    /// The metric of the newest predictions; nil before it is ready.
    var value: Double? { isReady && newest.count > 0 ? newest.mean : nil }

    /// What is expected of a prediction; nil before enough is learned.
    mutating func expect(outputs: [Float], strangeness: Double?) -> Double? {
        guard count >= Self.learned, let expected = expected(outputs, strangeness) else { return nil }
        newest.add(expected)
        return expected
    }

    private func expected(_ outputs: [Float], _ strangeness: Double?) -> Double? {
        if isShare {
            guard let confidence = Self.confidence(outputs) else { return nil }
            let bin = Self.bin(confidence)
            // A few rows as the model says keep an empty bin from being sure.
            return 1 - (right[bin] + 5 * confidence) / (all[bin] + 5)
        }
        guard let strangeness else { return nil }
        let n = Double(count)
        let spread = xx - x * x / n
        let slope = spread > 0 ? max(0, (xy - x * y / n) / spread) : 0
        return max(0, y / n + slope * (strangeness - x / n))
    }

    private static func confidence(_ outputs: [Float]) -> Double? {
        outputs.max().flatMap { $0.isFinite ? min(1, max(0, Double($0))) : nil }
    }

    private static func bin(_ confidence: Double) -> Int { min(bins - 1, Int(confidence * Double(bins))) }

    /// Learns from a label, or holds what was expected against it.
    /// - Returns: True when this label withdrew the estimate.
    mutating func add(error: Double, expected: Double?, outputs: [Float], strangeness: Double?) -> Bool {
        if count < Self.learned {
            learn(error, outputs, strangeness)
            return false
        }
        guard let expected else { return false }
        if isShare { return trust.add(probabilityRight: 1 - expected, wasRight: error == 0) }
        return lossTrust.add(expected: expected, realized: error)
    }

    private mutating func learn(_ error: Double, _ outputs: [Float], _ strangeness: Double?) {
        if isShare {
            guard let confidence = Self.confidence(outputs) else { return }
            let bin = Self.bin(confidence)
            all[bin] += 1
            if error == 0 { right[bin] += 1 }
        } else {
            guard let strangeness else { return }
            (x, xx) = (x + strangeness, xx + strangeness * strangeness)
            (y, xy, yy) = (y + error, xy + strangeness * error, yy + error * error)
        }
        count += 1
        if count == Self.learned, !isShare {
            let mean = y / Double(count)
            lossTrust = LossTrust(mean: mean, variance: max(yy / Double(count) - mean * mean, mean * mean * 1e-4))
        }
    }
}

/// Whether an estimated error may still be believed: as ``EstimateTrust``, for errors that are numbers.
struct LossTrust: Codable, Sendable, Hashable {
    /// Rows with labels that a decision needs.
    static let rowsMin = 200
    /// Differences up to this share of the error are forgiven.
    private static let tolerance = 0.25
    /// The probability of withdrawing an estimate that is right, over all looks.
    private static let alpha = 0.001

    private(set) var rows = 0
    private(set) var isTrusted = true
    private var mean = 0.0
    private var variance = 0.0
    private var difference = 0.0

    init() {}

    init(mean: Double, variance: Double) {
        self.mean = mean
        self.variance = variance
    }

    var gap: Double { rows > 0 ? difference / Double(rows) : 0 }

    /// - Returns: True when this row withdrew the estimate.
    mutating func add(expected: Double, realized: Double) -> Bool {
        rows += 1
        difference += expected - realized
        guard isTrusted, rows >= Self.rowsMin, variance > 0 else { return false }
        let bound = EstimateTrust.boundary(Double(rows), scale: 500, alpha: Self.alpha) * variance.squareRoot()
        guard abs(difference) > bound + Self.tolerance * mean * Double(rows) else { return false }
        isTrusted = false
        return true
    }
}
