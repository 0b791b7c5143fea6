/// Watches the error of one model over its last labelled predictions and says when the model decays.
///
/// One value belongs to one (pipeline, champion digest). The value is the mean absolute error of the last
/// `window` labelled predictions and is judged only when that window is full:
///
/// | level | entered when | signal |
/// |---|---|---|
/// | suspected | value >= near level | ``Signal/suspected(_:)``, once |
/// | breached | value >= breach level | ``Signal/detected(_:)``, and again every `rearmAfter` samples still in breach |
/// | normal | value < near level | ``Signal/cleared(_:)``, once |
///
/// A breached monitor goes back to normal only under the near level, never to suspected: a value that swings around
/// one level does not swing the signal. One sample gives at most one signal; a value that jumps over both levels is
/// `detected` without `suspected` before it.
///
/// The monitor reads no clock and allocates nothing after its window is full. Encode it to keep it over a restart:
/// the decoded value gives the same signals.
public struct RollingErrorMonitor: Sendable, Hashable {
    /// The most labelled predictions that a window may hold.
    public static let windowMax = 100_000

    /// What the monitor was told.
    public let settings: Settings
    /// What the monitor says now.
    public private(set) var level: Level = .normal
    /// Whether this monitor follows a champion that was replaced during an episode and has not been under the near
    /// level with a full window yet.
    public private(set) var isRecovering: Bool
    /// Labelled predictions counted so far.
    public private(set) var samplesSeen = 0
    /// Errors that were NaN or infinite; they are counted here and change nothing else.
    public private(set) var samplesIgnored = 0

    private var samples: [Sample] = []
    private var oldest = 0
    private var firstSuspect: Sample?
    private var samplesSinceDetection = 0

    /// Where the levels lie.
    public struct Settings: Sendable, Hashable {
        /// Labelled predictions in the window, 1...``RollingErrorMonitor/windowMax``.
        public let window: Int
        /// The near level as a factor of the baseline, above 0.
        public let near: Double
        /// The breach level as a factor of the baseline, at least `near`.
        public let breach: Double
        /// The error the model had when it was accepted, 0 or more, in the unit of the errors.
        public let baseline: Double
        /// After a detection, the further samples after which a value still in breach is detected again; at least 1.
        public let rearmAfter: Int

        /// Value from which on the model is suspected.
        public var nearLevel: Double { near * baseline }
        /// Value from which on decay is detected.
        public var breachLevel: Double { breach * baseline }

        /// Checks and keeps the settings.
        ///
        /// - Throws: ``DecaySettingsError`` that names the setting, its value and what is allowed.
        public init(
            window: Int,
            near: Double,
            breach: Double,
            baseline: Double,
            rearmAfter: Int
        ) throws(DecaySettingsError) {
            guard (1...RollingErrorMonitor.windowMax).contains(window) else {
                throw DecaySettingsError("window", window, "1...\(RollingErrorMonitor.windowMax)")
            }
            guard near.isFinite, near > 0 else { throw DecaySettingsError("near", near, "a number above 0") }
            guard breach.isFinite, breach >= near else {
                throw DecaySettingsError("breach", breach, "a number that is at least near (\(near))")
            }
            guard baseline.isFinite, baseline >= 0, (breach * baseline).isFinite else {
                throw DecaySettingsError("baseline", baseline, "0 or a positive number")
            }
            guard rearmAfter >= 1 else { throw DecaySettingsError("rearmAfter", rearmAfter, "1 or more") }
            self.window = window
            self.near = near
            self.breach = breach
            self.baseline = baseline
            self.rearmAfter = rearmAfter
        }
    }

    /// How the model does.
    public enum Level: String, Codable, Sendable, Hashable, CaseIterable {
        /// Under the near level, or not judged yet.
        case normal
        /// At or over the near level in this episode, never at the breach level.
        case suspected
        /// At or over the breach level in this episode.
        case breached
    }

