import Bus
import CoreMetrics
import ServiceKit
import ZeroMQ

/// Turns the broker's figures into metrics, each second.
struct BusReporter: Sendable {
    let reactor: Reactor<BrokerCommand>
    let health: Health
    private let published = Gauge(label: "bus_records_published")
    private let duplicates = Gauge(label: "bus_records_duplicate")
    private let refused = Gauge(label: "bus_messages_refused")
    private let delivered = Gauge(label: "bus_records_delivered")
    private let jobs = Gauge(label: "bus_jobs_assigned")
    private let jobsDead = Gauge(label: "bus_jobs_dead")
    private let telemetry = Gauge(label: "bus_telemetry_relayed")
    private let telemetryLost = Gauge(label: "bus_telemetry_lost")
    private let head = Gauge(label: "bus_log_head")
    private let sessions = Gauge(label: "bus_sessions")
    private let lag = Gauge(label: "bus_consumer_lag_max")

    init(reactor: Reactor<BrokerCommand>, health: Health) {
        self.reactor = reactor
        self.health = health
    }

    /// Reports until cancelled.
    func run() async {
        while !Task.isCancelled {
            let report = await withCheckedContinuation { continuation in
                let accepted = reactor.post(.report { continuation.resume(returning: $0) })
                if !accepted { continuation.resume(returning: nil) }
            }
            guard let report else { return }
            health.set("log", .ready)
            published.record(report.counters.published)
            duplicates.record(report.counters.duplicates)
            refused.record(report.counters.refused)
            delivered.record(report.counters.delivered)
            jobs.record(report.counters.jobs)
            jobsDead.record(report.counters.jobsDead)
            telemetry.record(report.counters.telemetry)
            telemetryLost.record(report.counters.telemetryLost)
            head.record(Int64(clamping: report.head))
            sessions.record(report.sessions.count)
            lag.record(Int64(clamping: report.consumerLag.values.max() ?? 0))
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
