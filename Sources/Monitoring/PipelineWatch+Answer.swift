import Decay
public import Events
import Pipelines

extension PipelineWatch {
    /// Windows that an overview shows at most.
    private static let windowsMax = 14
    /// Features that an overview shows at most.
    private static let featuresMax = 64

    /// How it all stands.
    /// - Parameter withFeatures: Whether to compare each feature with its reference, which takes a while.
    public func overview(withFeatures: Bool = true) -> MonitorAnswer {
        let errors = state.errors
        let metric = state.pipeline.monitor.metric.rawValue
        func zone(_ value: Double?) -> String {
            guard let value, let near = errors.nearLevel, let breach = errors.breachLevel else { return "unknown" }
            return value >= breach && value > 0 ? "breach" : value >= near && value > 0 ? "near" : "normal"
        }
        func shown(
            _ name: String,
            _ value: Double?,
            _ part: Trail.Part?,
            _ count: Int,
            _ evidence: Double?
        ) -> MonitorAnswer.Value {
            MonitorAnswer.Value(
                part: name,
                metric: metric,
                value: value,
                interval: value == nil ? nil : part.flatMap(interval),
                baseline: errors.baseline,
                near: errors.nearLevel,
                breach: errors.breachLevel,
                zone: zone(value),
                window: count,
                evidence: evidence
            )
        }
        let all = shown(
            "all",
            errors.value,
            errors.trail.newest(errors.windowCount),
            errors.windowCount,
            errors.evidence
        )
        let parts = state.parts.parts.sorted { $0.key < $1.key }.map { name, part in
            let value = part.value(minimum: state.pipeline.monitor.minLabels)
            return shown(name, value?.mean, value, min(part.labels, value?.count ?? part.labels), nil)
        }
        let minimum = state.pipeline.monitor.minLabels
        return MonitorAnswer(
            pipeline: state.pipeline.name,
            digest: state.digest,
            predictions: state.predictions,
            labels: errors.labels,
            labelledShare: state.windows.labelledShare,
            labelsLate: state.windows.labelsLate,
            labelsCorrected: state.windows.labelsCorrected,
            episodes: errors.episodes,
            values: [all] + parts,
            forecast: state.outlook?.forecast.map {
                .init(samples: $0.samples, earliest: $0.earliest, latest: $0.latest)
            },
            record: state.outlook?.record ?? .init(settled: 0, right: 0, crossings: 0, foreseen: 0),
            estimate: state.pipeline.monitor.estimate == .on
                ? .init(
                    value: state.expectation.value,
                    isTrusted: state.expectation.isTrusted,
                    gap: state.expectation.gap
                ) : nil,
            windows: state.windows.windows.reversed().prefix(Self.windowsMax).map { window in
                let isKnown = window.labelled >= minimum
                return .init(
                    from: Timestamp(seconds: state.windows.start(of: window)),
                    predictions: window.predictions,
                    labelledShare: min(1, window.labelledShare),
                    value: isKnown ? window.part.mean : nil,
                    interval: isKnown ? interval(window.part) : nil,
                    isFinal: window.isFinal
                )
            },
            features: withFeatures ? Array(inputs.overview().prefix(Self.featuresMax)) : []
        )
    }
}
