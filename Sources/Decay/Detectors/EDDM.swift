/// The early drift detection method: errors come closer to each other than they were at best.
///
/// - Source: M. Baena-García et al., Early drift detection method (2006).
public struct EDDM: Detector {
    /// Errors before anything is said.
    public let warmStart: Int
    /// Share of the largest distance under which it warns.
    public let alpha: Double
    /// Share of the largest distance under which it is drift.
    public let beta: Double
    /// Errors since the last drift.
    public private(set) var errors = 0
    /// Mean distance of the errors.
    public private(set) var meanDistance = 0.0
    /// The largest mean plus two deviations so far; -1 before.
    public private(set) var largest = -1.0

    private var count = 0
    private var lastError = 0
    private var squares = 0.0
    private var isWarning = false
    private var isDone = false

    /// Begins without values.
    public init(warmStart: Int = 30, alpha: Double = 0.95, beta: Double = 0.9) {
        self.warmStart = warmStart
        self.alpha = alpha
        self.beta = beta
    }

    /// The variance of the distances.
    public var distanceVariance: Double { errors > 1 ? squares / Double(errors - 1) : 0 }

    /// Looks at the next error, 0 or 1.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if isDone { self = EDDM(warmStart: warmStart, alpha: alpha, beta: beta) }
        count += 1
        guard value != 0 else { return isWarning ? .warning : .none }
        errors += 1
        let distance = Double(count - lastError)
        lastError = count
        let difference = distance - meanDistance
        meanDistance += difference / Double(errors)
        squares += difference * (distance - meanDistance)
        guard count > warmStart else { return .none }
        let level = meanDistance + 2 * distanceVariance.squareRoot()
        if level > largest {
            largest = level
            return isWarning ? .warning : .none
        }
        guard errors > warmStart else { return .none }
        let share = level / largest
        if share < beta {
            isDone = true
            return .drift
        }
        isWarning = share < alpha
        return isWarning ? .warning : .none
    }
}