    /// What a sample changed.
    public enum Signal: Codable, Sendable, Hashable {
        /// The value reached the near level.
        case suspected(Figures)
        /// The value reached the breach level, or is still there after `rearmAfter` samples.
        case detected(Figures)
        /// The value is under the near level again.
        case cleared(Figures)

        /// The figures of any signal.
        public var figures: Figures {
            switch self {
            case .suspected(let figures), .detected(let figures), .cleared(let figures): figures
            }
        }
    }

    /// The numbers behind a signal.
    public struct Figures: Codable, Sendable, Hashable {
        /// Mean absolute error over the window.
        public var value: Double
        /// The baseline of the settings.
        public var baseline: Double
        /// Level of suspicion, in the unit of `value`.
        public var nearLevel: Double
        /// Level of detection, in the unit of `value`.
        public var breachLevel: Double
        /// Labelled predictions in `value`.
        public var window: Int
        /// Key of the sample with which this episode began; nil outside an episode.
        ///
        /// It is the sample that took the value to the near level, or, when the first full window was over it
        /// already, the first sample of that window whose own error reaches the near level.
        public var firstSuspectKey: String?
        /// Time of that sample, seconds since 1970; nil outside an episode.
        public var firstSuspectAt: Double?
    }

    private struct Sample: Codable, Sendable, Hashable {
        var error: Double
        var key: String
        var at: Double
    }

    /// Starts with an empty window.
    ///
    /// - Parameter recovering: True when this champion replaces one in the middle of an episode. The first full window
    ///   under the near level then gives ``Signal/cleared(_:)`` although this monitor never suspected anything.
    public init(settings: Settings, recovering: Bool = false) {
        self.settings = settings
        isRecovering = recovering
    }

    /// Mean absolute error of the samples in the window; nil before the first sample.
    public var value: Double? {
        // Summed anew each time: a running sum would keep the rounding errors of every sample ever seen.
        guard !samples.isEmpty else { return nil }
        var sum = 0.0
        for offset in 0..<samples.count { sum += samples[(oldest + offset) % samples.count].error }
        return sum / Double(samples.count)
    }

    /// Labelled predictions in the window, 0...window.
    public var windowCount: Int { samples.count }

    /// Adds one labelled prediction.
    ///
    /// - Parameters:
    ///   - error: Error of the prediction; its magnitude counts. A NaN or infinite error is counted in
    ///     ``samplesIgnored`` and changes nothing else.
    ///   - key: Key of the observation, kept to name the beginning of an episode.
    ///   - at: Time of the sample, seconds since 1970.
    /// - Returns: The signal that this sample caused, if any.
    /// - Complexity: O(window).
    public mutating func add(error: Double, key: String, at: Double) -> Signal? {
        guard error.isFinite, at.isFinite else {
            samplesIgnored += 1
            return nil
        }
        let sample = Sample(error: error.magnitude, key: key, at: at)
        let wasFull = samples.count == settings.window
        append(sample)
        guard samples.count == settings.window, let value else { return nil }

        if reaches(settings.nearLevel, value), firstSuspect == nil {
            firstSuspect = wasFull ? sample : firstOver(settings.nearLevel) ?? sample
        }
        return judge(value)
    }

    /// Replaces the error of a sample whose label was corrected; the value is judged again with the next sample.
    ///
    /// - Returns: False when the sample is no longer in the window, or the error is not finite.
    public mutating func correct(error: Double, key: String) -> Bool {
        guard error.isFinite, let place = samples.firstIndex(where: { $0.key == key }) else { return false }
        samples[place].error = error.magnitude
        return true
    }

    /// Earliest time of a sample in the window, seconds since 1970; nil before the first.
    public var windowStart: Double? { samples.map(\.at).min() }

    private mutating func append(_ sample: Sample) {
        samplesSeen += 1
        if samples.count < settings.window {
            samples.append(sample)
        } else {
            samples[oldest] = sample
            oldest = (oldest + 1) % settings.window
        }
    }

