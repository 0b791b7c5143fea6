import ArgumentParser
import CoreMetrics
import Kernels
import Logging
import Membership
import ServiceKit
import Storage

@main
struct InferenceNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inference-node",
        abstract: "Serves signed int8 models to the bus and, over a local socket, to applications on its own device."
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try Settings(options: options, defaults: InferenceNodeConfiguration.defaults)
        LogOutput.bootstrap(settings)
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(metrics)
        let configuration = try InferenceNodeConfiguration(settings)
        let member = try await Member(
            service: "inference-node",
            configuration: configuration.member,
            migrations: DeploymentTable.migrations,
            place: .replica(prefix: "node-"),
            metrics: metrics,
            logger: Logger(label: "inference-node")
        )
        member.logger.info("kernels", metadata: ["kernel.variant": "\(KernelVariant.best)"])
        for failed in KernelVariant.failed {
            member.logger.error(
                "a kernel failed its self-test and is not used",
                metadata: ["kernel.variant": "\(failed)"]
            )
        }
        let report = KernelReport.here
        if !report.failed.isEmpty {
            try await member.store.write { transaction in
                for event in report.events(node: member.identity.instance) { try transaction.send(event) }
            }
        }
        let shelf = ModelShelf()
        let loader = ModelLoader(
            member: member,
            shelf: shelf,
            blobs: try BlobStore(directory: "\(member.directory)/models"),
            key: configuration.verificationKey
        )
        let recorder = PredictionRecorder(member: member)
        let desk = QuestionDesk(member: member, shelf: shelf, recorder: recorder)
        let parts = member.parts(DeploymentTable.handlers()) { loader.wake() }
        throw await ServiceRunner.run(
            name: "inference-node",
            logger: member.logger,
            services: parts + [
                loader,
                InferenceWorker(
                    member: member,
                    shelf: shelf,
                    desk: desk,
                    recorder: recorder,
                    loaded: loader.firstPass
                ),
                LocalDoor(endpoint: "ipc://\(member.directory)/infer.sock", desk: desk, logger: member.logger),
            ]
        )
    }
}
