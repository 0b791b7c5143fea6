import Decay
import Events
import Pipelines

/// How what was seen is put into events.
extension PipelineWatch {
    private var settings: Pipeline.MonitorSettings { state.pipeline.monitor }
    private var metric: String { settings.metric.rawValue }
    private var isShare: Bool { settings.metric == .errorRate }

    /// Figures about something else than the metric.
    func figures(
        _ cause: DecayCause,
        metric: String,
        value: Double,
        key: String,
        at time: Timestamp,
        message: String
    ) -> DecayFigures {
        var figures = DecayFigures(
            cause: cause.rawValue,
            metric: metric,
            value: value,
            baseline: 0,
            near: 0,
            breach: 0,
            window: settings.window,
            key: key,
            firstSuspectKey: key,
            firstSuspectAt: time,
            message: message
        )
        figures.severity = .info
        figures.labels = state.errors.labels
        figures.labelledShare = labelledShare
        figures.estimate = state.expectation.value
        figures.cooldownSeconds = state.pipeline.policy.cooldownSeconds
        return figures
    }

    private var labelledShare: Double? {
        state.errors.windowStart.flatMap { state.windows.labelledShare(since: $0) } ?? state.windows.labelledShare
    }

    func interval(_ part: Trail.Part) -> DecayFigures.Interval? {
        part.interval(isShare: isShare).map { DecayFigures.Interval(low: $0.low, high: $0.high) }
    }

    /// What labels say of a change that was seen without them.
    var judgement: (severity: Severity, text: String) {
        guard let value = state.errors.value, let near = state.errors.nearLevel, let breach = state.errors.breachLevel
        else { return (.info, "too few labels are there to say whether it matters") }
        let text = "\(metric) over \(state.errors.windowCount) labelled predictions is \(value.readable)"
        if value >= breach { return (.warning, "it matters: \(text), breach \(breach.readable)") }
        if value >= near { return (.warning, "it may matter: \(text), near \(near.readable)") }
        return (.info, "labels show no harm: \(text), near \(near.readable)")
    }

    // MARK: The metric

    mutating func finding(_ signal: ErrorTrack.Signal, _ answer: Answer, _ nextRunID: String) -> Finding {
        let (pipeline, digest) = (state.pipeline.name, state.digest)
        switch signal {
        case .suspected(let seen):
            return .suspected(
                DecaySuspected(pipeline: pipeline, digest: digest, figures: figures(seen, .warning, answer.key))
            )
        case .detected(let seen):
            state.runID = nextRunID
            return .detected(
                DecayDetected(pipeline: pipeline, digest: digest, figures: figures(seen, .critical, answer.key))
            )
        case .persisted(let seen):
            state.runID = nextRunID
            return .persisted(
                DecayPersisted(pipeline: pipeline, digest: digest, figures: figures(seen, .critical, answer.key))
            )
        case .cleared(let seen):
            return .cleared(
                DecayCleared(pipeline: pipeline, digest: digest, figures: figures(seen, .info, answer.key))
            )
        }
    }

    private func figures(_ seen: ErrorTrack.Figures, _ severity: Severity, _ key: String) -> DecayFigures {
        let (cause, features, reason) = explanation
        var message =
            "\(metric) over \(seen.window) labelled predictions is \(seen.value.readable); near \(seen.near.readable), "
            + "breach \(seen.breach.readable)"
        if seen.detector == .sequential { message += "; errors are surely more than before" }
        if severity != .info { message += "; \(reason)" }
        var figures = DecayFigures(
            cause: cause.rawValue,
            metric: metric,
            value: seen.value,
            baseline: seen.baseline,
            near: seen.near,
            breach: seen.breach,
            window: seen.window,
            key: key,
            firstSuspectKey: seen.firstSuspectKey,
            firstSuspectAt: seen.firstSuspectAt.map { Timestamp(seconds: $0) },
            message: message
        )
        figures.detector = seen.detector.rawValue
        figures.severity = severity
        figures.interval = interval(seen.part)
        figures.pValue = seen.part.pValue(above: seen.baseline, isShare: isShare)
        if let evidence = seen.evidence, let budget = state.errors.perValue {
            figures.eValue = power(1 / budget, max(0, evidence))
        }
        figures.labels = state.errors.labels
        figures.labelledShare = labelledShare
        figures.estimate = state.expectation.value
        figures.episode = state.errors.episodes
        figures.repeats = state.errors.repeats > 0 ? state.errors.repeats : nil
        figures.cooldownSeconds = state.pipeline.policy.cooldownSeconds
        figures.features = features.isEmpty ? nil : features
        return figures
    }