    private mutating func judge(_ value: Double) -> Signal? {
        let isBreach = reaches(settings.breachLevel, value)
        let isNear = reaches(settings.nearLevel, value)
        switch level {
        case .normal, .suspected:
            if isBreach {
                level = .breached
                samplesSinceDetection = 0
                return .detected(figures(value))
            }
            if isNear {
                guard level == .normal else { return nil }
                level = .suspected
                return .suspected(figures(value))
            }
            return level == .suspected || isRecovering ? clear(value) : nil
        case .breached:
            guard isNear else { return clear(value) }
            samplesSinceDetection += 1
            guard isBreach, samplesSinceDetection >= settings.rearmAfter else { return nil }
            samplesSinceDetection = 0
            return .detected(figures(value))
        }
    }

    private mutating func clear(_ value: Double) -> Signal {
        let signal = Signal.cleared(figures(value))
        level = .normal
        isRecovering = false
        firstSuspect = nil
        samplesSinceDetection = 0
        return signal
    }

    /// A perfect model (baseline 0) has levels of 0; then any error at all reaches them, and no error does not.
    private func reaches(_ level: Double, _ value: Double) -> Bool { value >= level && value > 0 }

    private func firstOver(_ level: Double) -> Sample? {
        for offset in 0..<samples.count {
            let sample = samples[(oldest + offset) % samples.count]
            if reaches(level, sample.error) { return sample }
        }
        return nil
    }

    private func figures(_ value: Double) -> Figures {
        Figures(
            value: value,
            baseline: settings.baseline,
            nearLevel: settings.nearLevel,
            breachLevel: settings.breachLevel,
            window: samples.count,
            firstSuspectKey: firstSuspect?.key,
            firstSuspectAt: firstSuspect?.at
        )
    }
}

extension RollingErrorMonitor: Codable {
    private enum CodingKeys: String, CodingKey {
        case settings, level, isRecovering, samplesSeen, samplesIgnored, samples, oldest, firstSuspect
        case samplesSinceDetection
    }

    /// Reads a snapshot and checks it, because it comes from a file.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        settings = try container.decode(Settings.self, forKey: .settings)
        level = try container.decode(Level.self, forKey: .level)
        isRecovering = try container.decode(Bool.self, forKey: .isRecovering)
        samplesSeen = try container.decode(Int.self, forKey: .samplesSeen)
        samplesIgnored = try container.decode(Int.self, forKey: .samplesIgnored)
        samples = try container.decode([Sample].self, forKey: .samples)
        oldest = try container.decode(Int.self, forKey: .oldest)
        firstSuspect = try container.decodeIfPresent(Sample.self, forKey: .firstSuspect)
        samplesSinceDetection = try container.decode(Int.self, forKey: .samplesSinceDetection)
        let counters = 0...Int.max / 2
        guard samples.count <= settings.window, oldest == 0 || oldest > 0 && oldest < samples.count,
            samples.allSatisfy({ $0.error.isFinite && $0.error >= 0 }), counters.contains(samplesSeen),
            counters.contains(samplesIgnored), counters.contains(samplesSinceDetection)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .samples,
                in: container,
                debugDescription: "the window does not agree with the settings"
            )
        }
    }
}

extension RollingErrorMonitor.Settings: Codable {
    private enum CodingKeys: String, CodingKey { case window, near, breach, baseline, rearmAfter }

    /// Reads settings and checks them as ``init(window:near:breach:baseline:rearmAfter:)`` does.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            window: container.decode(Int.self, forKey: .window),
            near: container.decode(Double.self, forKey: .near),
            breach: container.decode(Double.self, forKey: .breach),
            baseline: container.decode(Double.self, forKey: .baseline),
            rearmAfter: container.decode(Int.self, forKey: .rearmAfter)
        )
    }
}
