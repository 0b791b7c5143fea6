public import Bus
import CoreMetrics
import Events
import Glibc
public import ServiceKit
public import ServiceLifecycle
public import Storage

/// Says each second, on the telemetry plane, that the program lives, whether it is ready, and its metrics.
public struct Beat: Service {
    private let bus: BusClient
    private let identity: Store.Identity
    private let health: Health
    private let metrics: MetricsRegistry
    /// Code that ran once in a while is given back every ten minutes.
    private static let beatsBetweenReleases = 600

    private let started = Member.clock()
    private let telemetryDropped = Gauge(label: "bus_client_telemetry_dropped")

    /// A beat of the program `identity` over `bus`.
    public init(bus: BusClient, identity: Store.Identity, health: Health, metrics: MetricsRegistry) {
        self.bus = bus
        self.identity = identity
        self.health = health
        self.metrics = metrics
    }

    /// Beats until the service stops; faster until it is ready, so that a starter need not wait for the second.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var readyBeats = 0
            while !Task.isCancelled {
                if health.isReady {
                    if readyBeats % Self.beatsBetweenReleases == 0 { ProcessMemory.releaseCode() }
                    readyBeats += 1
                }
                send()
                try? await Task.sleep(for: health.isReady ? .seconds(1) : .milliseconds(100))
            }
        }
    }

    private func send() {
        telemetryDropped.record(bus.telemetryDropped.value)
        let samples = (try? EventCoding.encode(metrics.snapshot())) ?? []
        let beat = ServiceBeat(
            service: identity.service,
            instance: identity.instance,
            processID: getpid(),
            startedAt: started,
            ready: health.isReady,
            reasons: health.reasons,
            residentBytes: ProcessMemory.residentBytes(),
            metrics: (try? EventCoding.decode(JSONValue.self, from: samples)) ?? .null
        )
        guard let topic = try? ServiceBeat.kind.topic(site: identity.site, subject: beat.subject),
            let event = try? CloudEvent(
                beat,
                id: "\(getpid())-\(Member.clock().microseconds)",
                source: identity.source,
                time: Member.clock()
            )
        else { return }
        bus.sendTelemetry(topic: topic, event)
    }
}