    /// Why the metric is worse, as far as the inputs tell.
    private var explanation: (cause: DecayCause, features: [DecayFigures.Contribution], reason: String) {
        let verdict = inputs.verdict()
        func names(_ features: [DecayFigures.Contribution]) -> String {
            features.map(\.feature).joined(separator: ", ")
        }
        if !verdict.faulty.isEmpty {
            let features = Array(verdict.faulty.prefix(DecayFigures.featuresMax))
            return (.quality, features, "the quality of \(names(features)) is not what it was")
        }
        if !verdict.drifted.isEmpty {
            return (.inputs, verdict.drifted, "the inputs changed: \(names(verdict.drifted))")
        }
        if !state.expectation.isTrusted, isShare {
            return (.calibration, [], "the probabilities no longer say how often the model is right")
        }
        if verdict.testable > 0 {
            return (.concept, [], "the inputs are as they were: what is right for them changed")
        }
        return (.performance, [], "too few inputs can be compared to say why")
    }

    func partFinding(_ names: [String], _ answer: Answer) -> Finding {
        let values = names.compactMap { name in state.parts.parts[name]?.value(minimum: settings.minLabels) }
        let worst = values.max { $0.mean < $1.mean }
        var figures = figures(
            .performance,
            metric: "\(metric) of \(names.joined(separator: ", "))",
            value: worst?.mean ?? 0,
            key: answer.key,
            at: answer.at,
            message: "\(metric) of \(names.joined(separator: ", ")) is \((worst?.mean ?? 0).readable); of all it is "
                + (state.errors.value.map(\.readable) ?? "not known yet")
        )
        figures.baseline = state.errors.baseline ?? 0
        figures.near = state.errors.nearLevel ?? 0
        figures.breach = state.errors.breachLevel ?? 0
        figures.window = worst?.count ?? 0
        figures.interval = worst.flatMap(interval)
        figures.detector = "part"
        figures.severity = .warning
        return .suspected(DecaySuspected(pipeline: state.pipeline.name, digest: state.digest, figures: figures))
    }

    // MARK: Without labels

    /// Says that the estimate reached the breach level where labels do not keep up; once until it is under near.
    mutating func estimateFinding(key: String, at time: Timestamp) -> Finding? {
        guard let value = state.expectation.value, let near = state.errors.nearLevel,
            let breach = state.errors.breachLevel
        else { return nil }
        if value < near { state.isEstimateOver = false }
        let share = state.windows.labelledShare(since: time.seconds) ?? 0
        guard value >= breach, !state.isEstimateOver, !state.errors.isInEpisode, share < 0.5 else { return nil }
        state.isEstimateOver = true
        let verdict = inputs.verdict()
        var figures = figures(
            .inputs,
            metric: metric,
            value: value,
            key: key,
            at: time,
            message:
                "without labels \(metric) is estimated at \(value.readable), breach \(breach.readable): the inputs "
                + "are where the model is worse"
        )
        figures.baseline = state.errors.baseline ?? 0
        (figures.near, figures.breach) = (near, breach)
        figures.detector = "estimate"
        figures.severity = .warning
        figures.features = verdict.drifted.isEmpty ? nil : verdict.drifted
        return .suspected(DecaySuspected(pipeline: state.pipeline.name, digest: state.digest, figures: figures))
    }

