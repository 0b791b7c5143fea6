import ArgumentParser
import CoreMetrics
import Logging
import Membership
import ServiceKit

@main
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert",
        abstract: "Tells people what the loop cannot repair by itself, once for each trouble."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: AlertConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let configuration = try AlertConfiguration(settings)
        let member = try await Member(
            service: "alert",
            configuration: try MemberConfiguration(settings),
            migrations: AlertMigrations.all,
            metrics: metrics,
            logger: Logger(label: "alert")
        )
        let service = AlertService(member: member, configuration: configuration)
        let parts = member.parts(AlertHandlers.make(configuration)) { service.wake() }
        throw await ServiceRunner.run(name: "alert", logger: member.logger, services: parts + [service])
    }
}
