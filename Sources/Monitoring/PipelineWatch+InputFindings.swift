import Decay
import Events
import Pipelines

/// How what the inputs showed is put into events; labels say whether it matters.
extension PipelineWatch {
    func suspected(_ signal: InputWatch.Signal, key: String, at time: Timestamp) -> Finding {
        let figures =
            switch signal {
            case .outOfRange(let range): figures(range, key: key)
            case .drift(let detector, let features, let age):
                drift(detector, features, age: age, key: key, at: time)
            case .quality(.fault(let fault, _), let features, let value):
                quality(
                    fault.check,
                    features,
                    value: value,
                    key: key,
                    at: time,
                    message: "\(Self.names(features)): \(fault.text), \(value.readable)"
                )
            case .quality(.outlier(let step, _), let features, let value):
                outlier(step, features, value: value, key: key, at: time)
            case .quality(.duplicates(_, let most), let features, let share):
                duplicates(features, share: share, most: most, key: key, at: time)
            }
        return .suspected(DecaySuspected(pipeline: state.pipeline.name, digest: state.digest, figures: figures))
    }

    private static func names(_ features: [DecayFigures.Contribution]) -> String {
        features.map(\.feature).joined(separator: ", ")
    }

    private func figures(_ range: InputRangeMonitor.RangeFigures, key: String) -> DecayFigures {
        var figures = figures(
            .inputs,
            metric: range.feature,
            value: Double(range.value),
            key: key,
            at: Timestamp(seconds: range.firstAt),
            message: "\(range.feature)[\(range.element)] is \(range.value); training covered "
                + "\(range.trainingMin)...\(range.trainingMax); \(judgement.text)"
        )
        figures.baseline = Double(range.trainingMax)
        (figures.near, figures.breach) = (Double(range.trainingMin), Double(range.trainingMax))
        figures.firstSuspectKey = range.firstKey
        figures.detector = Pipeline.MonitorSettings.InputDetector.outOfRange.rawValue
        figures.severity = judgement.severity
        figures.features = [
            DecayFigures.Contribution(
                feature: "\(range.feature)[\(range.element)]",
                finding: "out-of-range",
                score: Double(range.rowsOutside) / Double(max(1, range.window))
            )
        ]
        return figures
    }

    private func drift(
        _ detector: Pipeline.MonitorSettings.InputDetector,
        _ features: [DecayFigures.Contribution],
        age: Int,
        key: String,
        at time: Timestamp
    ) -> DecayFigures {
        let first = features.first
        var figures = figures(
            .inputs,
            metric: first?.feature ?? "inputs",
            value: first?.score ?? 0,
            key: key,
            at: time,
            message: "the distribution of \(Self.names(features)) is another than before; \(judgement.text)"
        )
        figures.window = age > 0 ? age : state.pipeline.monitor.drift.windowRows
        figures.firstSuspectKey = nil
        figures.pValue = first?.pValue
        figures.detector = detector.rawValue
        figures.severity = judgement.severity
        figures.features = features
        return figures
    }

    private func outlier(
        _ step: StepWatch.Outlier,
        _ features: [DecayFigures.Contribution],
        value: Double,
        key: String,
        at time: Timestamp
    ) -> DecayFigures {
        var figures = quality(
            .outlier,
            features,
            value: value,
            key: key,
            at: time,
            message: "\(Self.names(features)) is \(value.readable) after \(step.previous.readable): a step of "
                + "\(abs(step.deviations).readable) robust deviations"
        )
        figures.baseline = step.previous
        (figures.near, figures.breach) = (step.expected.lowerBound, step.expected.upperBound)
        return figures
    }

    private func duplicates(
        _ features: [DecayFigures.Contribution],
        share: Double,
        most: Double,
        key: String,
        at time: Timestamp
    ) -> DecayFigures {
        var figures = quality(
            .duplicate,
            features,
            value: share,
            key: key,
            at: time,
            message:
                "\((100 * share).readable) % of \(DuplicateWatch.window) rows were there shortly before, and never "
                + "more than \((100 * most).readable) % until then"
        )
        figures.baseline = most
        figures.window = DuplicateWatch.window
        return figures
    }

    private func quality(
        _ check: Pipeline.MonitorSettings.QualityCheck,
        _ features: [DecayFigures.Contribution],
        value: Double,
        key: String,
        at time: Timestamp,
        message: String
    ) -> DecayFigures {
        var figures = figures(
            .quality,
            metric: features.first?.feature ?? "inputs",
            value: value,
            key: key,
            at: time,
            message: "\(message); \(judgement.text)"
        )
        figures.detector = check.rawValue
        figures.severity = .warning
        figures.features = features
        return figures
    }
}

extension FeatureWatch.Fault {
    fileprivate var text: String {
        switch self {
        case .unseen: "a value that was never seen"
        case .constant: "another value after it had been constant"
        case .stale: "the same value for unusually long"
        }
    }
}
