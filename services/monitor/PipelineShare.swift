import Membership
import ServiceKit
import ServiceLifecycle
import Storage

/// The watch over one pipeline: a store, a place in the log and a connection of its own, which pass to another monitor as
/// they are.
struct PipelineShare: Sendable {
    private let group: ServiceGroup
    /// Has the folder's lock.
    private let member: Member

    /// Takes the pipeline.
    /// - Returns: nil when another monitor has it.
    /// - Throws: `StorageError`, `DirectoryLockError` when its folder cannot be used.
    static func take(_ pipeline: String, for monitor: Member, gauges: MonitorGauges) async throws -> PipelineShare? {
        do {
            let member = try await Member(
                service: monitor.identity.service,
                configuration: monitor.configuration,
                migrations: MonitorMigrations.all,
                place: .share(pipeline),
                metrics: monitor.metrics,
                logger: monitor.logger
            )
            let handlers = MonitorHandlers(pipeline: pipeline, gauges: gauges, logger: member.logger)
            let parts = member.parts(handlers.make(), beats: false) { handlers.committed() }
            return PipelineShare(group: ServiceGroup(services: parts, logger: member.logger), member: member)
        } catch DirectoryLockError.held {
            return nil
        }
    }

    /// Watches until ``release()``.
    func run() async throws { try await group.run() }

    /// Ends the watch after the events in hand; its folder is free when this value is gone after that.
    func release() async { await group.triggerGracefulShutdown() }
}
