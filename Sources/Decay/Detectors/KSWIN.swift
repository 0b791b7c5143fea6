/// Kolmogorov-Smirnov windowing: the newest values against a sample of those before them.
///
/// With a window of twice the newest values there is nothing to sample, and the answer is exact; otherwise the sample
/// is drawn from the detector's own generator, which is part of its state.
/// - Source: C. Raab, M. Heusinger and F.-M. Schleif, Reactive soft prototype computing (2020).
public struct KSWIN: Detector {
    /// Probability of a false alarm at one value.
    public let alpha: Double
    /// Values in the window.
    public let window: Int
    /// Values of the newest part, and of the sample.
    public let newest: Int

    private let seed: UInt64
    private let levels: Int
    private var ring: [Double] = []
    private var oldest = 0
    private var old: [Double] = []
    private var new: [Double] = []
    private var generator: CounterGenerator
    private var isDone = false

    /// Begins with an empty window.
    /// - Precondition: `0 < newest <= window / 2`.
    public init(alpha: Double = 0.005, window: Int = 100, newest: Int = 30, seed: UInt64 = 0) {
        precondition(newest > 0 && newest <= window / 2, "no window")
        self.alpha = alpha
        self.window = window
        self.newest = newest
        self.seed = seed
        generator = CounterGenerator(seed: seed)
        // The smallest distance, in steps of 1/newest, that is drift: its probability is at most alpha and it is over 0.1.
        var level = newest / 10
        repeat {
            level += 1
        } while level <= newest
            && (Double(level) / Double(newest) <= 0.1
                || KolmogorovSmirnov.exactTail(Double(level) / Double(newest), newest, newest) > alpha)
        levels = level
    }

    /// Looks at the next value; NaN is none, and has no rank.
    public mutating func add(_ value: Double) -> DetectorSignal {
        guard !value.isNaN else { return .none }
        if isDone { self = KSWIN(alpha: alpha, window: window, newest: newest, seed: seed) }
        let isExact = window == 2 * newest
        if ring.count < window {
            ring.append(value)
            guard ring.count == window else { return .none }
            new = ascending(Array(ring[(window - newest)...]))
            if isExact { old = ascending(Array(ring[..<newest])) }
        } else {
            // The oldest of the newest becomes one of the older.
            let crossing = ring[(oldest + window - newest) % window]
            replace(&new, crossing, value)
            if isExact { replace(&old, ring[oldest], crossing) }
            ring[oldest] = value
            oldest = oldest + 1 == window ? 0 : oldest + 1
        }
        if !isExact { draw() }
        isDone = largestStep() >= levels
        return isDone ? .drift : .none
    }

    /// Takes one value out of a sorted array and puts another in.
    private func replace(_ sorted: inout [Double], _ out: Double, _ value: Double) {
        var place = lowerBound(sorted, out)
        while place + 1 < sorted.count, sorted[place + 1] < value {
            sorted[place] = sorted[place + 1]
            place += 1
        }
        while place > 0, sorted[place - 1] > value {
            sorted[place] = sorted[place - 1]
            place -= 1
        }
        sorted[place] = value
    }

    private mutating func draw() {
        let older = window - newest
        // Floyd's way: `newest` different places of the older part.
        withUnsafeTemporaryAllocation(of: Bool.self, capacity: older) { isChosen in
            isChosen.initialize(repeating: false)
            old.removeAll(keepingCapacity: true)
            for last in (older - newest)..<older {
                let pick = Int.random(in: 0...last, using: &generator)
                let place = isChosen[pick] ? last : pick
                isChosen[place] = true
                let index = oldest + place
                old.append(ring[index < window ? index : index - window])
            }
        }
        sortFew(&old)
    }

    /// The largest distance of the distribution functions in steps of 1/newest.
    private func largestStep() -> Int {
        var (i, j, largest) = (0, 0, 0)
        old.withUnsafeBufferPointer { old in
            new.withUnsafeBufferPointer { new in
                while i < newest, j < newest {
                    let (a, b) = (old[i], new[j])
                    if a <= b { while i < newest, old[i] == a { i += 1 } }
                    if b <= a { while j < newest, new[j] == b { j += 1 } }
                    largest = max(largest, abs(i - j))
                }
            }
        }
        return largest
    }
}
