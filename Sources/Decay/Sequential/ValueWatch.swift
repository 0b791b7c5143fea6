/// The default detector of a changed level or spread of values, with a stated budget of false alarms.
///
/// The first values teach it where the middle is and how far values lie from it; from then on no value counts as
/// further out than ``clip`` such distances, so one wild value is not drift. Level and spread are watched apart, each
/// with half of the budget, as ``ErrorWatch`` watches errors.
public struct ValueWatch: Detector {
    /// Robust deviations beyond which a value counts no more.
    public static let clip = 5.0
    /// Values from which middle and distance are learned.
    public static let warmUp = 200

    /// In which direction a changed level counts.
    public enum Side: String, Codable, Sendable, Hashable, CaseIterable {
        /// Only a higher level, as for errors of a regression. Then the spread is not watched.
        case up
        /// Any changed level, and any changed spread.
        case both
    }

    /// What changed.
    public enum Change: String, Codable, Sendable, Hashable, CaseIterable {
        /// The level.
        case level
        /// The spread.
        case spread
    }

    /// False alarms a value that are allowed.
    public let budget: Double
    /// In which direction a changed level counts.
    public let side: Side
    /// Alarms so far.
    public private(set) var alarms = 0
    /// What the last alarm or the present warning is about.
    public private(set) var change: Change?

    private var early: [Double] = []
    private var middle = 0.0
    private var distance = 0.0
    private var level: MeanTrack
    private var spread: MeanTrack

    /// Begins without values.
    /// - Precondition: `budget` is in 1e-12...0.01.
    public init(budget: Double = 1e-6, side: Side = .both) {
        precondition(budget >= 1e-12 && budget <= 0.01, "no budget")
        self.budget = budget
        self.side = side
        let share = side == .both ? budget / 2 : budget
        level = MeanTrack(budget: share, isTwoSided: side == .both)
        // Distances from the middle have a longer tail than a mean forgives, so the spread asks for more.
        spread = MeanTrack(budget: share / 16, isTwoSided: true)
    }

    /// Values since the last alarm, improvement or start.
    public var count: Int { early.isEmpty ? level.count : early.count }
    /// The evidence over its threshold at the last look; an alarm from 1 on.
    public var evidence: Double { max(level.evidence, side == .both ? spread.evidence : 0) }
    /// The change is about so many values ago.
    public var changeAge: Int { level.evidence >= spread.evidence ? level.changeAge : spread.changeAge }

    /// Looks at the next value, which must be finite.
    public mutating func add(_ value: Double) -> DetectorSignal {
        if distance == 0 {
            early.append(value)
            guard early.count >= Self.warmUp else { return .none }
            let sample = Sample(early)
            // Where half of the values are the same, the standard deviation has to do.
            let robust = sample.robustDeviation
            let scale = robust > 0 ? robust : sample.variance().squareRoot()
            guard scale > 0 else {
                // Constant so far: any other value is for the check of constants to see.
                early.removeFirst()
                return .none
            }
            (middle, distance) = (sample.median, scale)
            let values = early
            early.removeAll()
            var last = DetectorSignal.none
            for value in values where last != .drift { last = track(value) }
            return last
        }
        return track(value)
    }

    private mutating func track(_ value: Double) -> DetectorSignal {
        let z = min(Self.clip, max(-Self.clip, (value - middle) / distance))
        let first = level.add(z)
        let second = side == .both ? spread.add(abs(z), dependenceMin: level.squaredDependence) : .none
        if first == .drift || second == .drift {
            change = first == .drift ? .level : .spread
            alarms += 1
            forget()
            return .drift
        }
        if level.isForgotten { forget() }
        if first == .warning || second == .warning {
            change = first == .warning ? .level : .spread
            return .warning
        }
        return .none
    }

    private mutating func forget() {
        (middle, distance) = (0, 0)
        level.forget()
        spread.forget()
    }
}

/// Windows of the newest values against everything before, by the difference of their means.
struct MeanTrack: Codable, Sendable, Hashable {
    let isTwoSided: Bool
    private(set) var count = 0
    private(set) var evidence = 0.0
    private(set) var changeAge = 0
    /// Whether the level fell where only a rise counts; then whatever was learned is old.
    private(set) var isForgotten = false

