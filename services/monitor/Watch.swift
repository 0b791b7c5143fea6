import Decay
import Events
import Pipelines

/// The watch over one pipeline's champion: its rolling error and the range of its inputs. A value without I/O.
struct Watch: Codable, Sendable {
    /// What the champion is.
    let digest: String
    /// The lap that put it in place, or that its present decay began.
    private(set) var runID: String?
    private var errors: RollingErrorMonitor
    private var ranges: InputRangeMonitor?

    /// What is to be said.
    enum Finding: Sendable {
        case suspected(DecayFigures)
        case detected(DecayFigures)
        case cleared(DecayFigures)
    }

    /// Begins the watch over a champion that was just rolled out.
    /// - Parameter previous: The watch over the champion that it replaces.
    init(_ rollout: RolloutStepped, _ pipeline: Pipeline, runID: String?, previous: Watch?) throws {
        digest = rollout.champion.digest
        self.runID = runID
        let settings = pipeline.monitor
        errors = RollingErrorMonitor(
            settings: try RollingErrorMonitor.Settings(
                window: settings.window,
                near: settings.nearFactor,
                breach: settings.breachFactor,
                baseline: rollout.baseline,
                rearmAfter: settings.rearmAfter
            ),
            recovering: previous?.isInEpisode ?? false
        )
        if settings.inputs.contains(.outOfRange), !rollout.ranges.isEmpty {
            ranges = try InputRangeMonitor(
                features: rollout.ranges.map {
                    InputRangeMonitor.Feature(
                        name: $0.feature,
                        count: $0.count,
                        trainingMin: $0.min,
                        trainingMax: $0.max
                    )
                },
                window: settings.window,
                share: 1 / Double(settings.window)
            )
        }
    }

    /// Whether decay was seen and its end was not.
    var isInEpisode: Bool { errors.isRecovering || errors.level != .normal }

    /// Adds a labelled prediction of the champion.
    /// - Parameter nextRunID: Names the lap that a detection begins.
    mutating func add(
        error: Double,
        metric: String,
        key: String,
        answeredAt: Timestamp,
        nextRunID: String
    ) -> Finding? {
        guard let signal = errors.add(error: error, key: key, at: answeredAt.seconds) else { return nil }
        let figures = DecayFigures(signal.figures, metric: metric, key: key)
        switch signal {
        case .suspected: return .suspected(figures)
        case .detected:
            runID = nextRunID
            return .detected(figures)
        case .cleared: return .cleared(figures)
        }
    }

    /// Adds the inputs of an observation.
    mutating func add(inputs row: [Float], key: String, at time: Timestamp) -> [Finding] {
        guard var ranges else { return [] }
        let signals = ranges.add(features: row, key: key, at: time.seconds)
        self.ranges = ranges
        return signals.compactMap { signal in
            guard case .left(let figures) = signal else { return nil }
            return .suspected(
                DecayFigures(
                    cause: "input-range",
                    metric: figures.feature,
                    value: Double(figures.value),
                    baseline: Double(figures.trainingMax),
                    near: Double(figures.trainingMin),
                    breach: Double(figures.trainingMax),
                    window: figures.window,
                    key: key,
                    firstSuspectKey: figures.firstKey,
                    firstSuspectAt: Timestamp(seconds: figures.firstAt),
                    message: "\(figures.feature)[\(figures.element)] is \(figures.value); training covered "
                        + "\(figures.trainingMin)...\(figures.trainingMax)"
                )
            )
        }
    }
}

extension DecayFigures {
    fileprivate init(_ figures: RollingErrorMonitor.Figures, metric: String, key: String) {
        func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        self.init(
            cause: "error",
            metric: metric,
            value: figures.value,
            baseline: figures.baseline,
            near: figures.nearLevel,
            breach: figures.breachLevel,
            window: figures.window,
            key: key,
            firstSuspectKey: figures.firstSuspectKey,
            firstSuspectAt: figures.firstSuspectAt.map { Timestamp(seconds: $0) },
            message: "\(metric) over \(figures.window) labelled predictions is \(text(figures.value)); near "
                + "\(text(figures.nearLevel)), breach \(text(figures.breachLevel))"
        )
    }
}
