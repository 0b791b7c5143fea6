/// How large the steps of a feature from one row to the next usually are; a step far beyond that is an outlier.
///
/// The step is judged and not the level, which may move far in time without a single unusual value. Steps are known by
/// their median, their robust deviation and where the farthest of them lie, so a wild value among those that are learned
/// hides none that follows.
public struct StepWatch: Codable, Sendable, Hashable {
    /// A step that is too large.
    public struct Outlier: Sendable, Hashable {
        /// The value before it.
        public var previous: Double
        /// Robust deviations from the usual step.
        public var deviations: Double
        /// Between which values the next one was expected.
        public var expected: ClosedRange<Double>
    }

    /// Steps that a window needs to be learned from.
    private static let stepsMin = 40

    private var usual: RobustLevel?
    private var windows = 0
    private var previous: Double?

    /// Begins without steps.
    public init() {}

    /// A watch that knows no steps, only where the next one begins.
    public var forgotten: StepWatch {
        var watch = StepWatch()
        watch.previous = previous
        return watch
    }

    /// Judges the step to the next value.
    public mutating func add(_ value: Double) -> Outlier? {
        defer { previous = value }
        guard let previous, let usual, let deviations = usual.z(value - previous), abs(deviations) > usual.limit
        else { return nil }
        let middle = previous + usual.median
        let far = usual.limit * usual.deviation
        return Outlier(previous: previous, deviations: deviations, expected: (middle - far)...(middle + far))
    }

    /// Learns from a window of values in their order: what is usual is the mean of what its windows say.
    public mutating func learn(_ values: [Float]) {
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