    func withdrawn(_ answer: Answer, at time: Timestamp) -> Finding {
        let gap = state.expectation.gap
        let cause: DecayCause = isShare ? .calibration : .concept
        var figures = figures(
            cause,
            metric: metric,
            value: gap,
            key: answer.key,
            at: time,
            message: "the estimate without labels is withdrawn: over \(state.expectation.rows) labels it is off by "
                + gap.readable
        )
        figures.detector = "estimate-trust"
        figures.window = state.expectation.rows
        figures.severity = .warning
        figures.firstSuspectKey = nil
        return .suspected(DecaySuspected(pipeline: state.pipeline.name, digest: state.digest, figures: figures))
    }

    func reconciled(_ window: TimeWindows.Window, _ isCorrection: Bool) -> PerformanceReconciled {
        let part = window.part
        let isKnown = window.labelled >= settings.minLabels
        let isTrusted = state.expectation.isTrusted
        let estimate =
            isTrusted && window.estimated >= settings.minLabels ? window.expected / Double(window.estimated) : nil
        let start = state.windows.start(of: window)
        let said = estimate.map { "estimated \($0.readable), " } ?? ""
        let found = isKnown ? "realized \(part.mean.readable)" : "unknown: \(settings.minLabels) labels are needed"
        return PerformanceReconciled(
            pipeline: state.pipeline.name,
            digest: state.digest,
            metric: metric,
            from: Timestamp(seconds: start),
            to: Timestamp(seconds: start + settings.periodSeconds),
            predictions: window.predictions,
            labelled: window.labelled,
            late: window.late,
            corrected: window.corrected,
            estimate: estimate,
            realized: isKnown ? part.mean : nil,
            interval: isKnown ? interval(part) : nil,
            isTrusted: isTrusted,
            isCorrection: isCorrection,
            message: "\(metric) of \(window.predictions) predictions, \(window.labelled) with labels: \(said)\(found)"
        )
    }

    func forecast(_ saying: Outlook.Saying, _ answer: Answer) -> DecayForecast {
        let forecast = saying.forecast
        let threshold = state.errors.breachLevel ?? 0
        let record =
            state.outlook?.record ?? DecayForecast.Record(settled: 0, right: 0, crossings: 0, foreseen: 0)
        let expected = state.errors.perSecond.map { rate in
            Timestamp(seconds: answer.at.seconds + Double(forecast.samples) / max(rate, 1e-9))
        }
        let message =
            saying.isWithdrawn
            ? "\(metric) no longer moves towards \(threshold.readable)"
            : "\(metric) crosses \(threshold.readable) in about \(forecast.samples) samples (80 % between "
                + "\(forecast.earliest) and \(forecast.latest))"
        return DecayForecast(
            pipeline: state.pipeline.name,
            digest: state.digest,
            metric: metric,
            value: state.errors.value ?? 0,
            threshold: threshold,
            isWithdrawn: saying.isWithdrawn,
            samples: forecast.samples,
            earliest: forecast.earliest,
            latest: forecast.latest,
            expectedAt: saying.isWithdrawn ? nil : expected,
            key: answer.key,
            record: record,
            message: message
        )
    }
}

/// `base` to a small power, without more of a mathematics library than repeated roots: finite and 1 or more.
private func power(_ base: Double, _ exponent: Double) -> Double {
    var (result, rest, factor) = (1.0, min(exponent, 16), base)
    let whole = Int(rest)
    for _ in 0..<whole where result < 1e150 { result *= base }
    rest -= Double(whole)
    for _ in 0..<40 where rest > 0 {
        factor = factor.squareRoot()
        rest *= 2
        if rest >= 1 {
            result *= factor
            rest -= 1
        }
    }
    return result
}
