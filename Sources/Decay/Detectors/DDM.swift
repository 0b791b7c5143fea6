/// The drift detection method: the error rate leaves the band about its lowest value.
///
/// - Source: J. Gama et al., Learning with drift detection (2004).
public struct DDM: Detector {
    /// Values before anything is said.
    public let warmStart: Int
    /// Standard deviations of the warning zone.
    public let warningLevel: Double
    /// Standard deviations of drift.
    public let driftLevel: Double
    /// Share of errors since the last drift.
    public private(set) var errorRate = 0.0
    /// The rate when `rate + deviation` was lowest; nil before.
    public private(set) var lowestRate: Double?
    /// Its deviation.
    public private(set) var lowestDeviation: Double?

    private var count = 0
    private var lowest = Double.greatestFiniteMagnitude
    private var isDone = false

    /// Begins without values.
    public init(warmStart: Int = 30, warningLevel: Double = 2, driftLevel: Double = 3) {
        self.warmStart = warmStart
        self.warningLevel = warningLevel
        self.driftLevel = driftLevel
    }

    /// Looks at the next error, 0 or 1.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone { self = DDM(warmStart: warmStart, warningLevel: warningLevel, driftLevel: driftLevel) }
        count += 1
        errorRate += (value - errorRate) / Double(count)
        guard count > warmStart else { return .none }
        let deviation = (errorRate * (1 - errorRate) / Double(count)).squareRoot()
        let level = errorRate + deviation
        if level <= lowest {
            lowest = level
            lowestRate = errorRate
            lowestDeviation = deviation
        }
        guard let rate = lowestRate, let spread = lowestDeviation else { return .none }
        if level > rate + driftLevel * spread {
            isDone = true
            return .drift
        }
        return level > rate + warningLevel * spread ? .warning : .none
    }
}
