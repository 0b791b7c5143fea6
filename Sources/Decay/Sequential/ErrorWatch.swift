/// The default detector of a rising error rate, with a stated budget of false alarms.
///
/// At each look the newest values of about forty lengths are compared with everything before them by the likelihood
/// ratio of two binomials. The threshold of a window falls with its length, because there are fewer long windows than
/// short ones in a stream: all lengths get the same share of the budget. Three things make it hold outside of a
/// textbook:
/// - Values that depend on the one before count as fewer (``dependence``), so streaks are not decay.
/// - No ``burst`` successive values say more than ``burstEvidence``, so a short burst of errors is not decay.
/// - An improvement is not decay: the values before it are forgotten and nothing is said.
///
/// After an alarm everything is forgotten and learned again.
/// - Source: T. L. Lai, Sequential changepoint detection (1995), for the ratio over windows; the calibration of the
///   threshold is in docs/detectors.md.
public struct ErrorWatch: Detector {
    /// Successive values whose evidence is bounded.
    public static let burst = 25
    /// What they can say together, in nats.
    public static let burstEvidence = 14.5

    /// False alarms a value that are allowed.
    public let budget: Double
    /// Values since the last alarm, improvement or start.
    public private(set) var count = 0
    /// Errors among them.
    public private(set) var errors = 0
    /// The evidence over its threshold at the last look; an alarm from 1 on.
    public private(set) var evidence = 0.0
    /// Length of the window with that evidence: the change is about so many values ago.
    public private(set) var changeAge = 0
    /// Alarms so far.
    public private(set) var alarms = 0
    /// Improvements so far: the rate fell for sure, and what was before is forgotten.
    public private(set) var improvements = 0

    private var pairs = 0
    private var recent: UInt32 = 0
    private var last: UInt8 = 2
    private var cap = UInt8(ErrorWatch.burst)
    private var sums = SuffixSums<UInt16>()
    private var blocks = BlockSpread()

    /// Windows are this long at least: in a shorter one a burst would be everything.
    static let lengthMin = 32
    /// Looks every so many values.
    static let stride = 4
    /// Values before the first look.
    public static let warmUp = 200
    /// Share of the threshold from which on it warns.
    public static let warningShare = 0.7

    /// Begins without values.
    ///
    /// - Parameter budget: False alarms a value; 1e-6 is one in a million.
    /// - Precondition: `budget` is in 1e-12...0.01.
    public init(budget: Double = 1e-6) {
        precondition(budget >= 1e-12 && budget <= 0.01, "no budget")
        self.budget = budget
    }

    /// What it keeps, in bytes, without the allocator's own.
    public var stateBytes: Int { MemoryLayout<ErrorWatch>.size }

    /// The share of errors; 0 before the first value.
    public var errorRate: Double { count > 0 ? Double(errors) / Double(count) : 0 }

    /// By how much values that follow each other depend: 1 for independent ones, `(1 + ρ) / (1 - ρ)` in general.
    public var dependence: Double {
        guard count > 50 else { return 1 }
        let p = errorRate
        let expected = 2 * p * (1 - p)
        guard expected > 0 else { return 1 }
        // Where the value changes less often than chance would, it depends on the one before. Less than three
        // standard errors are chance.
        let rho = 1 - Double(pairs) / Double(count) / expected
        return rho * rho * Double(count) < 9 || rho < 0 ? 1 : (1 + min(rho, 0.99)) / (1 - min(rho, 0.99))
    }

    /// Looks at the next value: 0 is right, everything else an error.
    public mutating func add(_ value: Double) -> DetectorSignal {
        let bit: UInt8 = value != 0 ? 1 : 0
        recent = (recent << 1 | UInt32(bit)) & (1 << UInt32(Self.burst) - 1)
        if bit == 1, recent.nonzeroBitCount > cap { return signal }
        count += 1
        errors += Int(bit)
        if last != 2, last != bit { pairs += 1 }
        last = bit
        sums.add(UInt16(bit))
        blocks.add(Float(bit), count: count)
        guard count % Self.stride == 0, count >= Self.warmUp else { return signal }
        return look()
    }

    private var signal: DetectorSignal { evidence >= Self.warningShare ? .warning : .none }

    private mutating func look() -> DetectorSignal {
        let (n, k) = (Double(count), Double(errors))
        if count % 64 == 0 { cap = Self.cap(errorRate) }
        let variance = k / n * (1 - k / n)
        guard variance > 0 else { return signal }
        let near = dependence
        let far = blocks.inflations(count: count, variance: variance)
        let highest = Libm.log(1 / budget) + Self.offset
        let whole = Self.entropy(k, n)
        let scale = n * variance
        let count = count
        var best = 0.0
        var age = 0
        var hasImproved = false
        sums.forEachSuffix(
            { length, sum in
                let before = count - length
                guard length >= Self.lengthMin, before >= 100 else { return }
                let (n1, n0) = (Double(length), Double(before))
                let k0 = k - sum
                let inflation = max(near, BlockSpread.inflation(far, over: length))
                let fall = Self.slope * (roughLog(min(n0, n1)) - roughLog(inflation))
                let needed = inflation * max(Self.floor, highest - fall)
                let difference = sum * n0 - k0 * n1
                // No likelihood ratio is more than the left side over `scale`, and most windows need no logarithm.
                guard difference * difference > needed * (difference > 0 ? best : 1) * (scale * n0 * n1) else { return }
                let share = (whole - Self.entropy(sum, n1) - Self.entropy(k0, n0)) / needed
                if difference <= 0 {
                    hasImproved = hasImproved || share >= 1
                } else if share > best {
                    best = share
                    age = length
                }
            },
            { Double($0) }
        )
        evidence = best
        changeAge = age
        if best >= 1 {
            forget()
            alarms += 1
            return .drift
        }
        if hasImproved {
            forget()
            improvements += 1
        }
        return signal
    }

    private mutating func forget() {
        (count, errors, pairs, evidence) = (0, 0, 0, 0)
        last = 2
        cap = UInt8(Self.burst)
        sums = SuffixSums()
        blocks = BlockSpread()
    }

    /// Added to every threshold: the number of window lengths and of looks, calibrated by simulation.
    static let offset = 1.2
    /// How the threshold falls with the logarithm of the window; at 1 every length had the same share of the budget.
    static let slope = 0.7
    /// No threshold is lower.
    static let floor = 5.0

    /// `-(k ln(k/n) + (n-k) ln(1-k/n))`
    @inline(__always)
    static func entropy(_ k: Double, _ n: Double) -> Double {
        guard k > 0, k < n else { return 0 }
        let p = k / n
        return -(k * Libm.log(p) + (n - k) * Libm.log(1 - p))
    }

    /// The errors among ``burst`` values that say ``burstEvidence`` at an error rate.
    private static func cap(_ rate: Double) -> UInt8 {
        let p = max(rate, 1e-4)
        let n = Double(burst)
        for k in 1...burst {
            let q = Double(k) / n
            guard q > p else { continue }
            let evidence = n * (q * Libm.log(q / p) + (q < 1 ? (1 - q) * Libm.log((1 - q) / (1 - p)) : 0))
            if evidence > burstEvidence { return UInt8(max(2, k - 1)) }
        }
        return UInt8(burst)
    }
}
