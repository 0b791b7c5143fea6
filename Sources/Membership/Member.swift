public import Bus
import CoreMetrics
public import Events
import FoundationEssentials
public import Logging
public import ServiceKit
public import ServiceLifecycle
public import Storage

/// A program's membership in the loop: its store, its connection, and the parts that keep the two in step.
///
/// - the relay sends what the store's outbox holds, in order, until the log has it;
/// - the inbox reads the log from where the store's cursor stands and applies each event once;
/// - the beat says each second how the program is.
public final class Member: Sendable {
    /// As the program was told.
    public let configuration: MemberConfiguration
    /// Site, service and instance: the source of the program's events.
    public let identity: Store.Identity
    /// `<data>/<service>` or, for replicas, `<data>/<service>/<instance>`.
    public let directory: String
    /// The program's database, with outbox and inbox.
    public let store: Store
    /// The connection to the bus; it comes and goes, ``health`` says whether it stands.
    public let bus: BusClient
    /// Where models and data sets are fetched from and stored.
    public let artifacts: ArtifactClient
    /// What the program's parts report; `bus` is among them from the beginning.
    public let health: Health
    /// The program's metrics, which each beat carries.
    public let metrics: MetricsRegistry
    /// Names the instance in each line when there may be several.
    public let logger: Logger
    /// Sends the outbox; asked whether an event is in the log yet.
    public let relay: OutboxRelay
    private let lock: DirectoryLock

    /// Where a member keeps its state under `<data>/<service>`.
    public enum Place: Sendable, Hashable {
        /// The folder itself: the program runs once on a volume.
        case alone
        /// The first free `<prefix><number>`, which is also the instance: several equal programs share a volume.
        case replica(prefix: String)
        /// `shares/<name>`: a part of the work, which one program at a time has, with the name as its instance.
        case share(String)
    }

    private static func shareDirectory(_ name: String, in base: String) -> String { "\(base)/shares/\(name)" }

    /// The folder of a share of this program's work.
    public func shareDirectory(_ name: String) -> String {
        Self.shareDirectory(name, in: "\(configuration.data)/\(identity.service)")
    }

    /// The wall clock.
    public static let clock: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }

    /// Opens the store and connects.
    /// - Parameter place: Which folder is its own, and with it its instance.
    /// - Throws: `StorageError`, `DirectoryLockError` when another process holds the folder.
    public init(
        service: String,
        configuration: MemberConfiguration,
        migrations: [Store.Migration],
        place: Place = .alone,
        metrics: MetricsRegistry,
        logger: Logger
    ) async throws {
        self.configuration = configuration
        let base = "\(configuration.data)/\(service)"
        let instance: String
        switch place {
        case .alone: (lock, instance) = (try DirectoryLock.acquire(base), "main")
        case .replica(let prefix):
            lock = try DirectoryLock.claimSlot(in: base, prefix: prefix, max: 256)
            instance = String(lock.directory.split(separator: "/").last ?? "main")
        case .share(let name):
            (lock, instance) = (try DirectoryLock.acquire(Self.shareDirectory(name, in: base)), name)
        }
        directory = lock.directory
        identity = Store.Identity(site: configuration.site, service: service, instance: instance)
        var logger = logger
        logger[metadataKey: "instance"] = place == .alone ? nil : "\(instance)"
        self.logger = logger
        self.metrics = metrics
        health = Health(expecting: ["bus"])
        store = try Store(directory: directory, identity: identity, migrations: migrations, clock: Self.clock)
        let state = try await store.outboxState()
        bus = BusClient(
            .init(
                address: configuration.bus,
                name: "\(service)/\(instance)",
                producer: store.producer,
                producerEpoch: state.epoch,
                keyPath: configuration.keyPath
            ),
            logger: logger
        )
        artifacts = ArtifactClient(configuration.artifacts, keyPath: configuration.keyPath)
        relay = OutboxRelay(store: store, bus: bus, lastAtStart: state.last, health: health, logger: logger)
    }

    /// The relay, the beat and, when there are handlers, the inbox; each after those it needs.
    /// - Parameters:
    ///   - beats: Whether it says each second how it is; shares leave that to their program.
    ///   - committed: Called after each batch of events took effect, to wake work that the batch asked for.
    public func parts(
        _ handlers: EventHandlers? = nil,
        beats: Bool = true,
        committed: @escaping @Sendable () -> Void = {}
    ) -> [any Service] {
        var parts: [any Service] = [relay]
        if beats { parts.append(Beat(bus: bus, identity: identity, health: health, metrics: metrics)) }
        if let handlers {
            parts.append(
                Inbox(
                    store: store,
                    bus: bus,
                    relay: relay,
                    consumer: "\(identity.service)/\(identity.instance)",
                    service: identity.service,
                    handlers: handlers,
                    logger: logger,
                    committed: committed
                )
            )
        }
        return parts
    }

    /// A request's event with this program as its source.
    public func envelope(_ event: any Event, runID: String? = nil) throws(EventError) -> CloudEvent {
        try CloudEvent(
            event,
            id: "\(identity.instance)-\(UInt64.random(in: 0...UInt64.max))",
            source: identity.source,
            time: Self.clock(),
            runID: runID
        )
    }

    /// Sends telemetry, which may be lost.
    public func sendTelemetry(_ event: any Event, runID: String? = nil) {
        guard let topic = try? type(of: event).kind.topic(site: identity.site, subject: event.subject),
            let envelope = try? envelope(event, runID: runID)
        else { return }
        bus.sendTelemetry(topic: topic, envelope)
    }
}
