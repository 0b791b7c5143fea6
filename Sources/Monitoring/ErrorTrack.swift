import Decay
import Events
import Pipelines

/// The metric of one champion: its rolling value against the baseline, and whether its errors are surely more than
/// before. Both speak of the same episodes: one is open at a time, and it is said once that it begins and ends.
struct ErrorTrack: Codable, Sendable, Hashable {
    /// Samples after which a lasting change that the sequential detector found is judged again, at least.
    static let blockMin = 100

    /// What a sample changed.
    enum Signal: Sendable, Hashable {
        case suspected(Figures)
        case detected(Figures)
        case persisted(Figures)
        case cleared(Figures)
    }

    /// The numbers behind a signal.
    struct Figures: Sendable, Hashable {
        var detector: Pipeline.MonitorSettings.MetricDetector
        var part: Trail.Part
        var value: Double
        var baseline: Double
        var near: Double
        var breach: Double
        var window: Int
        var firstSuspectKey: String?
        var firstSuspectAt: Double?
        var evidence: Double?
    }

    /// What the sequential detector found, until it is over.
    private struct Change: Codable, Sendable, Hashable {
        var before: Double
        var after: Double
        /// When it began, as far as the rate of labels tells.
        var at: Double
        var block = Trail()
    }

    private let settings: Pipeline.MonitorSettings
    private let isShare: Bool
    private var rolling: RollingErrorMonitor?
    private var learning: Moments?
    private var isRecovering: Bool
    private var sequential: BudgetedWatch?
    private var change: Change?
    private(set) var trail = Trail()
    /// `normal`, `suspected` or `breached`.
    private(set) var level = RollingErrorMonitor.Level.normal
    /// Episodes of decay so far.
    private(set) var episodes = 0
    /// How often the present one was said again.
    private(set) var repeats = 0
    /// Labelled predictions so far.
    private(set) var labels = 0

    init(_ settings: Pipeline.MonitorSettings, baseline: Double, recovering: Bool) throws(DecaySettingsError) {
        self.settings = settings
        isShare = settings.metric == .errorRate
        isRecovering = recovering
        if settings.detectors.contains(.sequential) {
            sequential = BudgetedWatch(settings.falseAlarms, isShare: isShare)
        }
        switch settings.baseline {
        case .validation: rolling = try Self.rolling(settings, baseline, recovering)
        case .learned: learning = Moments()
        }
    }

    private static func rolling(
        _ settings: Pipeline.MonitorSettings,
        _ baseline: Double,
        _ recovering: Bool
    ) throws(DecaySettingsError) -> RollingErrorMonitor {
        RollingErrorMonitor(
            settings: try RollingErrorMonitor.Settings(
                window: settings.window,
                near: settings.nearFactor,
                breach: settings.breachFactor,
                baseline: baseline,
                rearmAfter: settings.rearmAfter
            ),
            recovering: recovering
        )
    }

    /// Whether decay was seen and its end was not.
    var isInEpisode: Bool { level != .normal || rolling?.isRecovering ?? isRecovering }
    /// Mean over the window; nil while there are too few labels.
    var value: Double? {
        guard let rolling, rolling.windowCount >= settings.minLabels else { return nil }
        return rolling.value
    }
    /// What the levels are multiples of; nil while it is learned.
    var baseline: Double? { rolling?.settings.baseline }
    var nearLevel: Double? { rolling?.settings.nearLevel }
    var breachLevel: Double? { rolling?.settings.breachLevel }
    /// Labelled predictions in ``value``.
    var windowCount: Int { rolling?.windowCount ?? 0 }
    /// Earliest time of a prediction in it.
    var windowStart: Double? { rolling?.windowStart }
    /// The sequential detector's evidence; nil where it is not asked for.
    var evidence: Double? { sequential?.evidence }
    /// Labels a second, once they are known.
    var perSecond: Double? { sequential?.perSecond }
    /// False alarms a value that the sequential detector is allowed.
    var perValue: Double? { sequential?.perValue }

