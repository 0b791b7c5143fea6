import ArgumentParser
import CoreMetrics
import Logging
import Membership
import ServiceKit

@main
struct ConverterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "converter",
        abstract: "Quantizes trained models to int8, signs the containers and stores them."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: ConverterConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let configuration = try ConverterConfiguration(settings)
        let member = try await Member(
            service: "converter",
            configuration: configuration.member,
            migrations: ConversionTable.migrations,
            metrics: metrics,
            logger: Logger(label: "converter")
        )
        let worker = ConversionWorker(member: member, key: configuration.signingKey)
        let parts = member.parts(ConversionTable.handlers()) { worker.wake() }
        throw await ServiceRunner.run(name: "converter", logger: member.logger, services: parts + [worker])
    }
}
