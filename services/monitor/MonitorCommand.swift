import ArgumentParser
import CoreMetrics
import Logging
import Membership
import ServiceKit

@main
struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Joins predictions with late labels and says when a model decays."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: MemberConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let member = try await Member(
            service: "monitor",
            configuration: try MemberConfiguration(settings),
            migrations: MonitorMigrations.all,
            metrics: metrics,
            logger: Logger(label: "monitor")
        )
        let handlers = MonitorHandlers(WatchBook(logger: member.logger))
        throw await ServiceRunner.run(
            name: "monitor",
            logger: member.logger,
            services: member.parts(handlers.make()) { handlers.committed() } + [
                QueryService(member: member, handlers: handlers)
            ]
        )
    }
}