    /// A label was replaced by a newer one.
    mutating func correct(error: Double, key: String) { _ = rolling?.correct(error: error, key: key) }

    mutating func add(error: Double, key: String, at seconds: Double) -> Signal? {
        guard error.isFinite, seconds.isFinite else { return nil }
        labels += 1
        trail.add(error)
        let alarm = sequential?.add(error, at: seconds) ?? false
        guard rolling != nil else {
            learn(error)
            return nil
        }
        let signal = rolling?.add(error: error, key: key, at: seconds)
        if let signal, let found = judge(signal) { return found }
        if alarm, level != .breached { return begin(seconds) }
        return change == nil ? nil : follow(error)
    }

    private mutating func learn(_ error: Double) {
        guard case .learned(let count) = settings.baseline else { return }
        learning?.add(error)
        guard let learned = learning, learned.count >= count else { return }
        // A mean of errors is 0 or more and finite, and the factors were checked with the file.
        rolling = try? Self.rolling(settings, learned.mean, isRecovering)
        learning = nil
    }

    private mutating func judge(_ signal: RollingErrorMonitor.Signal) -> Signal? {
        let figures = figures(signal.figures)
        switch signal {
        case .detected where settings.detectors.contains(.threshold):
            if level == .breached {
                repeats += 1
                return .persisted(figures)
            }
            open()
            return .detected(figures)
        case .suspected, .detected:
            guard level == .normal else { return nil }
            level = .suspected
            return .suspected(figures)
        case .cleared:
            guard change == nil else { return nil }
            close()
            return .cleared(figures)
        }
    }

    private mutating func open() {
        level = .breached
        episodes += 1
        repeats = 0
    }

    private mutating func close() {
        level = .normal
        change = nil
        isRecovering = false
    }

    private mutating func begin(_ seconds: Double) -> Signal? {
        let age = max(sequential?.changeAge ?? 0, ErrorTrack.suffixMin)
        let (before, after) = (trail.before(age), trail.newest(age))
        guard before.count > 0, after.mean > before.mean else { return nil }
        open()
        let began = seconds - Double(after.count) / max(sequential?.perSecond ?? 1, 1e-9)
        change = Change(before: before.mean, after: after.mean, at: began)
        return sequentialFigures(after, evidence: 1).map { .detected($0) }
    }

    /// The shortest change that is described.
    private static let suffixMin = 16

    private mutating func follow(_ error: Double) -> Signal? {
        change?.block.add(error)
        guard let now = change, now.block.count >= max(settings.rearmAfter, Self.blockMin) else { return nil }
        let part = now.block.newest(now.block.count)
        change?.block = Trail()
        guard let figures = sequentialFigures(part, evidence: sequential?.evidence ?? 0) else { return nil }
        if part.mean < (now.before + now.after) / 2 {
            // Over the levels it is still decay, only no longer this one.
            change = nil
            guard let value = rolling?.value, let near = nearLevel, value < near else { return nil }
            close()
            return .cleared(figures)
        }
        guard level == .breached else { return nil }
        repeats += 1
        return .persisted(figures)
    }

    private func sequentialFigures(_ part: Trail.Part, evidence: Double) -> Figures? {
        guard let levels = rolling?.settings else { return nil }
        return Figures(
            detector: .sequential,
            part: part,
            value: part.mean,
            baseline: levels.baseline,
            near: levels.nearLevel,
            breach: levels.breachLevel,
            window: part.count,
            firstSuspectKey: nil,
            firstSuspectAt: change?.at,
            evidence: evidence
        )
    }

    private func figures(_ figures: RollingErrorMonitor.Figures) -> Figures {
        var part = trail.newest(figures.window)
        part.mean = figures.value
        part.count = figures.window
        return Figures(
            detector: .threshold,
            part: part,
            value: figures.value,
            baseline: figures.baseline,
            near: figures.nearLevel,
            breach: figures.breachLevel,
            window: figures.window,
            firstSuspectKey: figures.firstSuspectKey,
            firstSuspectAt: figures.firstSuspectAt,
            evidence: nil
        )
    }
}
