import Decay

/// How large the steps of a feature from one row to the next usually are; a step far beyond that is an outlier.
///
/// The step is judged and not the level, which may move far in time without a single unusual value. Steps are known by
/// their median, their robust deviation and where the farthest of them lie, so a wild value among those that are learned
/// hides none that follows.
struct StepWatch: Codable, Sendable, Hashable {
    /// A step that is too large.
    struct Outlier: Sendable, Hashable {
        /// The value before it.
        var previous: Double
        /// Robust deviations from the usual step.
        var deviations: Double
        /// Between which values the next one was expected.
        var expected: ClosedRange<Double>
    }

    /// Steps that a window needs to be learned from.
    private static let stepsMin = 40

    private var usual: RobustLevel?
    private var windows = 0
    private var previous: Double?

    /// A watch that knows no steps, only where the next one begins.
    var forgotten: StepWatch {
        var watch = StepWatch()
        watch.previous = previous
        return watch
    }

    /// Judges the step to the next value.
    mutating func add(_ value: Double) -> Outlier? {
        defer { previous = value }
        guard let previous, let usual, let deviations = usual.z(value - previous), abs(deviations) > usual.limit
        else { return nil }
        let middle = previous + usual.median
        let far = usual.limit * usual.deviation
        return Outlier(previous: previous, deviations: deviations, expected: (middle - far)...(middle + far))
    }

    /// Learns from a window of values in their order: what is usual is the mean of what its windows say.
    mutating func learn(_ values: [Float]) {
        guard values.count > Self.stepsMin,
            let level = RobustLevel(zip(values.dropFirst(), values).map { Double($0) - Double($1) })
        else { return }
        windows += 1
        guard var known = usual else {
            usual = level
            return
        }
        let share = 1 / Double(windows)
        known.median += (level.median - known.median) * share
        known.deviation += (level.deviation - known.deviation) * share
        known.limit += (level.limit - known.limit) * share
        usual = known
    }
}

/// Episodes of outliers, so that one trouble is said once.
///
/// An episode lasts until a stretch of rows had none, a window at first and twice as long after each episode: where
/// outliers keep coming, they are not unusual. Within an episode only one that is twice as far as all before is news.
struct OutlierEpisodes: Codable, Sendable, Hashable {
    /// Rows without an outlier after which the next is always news.
    private static let quietMax = 500

    private var last: Int?
    private var quiet: Int
    private var farthest = 0.0

    init(window: Int) { quiet = min(Self.quietMax, window) }

    /// Takes the farthest outlier of a row.
    /// - Returns: Whether it is news.
    mutating func add(deviations: Double, row: Int) -> Bool {
        defer { last = row }
        let distance = abs(deviations)
        if let last, row - last <= quiet {
            guard distance > 2 * farthest else { return false }
            farthest = distance
            return true
        }
        if last != nil { quiet = min(Self.quietMax, 2 * quiet) }
        farthest = distance
        return true
    }
}
