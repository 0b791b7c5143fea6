import ArgumentParser
import CoreMetrics
import Logging
import Membership
import ServiceKit
import Storage

@main
struct RegistryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Pipelines, versions, gates, rollouts and history; serves models and data sets in chunks."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: RegistryConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let configuration = try RegistryConfiguration(settings)
        let member = try await Member(
            service: "registry",
            configuration: configuration.member,
            migrations: RegistryMigrations.all,
            metrics: metrics,
            logger: Logger(label: "registry")
        )
        let blobs = try BlobStore(directory: "\(member.directory)/artifacts")
        let gates = GateWorker(member: member, blobs: blobs, key: configuration.verificationKey)
        let nodes = NodeWatch(member: member)
        let parts = member.parts(RegistryHandlers.make(logger: member.logger)) {
            gates.wake()
            nodes.wake()
        }
        configuration.access.warnIfOpen(member.logger)
        throw await ServiceRunner.run(
            name: "registry",
            logger: member.logger,
            services: configuration.access.watches(member.logger) + parts + [
                ArtifactService(member: member, blobs: blobs, access: configuration.access), gates, nodes,
                QueryService(member: member, nodes: nodes),
            ]
        )
    }
}
