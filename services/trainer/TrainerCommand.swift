import ArgumentParser
import CoreMetrics
import Logging
import Membership
import ServiceKit

@main
struct TrainerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainer",
        abstract: "Keeps the data sets; trains the champion and its shadows when it decays."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: MemberConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let member = try await Member(
            service: "trainer",
            configuration: try MemberConfiguration(settings),
            migrations: TrainerMigrations.all,
            metrics: metrics,
            logger: Logger(label: "trainer")
        )
        let worker = TrainingWorker(member: member)
        let parts = member.parts(TrainerHandlers.make()) { worker.wake() }
        throw await ServiceRunner.run(name: "trainer", logger: member.logger, services: parts + [worker])
    }
}
