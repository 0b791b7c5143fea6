import CoreMetrics
import Events

/// The watches as metrics, one series a pipeline.
struct MonitorGauges: Sendable {
    private let joined = Counter(label: "predictions_joined_total")
    private let unmatched = Counter(label: "predictions_of_replaced_models_total")
    private static let zones = ["unknown": -1, "normal": 0, "near": 1, "breach": 2]

    /// - Parameters:
    ///   - joined: Pairs joined since the last call; `unmatched` of them were of models that serve no more.
    func set(_ overviews: [MonitorAnswer], joined: Int, unmatched: Int) {
        self.joined.increment(by: joined)
        self.unmatched.increment(by: unmatched)
        for overview in overviews { set(overview) }
    }

    private func set(_ overview: MonitorAnswer) {
        let pipeline = [("pipeline", overview.pipeline)]
        func gauge(_ name: String, _ value: Double?) {
            if let value { Gauge(label: "monitor_\(name)", dimensions: pipeline).record(value) }
        }
        let all = overview.values.first
        gauge("value", all?.value)
        gauge("near_level", all?.near)
        gauge("breach_level", all?.breach)
        gauge("evidence", all?.evidence)
        gauge("zone", all.flatMap { Self.zones[$0.zone] }.map(Double.init))
        gauge("labels", Double(overview.labels))
        gauge("labelled_share", overview.labelledShare)
        gauge("episodes", Double(overview.episodes))
        gauge("estimate", overview.estimate?.value)
        gauge("estimate_trusted", overview.estimate.map { $0.isTrusted ? 1 : 0 })
        // No forecast is 0: a gauge that is not set anew would keep the last one.
        gauge("forecast_samples", Double(overview.forecast?.samples ?? 0))
        gauge("forecast_precision", overview.record.precision)
        gauge("forecast_recall", overview.record.recall)
    }
}
