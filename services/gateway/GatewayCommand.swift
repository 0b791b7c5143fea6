import ArgumentParser
import CoreMetrics
import KnownPipelines
import Logging
import Membership
import ServiceKit
import Storage

@main
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "The HTTP face of the loop: takes CloudEvents, shows health and metrics."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: GatewayConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let configuration = try GatewayConfiguration(settings)
        let member = try await Member(
            service: "gateway",
            configuration: try MemberConfiguration(settings),
            migrations: [PipelineTable.migration],
            metrics: metrics,
            logger: Logger(label: "gateway")
        )
        let catalogue = PipelineCatalogue(try await member.store.read { try PipelineTable.fetchAll($0) })
        let board = BeatBoard(member: member)
        let service = GatewayService(
            member: member,
            configuration: configuration,
            responder: GatewayResponder(
                events: EventsRoute(member: member, catalogue: catalogue),
                infer: InferRoute(member: member, catalogue: catalogue),
                models: try ModelsRoute(member: member, catalogue: catalogue),
                health: member.health,
                overview: OverviewRoutes(member: member, board: board),
                logger: member.logger
            )
        )
        throw await ServiceRunner.run(
            name: "gateway",
            logger: member.logger,
            services: member.parts(catalogue.handlers()) + [board, service]
        )
    }
}
