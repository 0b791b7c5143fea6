/// Windows by the time of the prediction, filled as labels come late, and final after a horizon.
///
/// A window's figures belong to the time when its predictions were made, however late their labels are; each figure
/// comes with the share of predictions that had a label by then. Memory grows with the open windows only.
public struct LabelWindows: Codable, Sendable, Hashable {
    /// Length of a window, in the unit of the times.
    public let window: Double
    /// Windows after its end for which a window stays open.
    public let horizon: Int
    /// Labels that came after their window was final.
    public private(set) var lateLabels = 0

    private var open: [Int: Figures] = [:]
    private var closedBefore = Int.min

    /// What is known of a window.
    public struct Figures: Codable, Sendable, Hashable {
        /// Number of the window: the time of its predictions divided by its length.
        public var window: Int
        /// Predictions in it.
        public var predictions = 0
        /// Of those, the ones with a label.
        public var labelled = 0
        /// Counts of the labelled ones.
        public var confusion = Confusion()
        /// Sum of the absolute errors of the labelled ones.
        public var errorSum = 0.0

        /// Share of predictions that have a label.
        public var labelledShare: Double { predictions > 0 ? Double(labelled) / Double(predictions) : 0 }

        /// The share of right answers with its interval, or nil under `minimum` labels: then it is unknown.
        public func accuracy(minimum: Int, alpha: Double = 0.05) -> (value: Double, low: Double, high: Double)? {
            guard labelled >= max(1, minimum) else { return nil }
            let hits = Int(confusion.truePositives + confusion.trueNegatives)
            let interval = RateTests.interval(hits, of: labelled, alpha: alpha)
            return (Double(hits) / Double(labelled), interval.low, interval.high)
        }
    }

    /// Begins without windows.
    /// - Precondition: `window` is above 0 and `horizon` 0 or more.
    public init(window: Double, horizon: Int) {
        precondition(window > 0 && horizon >= 0, "no window")
        self.window = window
        self.horizon = horizon
    }

    /// The window of a time.
    public func index(of time: Double) -> Int { Int((time / window).rounded(.down)) }

    /// Counts a prediction made at `time`.
    public mutating func addPrediction(at time: Double) {
        let index = index(of: time)
        guard index >= closedBefore else { return }
        open[index, default: Figures(window: index)].predictions += 1
    }

    /// Counts the label of a prediction that was made at `time`; a label of a final window changes nothing.
    public mutating func addLabel(at time: Double, label: Bool, answer: Bool) {
        let index = index(of: time)
        guard index >= closedBefore else {
            lateLabels += 1
            return
        }
        open[index, default: Figures(window: index)].labelled += 1
        open[index]?.confusion.add(label: label, answer: answer)
        if label != answer { open[index]?.errorSum += 1 }
    }

    /// Says what is known at `watermark`, the time up to which labels have come, and closes what is final then.
    ///
    /// - Returns: Windows that had ended by then and were not final before, the oldest first.
    public mutating func advance(to watermark: Double) -> [Figures] {
        let ended = open.keys.filter { Double($0 + 1) * window <= watermark }.sorted()
        let figures = ended.compactMap { open[$0] }
        for index in ended where Double(index + 1 + horizon) * window <= watermark {
            open[index] = nil
            closedBefore = max(closedBefore, index + 1)
        }
        return figures
    }
}
