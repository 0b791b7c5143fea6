import Decay
public import Events
public import Pipelines

/// The watch over one pipeline's champion: a value that takes what happens and says what is to be said of it.
///
/// It reads no clock and does no I/O: the same events give the same findings, whatever was written and read back between
/// them.
public struct PipelineWatch: Sendable, Hashable {
    /// The metric, windows, parts, estimates: everything that labels and predictions change.
    public internal(set) var state: State
    /// The inputs: everything that rows change.
    public private(set) var inputs: InputWatch

    /// What is to be said.
    public enum Finding: Sendable {
        /// Something is near its limit, or changed without labels that show harm.
        case suspected(DecaySuspected)
        /// Labels show that the champion decayed; it begins a lap.
        case detected(DecayDetected)
        /// A detected decay lasts; it begins another lap.
        case persisted(DecayPersisted)
        /// A decay is over.
        case cleared(DecayCleared)
        /// When the metric will cross its breach level.
        case forecast(DecayForecast)
        /// A window has its labels.
        case reconciled(PerformanceReconciled)
    }

    /// What is remembered of a prediction until its label is there.
    public struct Sighting: Codable, Sendable, Hashable {
        /// How far the row was from the reference; nil without a reference, or for a question.
        public var strangeness: Double?
        /// Names of the parts that the prediction belongs to.
        public var parts: [String]

        /// What was seen, from its parts.
        public init(strangeness: Double? = nil, parts: [String] = []) {
            self.strangeness = strangeness
            self.parts = parts
        }
    }

    /// A prediction of the champion that waits for its label.
    public struct Answer: Codable, Sendable, Hashable {
        /// The observation's key.
        public var key: String
        /// When it was answered.
        public var at: Timestamp
        /// The target's value, or a probability for each class.
        public var outputs: [Float]
        /// What was known of the observation.
        public var sighting: Sighting
        /// What error was expected without a label.
        public var expected: Double?

        /// An answer from its parts.
        public init(key: String, at: Timestamp, outputs: [Float], sighting: Sighting, expected: Double?) {
            self.key = key
            self.at = at
            self.outputs = outputs
            self.sighting = sighting
            self.expected = expected
        }
    }

    /// Everything that labels and predictions change; written after each batch.
    public struct State: Codable, Sendable, Hashable {
        let pipeline: Pipeline
        /// What the champion is.
        public let digest: String
        /// The lap that put it in place, or that its present decay began.
        public internal(set) var runID: String?
        var errors: ErrorTrack
        var windows: TimeWindows
        var parts: Parts
        var expectation: Expectation
        var outlook: Outlook?
        var refusals: [String: Refusals]
        var ranges: [String: ClosedRange<Double>]
        var predictions: Int
        var isEstimateOver: Bool
        var observations: Int

        /// Observations that the nodes refuse: how many rows ago the last was.
        struct Refusals: Codable, Sendable, Hashable {
            var lastRow: Int
        }
    }

    /// Begins the watch over a champion that was just rolled out.
    ///
    /// - Parameters:
    ///   - runID: The lap that put it in place.
    ///   - previous: The watch over the champion that it replaces: its newest inputs become the reference, and an
    ///     episode of decay goes on until the new champion ends it.
    /// - Throws: `DecaySettingsError` when the rollout's baseline or ranges cannot be used.
    public init(
        _ pipeline: Pipeline,
        _ rollout: RolloutStepped,
        runID: String?,
        previous: PipelineWatch?
    ) throws {
        let settings = pipeline.monitor
        let errors = try ErrorTrack(
            settings,
            baseline: rollout.baseline,
            recovering: previous?.state.errors.isInEpisode ?? false
        )
        inputs = try InputWatch(pipeline, ranges: rollout.ranges, previous: previous?.inputs)
        state = State(
            pipeline: pipeline,
            digest: rollout.champion.digest,
            runID: runID,
            errors: errors,
            windows: TimeWindows(length: settings.periodSeconds, timeout: settings.labelTimeoutSeconds),
            parts: Parts(settings),
            expectation: Expectation(settings),
            outlook: previous?.state.outlook,
            refusals: [:],
            ranges: Dictionary(
                rollout.ranges.map { ($0.feature, Double($0.min)...Double($0.max)) },
                uniquingKeysWith: { first, _ in first }
            ),
            predictions: 0,
            isEstimateOver: false,
            observations: 0
        )
        beginOutlook(after: previous?.state.outlook)
    }

    /// Puts together what was written.
    public init(state: State, inputs: InputWatch) {
        self.state = state
        self.inputs = inputs
    }

    private mutating func beginOutlook(after previous: Outlook?) {
        guard settings.forecast == .on, let breach = state.errors.breachLevel, breach > 0 else { return }
        state.outlook = Outlook(threshold: breach, window: settings.window, previous: previous)
    }

    private var settings: Pipeline.MonitorSettings { state.pipeline.monitor }
    private var isShare: Bool { settings.metric == .errorRate }

    // MARK: Observations

    /// Takes the row of an observation that fits the pipeline.
    ///
    /// - Returns: What is to be said, and what the prediction of this observation will want to know.
    public mutating func observe(
        row: [Float],
        key: String,
        at time: Timestamp
    ) -> (findings: [Finding], sighting: Sighting) {
        state.observations += 1
        let sighting = Sighting(
            strangeness: inputs.strangeness(row),
            parts: Parts.names(state.pipeline, ranges: state.ranges, row: row, at: time)
        )
        let signals = inputs.add(row, key: key, at: time.seconds)
        return (signals.map { suspected($0, key: key, at: time) } + advance(to: time), sighting)
    }

    /// Takes a row again after a restart; what is to be said of it was said.
    public mutating func repeatRow(_ row: [Float], key: String, at time: Timestamp) {
        _ = inputs.add(row, key: key, at: time.seconds)
    }

