import CoreMetrics
import Events

/// The watches as metrics, one series a pipeline.
struct MonitorGauges: Sendable {
    private let joined = Counter(label: "predictions_joined_total")
    private let unmatched = Counter(label: "predictions_of_replaced_models_total")
    private static let zones = ["unknown": -1.0, "normal": 0, "near": 1, "breach": 2]

    private static let gauges: [(name: String, value: @Sendable (MonitorAnswer) -> Double?)] = [
        ("value", { $0.values.first?.value }),
        ("near_level", { $0.values.first?.near }),
        ("breach_level", { $0.values.first?.breach }),
        ("evidence", { $0.values.first?.evidence }),
        ("zone", { $0.values.first.flatMap { zones[$0.zone] } }),
        ("labels", { Double($0.labels) }),
        ("labelled_share", { $0.labelledShare }),
        ("episodes", { Double($0.episodes) }),
        ("estimate", { $0.estimate?.value }),
        ("estimate_trusted", { $0.estimate.map { $0.isTrusted ? 1 : 0 } }),
        // No forecast is 0: a gauge that is not set anew would keep the last one.
        ("forecast_samples", { Double($0.forecast?.samples ?? 0) }),
        ("forecast_precision", { $0.record.precision }),
        ("forecast_recall", { $0.record.recall }),
    ]

    private func gauge(_ name: String, of pipeline: String) -> Gauge {
        Gauge(label: "monitor_\(name)", dimensions: [("pipeline", pipeline)])
    }

    /// - Parameters:
    ///   - joined: Pairs joined since the last call; `unmatched` of them were of models that serve no more.
    func set(_ overview: MonitorAnswer?, joined: Int, unmatched: Int) {
        self.joined.increment(by: joined)
        self.unmatched.increment(by: unmatched)
        guard let overview else { return }
        for (name, value) in Self.gauges { value(overview).map(gauge(name, of: overview.pipeline).record) }
    }

    /// Shows a pipeline no more: another monitor does.
    func remove(_ pipeline: String) { for (name, _) in Self.gauges { gauge(name, of: pipeline).destroy() } }
}
