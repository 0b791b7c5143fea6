/// Windows by the time of the predictions, filled as labels come, late ones too: what a metric was, what it was estimated
/// at, and the share of predictions with a label by then.
///
/// A window is final when its labels are no longer waited for; a label that comes later still corrects it as long as it
/// is remembered. A value under the minimum of labels is unknown.
public struct TimeWindows: Codable, Sendable, Hashable {
    /// Windows that are remembered at most; the oldest go.
    public static let windowsMax = 64

    /// One window.
    public struct Window: Codable, Sendable, Hashable {
        /// Its number: the time of its predictions divided by its length.
        public let index: Int
        /// Predictions made in it.
        public fileprivate(set) var predictions = 0
        /// Of those, the ones with a label.
        public fileprivate(set) var labelled = 0
        /// Labels that came after the time-out.
        public fileprivate(set) var late = 0
        /// Labels that replaced another.
        public fileprivate(set) var corrected = 0
        /// Sum of the errors.
        public fileprivate(set) var sum = 0.0
        fileprivate var squares = 0.0
        /// Sum of the errors that were expected without labels.
        public fileprivate(set) var expected = 0.0
        /// Predictions of which an error was expected.
        public fileprivate(set) var estimated = 0
        /// Whether its labels are no longer waited for.
        public fileprivate(set) var isFinal = false
        /// Whether a label came after it was final and was not told yet.
        fileprivate var isStale = false

        /// Share of predictions with a label.
        public var labelledShare: Double { predictions > 0 ? Double(labelled) / Double(predictions) : 0 }

        /// The errors.
        public var part: Trail.Part { Trail.Part(count: labelled, sum: sum, squares: squares) }
    }

    /// Length of a window, in the unit of the times.
    public let length: Double
    /// Time after a window's end for which its labels are waited for.
    public let timeout: Double
    /// The oldest first.
    public private(set) var windows: [Window] = []
    /// The newest time that was seen.
    public private(set) var watermark = -Double.infinity
    /// Labels that came after the time-out.
    public private(set) var labelsLate = 0
    /// Labels that replaced another.
    public private(set) var labelsCorrected = 0

    /// Begins without windows.
    /// - Precondition: `length` is above 0 and `timeout` 0 or more.
    public init(length: Double, timeout: Double) {
        precondition(length > 0 && timeout >= 0, "no window")
        self.length = length
        self.timeout = timeout
    }

    private enum CodingKeys: String, CodingKey {
        case length, timeout, windows, watermark, labelsLate, labelsCorrected
    }

    /// Reads what ``encode(to:)`` wrote.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        length = try container.decode(Double.self, forKey: .length)
        timeout = try container.decode(Double.self, forKey: .timeout)
        windows = try container.decode([Window].self, forKey: .windows)
        watermark = try container.decodeIfPresent(Double.self, forKey: .watermark) ?? -.infinity
        labelsLate = try container.decode(Int.self, forKey: .labelsLate)
        labelsCorrected = try container.decode(Int.self, forKey: .labelsCorrected)
    }

    /// Writes all of it; JSON has no infinity, so a time before the first is left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(length, forKey: .length)
        try container.encode(timeout, forKey: .timeout)
        try container.encode(windows, forKey: .windows)
        try container.encode(watermark.isFinite ? watermark : nil, forKey: .watermark)
        try container.encode(labelsLate, forKey: .labelsLate)
        try container.encode(labelsCorrected, forKey: .labelsCorrected)
    }

    /// When a window begins.
    public func start(of window: Window) -> Double { Double(window.index) * length }

    private mutating func change(at seconds: Double, _ body: (inout Window) -> Void) {
        let index = Int((seconds / length).rounded(.down))
        if let place = windows.lastIndex(where: { $0.index <= index }) {
            if windows[place].index == index {
                body(&windows[place])
                return
            }
            windows.insert(Window(index: index), at: place + 1)
            body(&windows[place + 1])
        } else {
            // Older than all that is remembered: known no more.
            guard windows.count < Self.windowsMax else { return }
            windows.insert(Window(index: index), at: 0)
            body(&windows[0])
        }
        if windows.count > Self.windowsMax { windows.removeFirst() }
    }

    /// Counts a prediction made at `seconds`, with what was expected of its error.
    public mutating func addPrediction(at seconds: Double, expected: Double?) {
        change(at: seconds) { window in
            window.predictions += 1
            if let expected {
                window.expected += expected
                window.estimated += 1
            }
        }
    }

    /// Counts the label, which came at `labelledAt`, of a prediction made at `seconds`.
    public mutating func addLabel(error: Double, at seconds: Double, labelledAt: Double) {
        let isLate = labelledAt - seconds > timeout
        if isLate { labelsLate += 1 }
        change(at: seconds) { window in
            window.labelled += 1
            window.sum += error
            window.squares += error * error
            if isLate { window.late += 1 }
            if window.isFinal { window.isStale = true }
        }
    }

    /// Replaces the error of a prediction whose label was corrected.
    public mutating func correct(error old: Double, to new: Double, at seconds: Double) {
        labelsCorrected += 1
        change(at: seconds) { window in
            guard window.labelled > 0 else { return }
            window.sum += new - old
            window.squares += new * new - old * old
            window.corrected += 1
            if window.isFinal { window.isStale = true }
        }
    }

    /// Moves the newest time on.
    /// - Returns: Windows that are final now and were not before, or that late labels corrected, the oldest first.
    public mutating func advance(to seconds: Double) -> [(window: Window, isCorrection: Bool)] {
        watermark = max(watermark, seconds)
        var found: [(window: Window, isCorrection: Bool)] = []
        for place in windows.indices where windows[place].predictions > 0 {
            let end = Double(windows[place].index + 1) * length
            if !windows[place].isFinal {
                let isComplete = windows[place].labelled >= windows[place].predictions && end <= watermark
                guard isComplete || end + timeout <= watermark else { continue }
                windows[place].isFinal = true
                found.append((windows[place], false))
            } else if windows[place].isStale {
                windows[place].isStale = false
                found.append((windows[place], true))
            }
        }
        return found
    }

    /// Share of predictions with a label, among those whose labels are due; nil before any is.
    public var labelledShare: Double? {
        let (all, labelled) = windows.filter(\.isFinal)
            .reduce((0, 0)) { ($0.0 + $1.predictions, $0.1 + $1.labelled) }
        return all > 0 ? Double(labelled) / Double(all) : nil
    }

    /// Share of predictions with a label, among those of windows from `seconds` on.
    public func labelledShare(since seconds: Double) -> Double? {
        let (all, labelled) = windows.filter { Double($0.index + 1) * length > seconds }
            .reduce((0, 0)) { ($0.0 + $1.predictions, $0.1 + $1.labelled) }
        return all > 0 ? min(1, Double(labelled) / Double(all)) : nil
    }
}
