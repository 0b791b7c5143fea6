import ArgumentParser
import CoreMetrics
import KnownPipelines
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
            migrations: [PipelineTable.migration],
            place: .replica(prefix: "monitor-"),
            metrics: metrics,
            logger: Logger(label: "monitor")
        )
        var handlers = EventHandlers()
        PipelineTable.follow(&handlers)
        let census = MonitorCensus(member)
        throw await ServiceRunner.run(
            name: "monitor",
            logger: member.logger,
            services: member.parts(handlers) + [
                census, ShareKeeper(member, census), QueryService(member: member),
            ]
        )
    }
}
