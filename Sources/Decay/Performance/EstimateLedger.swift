/// Estimates made without labels, held against what the labels say when they land.
///
/// Each window's estimate waits with its interval until enough of its labels are there; then it is reconciled once, and
/// again when a correction changes the realized value.
public struct EstimateLedger: Codable, Sendable, Hashable {
    /// An estimate and what came true.
    public struct Reconciliation: Codable, Sendable, Hashable {
        /// The window.
        public var window: Int
        /// What was estimated.
        public var estimate: Double
        /// Between which values it was said to lie.
        public var low: Double
        /// Between which values it was said to lie.
        public var high: Double
        /// What the labels say.
        public var realized: Double
        /// Share of the window's predictions that have a label.
        public var labelledShare: Double

        /// How far the estimate was too high.
        public var gap: Double { estimate - realized }
        /// Whether the realized value lies in the interval.
        public var isInside: Bool { realized >= low && realized <= high }
    }

    /// How estimates did so far.
    public struct Record: Codable, Sendable, Hashable {
        /// Windows that were reconciled.
        public var count = 0
        /// Of those, the ones that came true within their interval.
        public var inside = 0
        /// Sum of the sizes of their gaps.
        public var gapSum = 0.0

        /// Share of intervals that held; nil before the first.
        public var coverage: Double? { count > 0 ? Double(inside) / Double(count) : nil }
        /// The mean size of a gap; nil before the first.
        public var meanGap: Double? { count > 0 ? gapSum / Double(count) : nil }
    }

    /// Share of a window's labels from which on it is reconciled.
    public let shareMin: Double
    /// Windows whose estimate waits or may be corrected at most; the oldest is dropped.
    public let windowsMax: Int
    /// How estimates did.
    public private(set) var record = Record()

    private var open: [Int: Entry] = [:]

    private struct Entry: Codable, Sendable, Hashable {
        var estimate: Double
        var low: Double
        var high: Double
        var realized: Double?
    }

    /// Begins without estimates.
    /// - Precondition: `shareMin` is in 0...1 and `windowsMax` 1 or more.
    public init(shareMin: Double = 0.8, windowsMax: Int = 256) {
        precondition((0...1).contains(shareMin) && windowsMax >= 1, "no windows")
        self.shareMin = shareMin
        self.windowsMax = windowsMax
    }

    /// Windows that wait for their labels, ascending.
    public var waiting: [Int] { open.filter { $0.value.realized == nil }.keys.sorted() }

    /// Notes an estimate; a later one of the same window replaces it as long as that is not reconciled.
    public mutating func estimate(_ value: Double, low: Double, high: Double, window: Int) {
        guard value.isFinite, open[window]?.realized == nil else { return }
        open[window] = Entry(estimate: value, low: low, high: high)
        while open.count > windowsMax, let oldest = open.keys.min() { open[oldest] = nil }
    }

    /// Notes what the labels of a window say.
    /// - Returns: The reconciliation, when enough labels are there and the value is new.
    public mutating func realize(_ value: Double, labelledShare: Double, window: Int) -> Reconciliation? {
        guard value.isFinite, labelledShare >= shareMin, var entry = open[window], entry.realized != value else {
            return nil
        }
        func made(_ realized: Double) -> Reconciliation {
            Reconciliation(
                window: window,
                estimate: entry.estimate,
                low: entry.low,
                high: entry.high,
                realized: realized,
                labelledShare: labelledShare
            )
        }
        if let before = entry.realized.map(made) {
            record.count -= 1
            record.inside -= before.isInside ? 1 : 0
            record.gapSum -= abs(before.gap)
        }
        let now = made(value)
        record.count += 1
        record.inside += now.isInside ? 1 : 0
        record.gapSum += abs(now.gap)
        entry.realized = value
        open[window] = entry
        return now
    }
}
