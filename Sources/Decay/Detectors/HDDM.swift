/// Hoeffding's bound on the mean of all values against the mean at the best cut.
///
/// - Source: I. Frías-Blanco et al., Online and non-parametric drift detection methods based on Hoeffding's bounds
///   (2015), the A test.
public struct HDDMA: Detector {
    /// Probability of a false alarm.
    public let driftConfidence: Double
    /// Probability of a false warning.
    public let warningConfidence: Double
    /// Whether a falling mean is drift too.
    public let isTwoSided: Bool
    /// Mean of all values since the last drift, and how many.
    public private(set) var all = Mean()
    /// The mean at the lowest cut.
    public private(set) var low = Mean()
    /// The mean at the highest cut.
    public private(set) var high = Mean()

    private let logCut: Double
    private let logDrift: Double
    private let logWarning: Double
    private var isDone = false

    /// A mean and its count.
    public struct Mean: Codable, Sendable, Hashable {
        /// Values.
        public var count = 0.0
        /// Their mean.
        public var value = 0.0
    }

    /// Begins without values.
    public init(driftConfidence: Double = 0.001, warningConfidence: Double = 0.005, isTwoSided: Bool = false) {
        self.driftConfidence = driftConfidence
        self.warningConfidence = warningConfidence
        self.isTwoSided = isTwoSided
        logCut = Libm.log(1 / driftConfidence)
        logDrift = Libm.log(2 / driftConfidence)
        logWarning = Libm.log(2 / warningConfidence)
    }

    /// Looks at the next value, 0...1.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone {
            (all, low, high) = (Mean(), Mean(), Mean())
            isDone = false
        }
        all.count += 1
        all.value += (value - all.value) / all.count
        if low.count == 0 { low = all }
        if high.count == 0 { high = all }
        let bound = cutBound(all.count)
        if low.value + cutBound(low.count) >= all.value + bound { low = all }
        if high.value - cutBound(high.count) <= all.value - bound { high = all }
        let rise = all.value - low.value
        let fall = high.value - all.value
        let risen = low.count == all.count ? 0 : (all.count - low.count) / low.count * (1 / all.count) / 2
        let fallen =
            !isTwoSided || high.count == all.count ? 0 : (all.count - high.count) / high.count * (1 / all.count) / 2
        func exceeds(_ log: Double) -> Bool {
            (risen > 0 && rise >= (risen * log).squareRoot()) || (fallen > 0 && fall >= (fallen * log).squareRoot())
        }
        if exceeds(logDrift) {
            isDone = true
            return .drift
        }
        return exceeds(logWarning) ? .warning : .none
    }

    private func cutBound(_ count: Double) -> Double { (logCut / (2 * count)).squareRoot() }
}

/// Hoeffding's bound on moving averages, which forget: quick for large changes.
///
/// - Source: as ``HDDMA``, the W test.
public struct HDDMW: Detector {
    /// Probability of a false alarm.
    public let driftConfidence: Double
    /// Probability of a false warning.
    public let warningConfidence: Double
    /// Weight of the newest value.
    public let lambda: Double
    /// Whether a falling mean is drift too.
    public let isTwoSided: Bool
    /// The moving average since the last drift.
    public private(set) var all = Average()
    /// The average at the cut of the lowest bound.
    public private(set) var before = Average()
    /// The average since that cut.
    public private(set) var after = Average()

    private let logDrift: Double
    private let logWarning: Double
    private var cut = Double.greatestFiniteMagnitude
    private var highBefore = Average()
    private var highAfter = Average()
    private var highCut = -Double.greatestFiniteMagnitude
    private var isDone = false

    /// A moving average, and the sum of its squared weights.
    public struct Average: Codable, Sendable, Hashable {
        /// The average; negative before the first value.
        public var value = -1.0
        /// Sum of the squared weights.
        public var weight = 1.0

        mutating func add(_ next: Double, _ lambda: Double) {
            value = value < 0 ? next : lambda * next + (1 - lambda) * value
            weight = lambda * lambda + (1 - lambda) * (1 - lambda) * weight
        }
    }

    /// Begins without values.
    public init(
        driftConfidence: Double = 0.001,
        warningConfidence: Double = 0.005,
        lambda: Double = 0.05,
        isTwoSided: Bool = false
    ) {
        self.driftConfidence = driftConfidence
        self.warningConfidence = warningConfidence
        self.lambda = lambda
        self.isTwoSided = isTwoSided
        logDrift = Libm.log(1 / driftConfidence)
        logWarning = Libm.log(1 / warningConfidence)
    }

    /// Looks at the next value, 0...1.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone {
            (all, before, after, highBefore, highAfter) = (Average(), Average(), Average(), Average(), Average())
            (cut, highCut, isDone) = (.greatestFiniteMagnitude, -.greatestFiniteMagnitude, false)
        }
        all.add(value, lambda)
        let bound = (all.weight * logDrift / 2).squareRoot()
        if all.value + bound < cut {
            cut = all.value + bound
            before = all
            after = Average()
        } else {
            after.add(value, lambda)
        }
        if isTwoSided {
            if all.value - bound > highCut {
                highCut = all.value - bound
                highBefore = all
                highAfter = Average()
            } else {
                highAfter.add(value, lambda)
            }
        }
        func exceeds(_ log: Double) -> Bool {
            if before.value >= 0, after.value >= 0,
                after.value - before.value > ((before.weight + after.weight) * log / 2).squareRoot()
            {
                return true
            }
            return isTwoSided && highBefore.value >= 0 && highAfter.value >= 0
                && highBefore.value - highAfter.value > ((highBefore.weight + highAfter.weight) * log / 2).squareRoot()
        }
        if exceeds(logDrift) {
            isDone = true
            return .drift
        }
        return exceeds(logWarning) ? .warning : .none
    }
}