    /// Takes an observation that does not fit the pipeline, which the nodes refuse.
    ///
    /// - Parameters:
    ///   - feature: The input that is wrong.
    ///   - isMissing: Whether it is not there, or not a number; otherwise it is outside of the schema.
    public mutating func refuse(
        feature: String,
        value: Double?,
        isMissing: Bool,
        reason: String,
        key: String,
        at time: Timestamp
    ) -> [Finding] {
        state.observations += 1
        let check: Pipeline.MonitorSettings.QualityCheck = isMissing ? .missing : .outOfSchema
        guard settings.quality.contains(check) else { return advance(to: time) }
        let last = state.refusals[check.rawValue]?.lastRow
        state.refusals[check.rawValue] = State.Refusals(lastRow: state.observations)
        // One trouble is said once, until a window of observations was good.
        if let last, state.observations - last <= settings.window { return advance(to: time) }
        let limits = state.pipeline.data.schema.first { $0.name == feature }
        var figures = figures(
            .quality,
            metric: feature,
            value: value ?? 0,
            key: key,
            at: time,
            message: "observations are refused: \(reason)"
        )
        (figures.near, figures.breach) = (limits?.min ?? 0, limits?.max ?? 0)
        figures.detector = check.rawValue
        figures.severity = check == .outOfSchema ? .critical : .warning
        figures.features = [DecayFigures.Contribution(feature: feature, finding: check.rawValue, score: 1)]
        return [.suspected(DecaySuspected(pipeline: state.pipeline.name, digest: state.digest, figures: figures))]
            + advance(to: time)
    }

    // MARK: Predictions and labels

    /// Takes a prediction of the champion.
    ///
    /// - Parameter sighting: What ``observe(row:key:at:)`` said of its observation; nil for a question.
    /// - Returns: What is to be said, and what its label will want to know.
    public mutating func predict(
        key: String,
        outputs: [Float],
        node: String,
        at time: Timestamp,
        sighting: Sighting?
    ) -> (findings: [Finding], answer: Answer) {
        state.predictions += 1
        var sighting =
            sighting
            ?? Sighting(
                strangeness: nil,
                parts: Parts.names(state.pipeline, ranges: state.ranges, row: nil, at: time)
            )
        if settings.perNode == .on { sighting.parts.append("node=\(node)") }
        var findings: [Finding] = []
        var expected: Double?
        if settings.estimate == .on {
            expected = state.expectation.expect(outputs: outputs, strangeness: sighting.strangeness)
            if let finding = estimateFinding(key: key, at: time) { findings.append(finding) }
        }
        state.windows.addPrediction(at: time.seconds, expected: expected)
        state.parts.addPrediction(sighting.parts)
        findings += advance(to: time)
        return (
            findings, Answer(key: key, at: time, outputs: outputs, sighting: sighting, expected: expected)
        )
    }

    /// The error of an answer, in the unit of the metric; nil when it has none.
    public static func error(_ outputs: [Float], label: Double, _ metric: Pipeline.Metric) -> Double? {
        switch metric {
        case .meanAbsoluteError: return outputs.first.map { abs(Double($0) - label) }
        case .errorRate:
            let answer = outputs.indices.max { outputs[$0] < outputs[$1] }
            return answer.map { Double($0) == label ? 0 : 1 }
        }
    }

    /// Takes the label of an answer.
    ///
    /// - Parameters:
    ///   - time: When the label came.
    ///   - nextRunID: Names the lap that a detection begins.
    public mutating func label(
        _ answer: Answer,
        _ label: Double,
        at time: Timestamp,
        nextRunID: String
    ) -> [Finding] {
        guard let error = Self.error(answer.outputs, label: label, settings.metric), error.isFinite else { return [] }
        let seconds = answer.at.seconds
        state.windows.addLabel(error: error, at: seconds, labelledAt: time.seconds)
        var findings: [Finding] = []
        if settings.estimate == .on,
            state.expectation.add(
                error: error,
                expected: answer.expected,
                outputs: answer.outputs,
                strangeness: answer.sighting.strangeness
            )
        {
            findings.append(withdrawn(answer, at: time))
        }
        let hadLevels = state.errors.breachLevel != nil
        let signal = state.errors.add(error: error, key: answer.key, at: seconds)
        if !hadLevels { beginOutlook(after: state.outlook) }
        let over = state.parts.addLabel(
            error: error,
            answer.sighting.parts,
            near: state.errors.nearLevel,
            breach: state.errors.breachLevel
        )
        if let signal { findings.append(finding(signal, answer, nextRunID)) }
        if !over.isEmpty, !state.errors.isInEpisode { findings.append(partFinding(over, answer)) }
        if let saying = state.outlook?.add(error, isInEpisode: state.errors.level == .breached) {
            findings.append(.forecast(forecast(saying, answer)))
        }
        return findings + advance(to: time)
    }

    /// Takes a label that replaces an earlier one of the same prediction.
    public mutating func correct(_ answer: Answer, from old: Double, to new: Double, at time: Timestamp) -> [Finding] {
        guard let before = Self.error(answer.outputs, label: old, settings.metric), before.isFinite,
            let after = Self.error(answer.outputs, label: new, settings.metric), after.isFinite
        else { return [] }
        state.windows.correct(error: before, to: after, at: answer.at.seconds)
        state.errors.correct(error: after, key: answer.key)
        return advance(to: time)
    }

    /// Moves the newest time on: windows whose labels are no longer waited for are told.
    private mutating func advance(to time: Timestamp) -> [Finding] {
        state.windows.advance(to: time.seconds).map { .reconciled(reconciled($0.window, $0.isCorrection)) }
    }
}