    private let base: Double
    private var total = 0.0
    private var squares = 0.0
    private var steps = 0.0
    private var last = 0.0
    private var sums = SuffixSums<Float>()
    private var blocks = BlockSpread()

    static let stride = 4
    /// Added to every threshold: the number of window lengths and of looks, calibrated by simulation.
    static let offset = 1.7
    /// How the threshold falls with the logarithm of the window; at 1 every length had the same share of the budget.
    static let slope = 0.6
    static let floor = 5.0
    /// Independent values that must lie before a window.
    static let referenceMin = 30.0

    init(budget: Double, isTwoSided: Bool) {
        base = Libm.log(1 / budget) + (isTwoSided ? Libm.log(2) : 0)
        self.isTwoSided = isTwoSided
    }

    /// The correlation of neighbours; less than three standard errors are chance.
    private var correlation: Double {
        guard count > 50 else { return 0 }
        let n = Double(count)
        let variance = squares / n - total / n * (total / n)
        guard variance > 0 else { return 0 }
        let rho = 1 - steps / (2 * n * variance)
        guard rho * rho * n >= 9, rho > 0 else { return 0 }
        // The estimate is too low by `(1 + 3ρ) / n` in the mean; its standard error is added.
        return min(0.99, rho + (1 + 3 * rho) / n + ((1 - rho * rho) / n).squareRoot())
    }

    /// By how much neighbours depend: 1 for independent values.
    private var dependence: Double { (1 + correlation) / (1 - correlation) }

    /// The same of the squared distances: their correlation is the square.
    var squaredDependence: Double {
        let square = correlation * correlation
        return (1 + square) / (1 - square)
    }

    mutating func add(_ z: Double, dependenceMin: Double = 1) -> DetectorSignal {
        isForgotten = false
        if count > 0 { steps += (z - last) * (z - last) }
        last = z
        count += 1
        total += z
        squares += z * z
        sums.add(Float(z))
        blocks.add(Float(z), count: count)
        guard count % Self.stride == 0, count >= ValueWatch.warmUp else { return signal }
        return look(dependenceMin)
    }

    private var signal: DetectorSignal { evidence >= ErrorWatch.warningShare ? .warning : .none }

    private mutating func look(_ dependenceMin: Double) -> DetectorSignal {
        let n = Double(count)
        let mean = total / n
        let whole = squares / n - mean * mean
        guard whole > 0 else { return .none }
        let near = max(dependence, dependenceMin)
        let far = blocks.inflations(count: count, variance: whole)
        let highest = base + Self.offset
        let scale = n * n * whole
        let (count, total, isTwoSided) = (count, total, isTwoSided)
        var best = 0.0
        var age = 0
        var hasFallen = false
        sums.forEachSuffix(
            { length, sum in
                let (n1, n0) = (Double(length), Double(count - length))
                let inflation = max(near, BlockSpread.inflation(far, over: length))
                guard length >= 16, n0 >= 100, n0 >= Self.referenceMin * inflation else { return }
                let fall = Self.slope * (roughLog(min(n0, n1)) - roughLog(inflation))
                let needed = inflation * max(Self.floor, highest - fall)
                let difference = sum * n0 - (total - sum) * n1
                let square = difference * difference
                let all = scale * n0 * n1
                let counts = isTwoSided || difference > 0
                // `-ln(1 - x)` is less than `x / (1 - x)`, so most windows need no logarithm.
                let least = needed * (counts ? best : 1)
                guard square * (n / 2 + least) > least * all else { return }
                // The likelihood ratio with an unknown variance.
                let share = -n / 2 * Libm.log(max(1e-9, 1 - square / all)) / needed
                if !counts {
                    hasFallen = hasFallen || share >= 1
                } else if share > best {
                    best = share
                    age = length
                }
            },
            { Double($0) }
        )
        evidence = best
        changeAge = age
        if best >= 1 { return .drift }
        isForgotten = hasFallen
        return signal
    }

    mutating func forget() {
        (count, evidence, total, squares, steps) = (0, 0, 0, 0, 0)
        sums = SuffixSums()
        blocks = BlockSpread()
    }
}
