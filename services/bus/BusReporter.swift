import Bus
import CoreMetrics
import Events
import ServiceKit
import ZeroMQ

/// Turns the broker's figures into metrics, each second.
struct BusReporter: Sendable {
    let reactor: Reactor<BrokerCommand>
    let health: Health
    /// Consumers and groups that have series of their own; the slowest consumers, the first groups by name.
    private static let seriesMax = 100
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
    private let denied = Gauge(label: "bus_denied")
    private let throttled = Gauge(label: "bus_messages_throttled")
    private let connections = Gauge(label: "bus_connections")
    private let connectionsCut = Gauge(label: "bus_connections_cut")
    private let handshakesFailed = Gauge(label: "bus_handshakes_failed")
    private let lag = Gauge(label: "bus_consumer_lag_max")

    init(reactor: Reactor<BrokerCommand>, health: Health) {
        self.reactor = reactor
        self.health = health
    }

    private func record(_ group: GroupStatus) {
        let labels = [("group", group.name)]
        Gauge(label: "bus_group_members", dimensions: labels).record(group.members.count)
        Gauge(label: "bus_group_credit", dimensions: labels).record(group.credit)
        Gauge(label: "bus_group_leased", dimensions: labels).record(group.leased)
        Gauge(label: "bus_group_waiting", dimensions: labels).record(group.waiting)
        Gauge(label: "bus_group_dead", dimensions: labels).record(group.dead)
        if let lag = group.lag { Gauge(label: "bus_group_lag", dimensions: labels).record(Int64(clamping: lag)) }
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
            denied.record(report.counters.denied)
            throttled.record(report.counters.throttled)
            connections.record(report.doors.connections)
            connectionsCut.record(report.doors.cut)
            handshakesFailed.record(report.doors.handshakesFailed)
            head.record(Int64(clamping: report.head))
            sessions.record(report.sessions.count)
            lag.record(Int64(clamping: report.consumerLag.values.max() ?? 0))
            for (name, lag) in report.consumerLag.sorted(by: { $0.value > $1.value }).prefix(Self.seriesMax) {
                Gauge(label: "bus_consumer_lag", dimensions: [("consumer", name)]).record(Int64(clamping: lag))
            }
            for group in report.groups.prefix(Self.seriesMax) { record(group) }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
