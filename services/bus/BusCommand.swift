import ArgumentParser
import Bus
import CoreMetrics
import Logging
import Membership
import ServiceKit
import Storage

@main
struct BusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus",
        abstract: "The broker: durable event log, fan-out and work groups over ZeroMQ."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: BusConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let logger = Logger(label: "bus")
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let member = try MemberConfiguration(settings)
        let health = Health(expecting: ["log"])
        let configuration = try BusConfiguration(member, settings)
        configuration.access.warnIfOpen(logger)
        let client = BusClient(
            .init(address: member.bus, name: "bus/self", keyPath: member.keyPath),
            logger: logger
        )
        let identity = Store.Identity(site: member.site, service: "bus", instance: "main")
        throw await ServiceRunner.run(
            name: "bus",
            logger: logger,
            services: configuration.access.watches(logger) + [
                BusService(configuration: configuration, health: health, logger: logger),
                Beat(bus: client, identity: identity, health: health, metrics: metrics),
            ]
        )
    }
}
