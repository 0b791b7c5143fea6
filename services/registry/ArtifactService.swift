import Bus
import Events
import Logging
import Membership
import ServiceKit
import ServiceLifecycle
import Storage
import ZeroMQ

/// Serves the registry's blobs on the artifact socket.
struct ArtifactService: Service {
    let member: Member
    let blobs: BlobStore
    let access: AccessSettings

    func run() async throws {
        let address = member.configuration.artifacts
        if let directory = address.directory {
            try PrivateDirectory.ensure(directory)
        }
        Descriptors.raiseLimit()
        let (refusals, refused) = AsyncStream.makeStream(of: Refusal.self, bufferingPolicy: .bufferingNewest(64))
        let (failures, failed) = AsyncStream.makeStream(of: (any Error).self)
        let server = ArtifactServer(
            endpoint: address.bindEndpoint(SocketTable.artifacts),
            storage: ArtifactShelf(blobs),
            door: ArtifactDoor(
                store: access.store,
                serverSecretKey: access.serverSecretKey,
                time: Member.clock,
                refused: { refused.yield($0) }
            ),
            logger: member.logger
        ) { failed.yield($0) }
        let failure = await cancelWhenGracefulShutdown {
            await withTaskGroup(of: (any Error)?.self) { group in
                group.addTask {
                    for await failure in failures { return failure }
                    return nil
                }
                group.addTask {
                    for await refusal in refusals { await say(refusal) }
                    return nil
                }
                group.addTask {
                    await ArtifactReporter().run(server)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
        if let failure { throw failure }
        server.close()
    }

    /// A refusal at the artifact socket is an event, as those of the broker are.
    private func say(_ refusal: Refusal) async {
        do {
            try await member.store.write { transaction in
                _ = try transaction.send(
                    EventRefused(service: "registry", code: refusal.code, message: refusal.message)
                )
            }
        } catch {
            member.logger.error("cannot tell of a refusal", metadata: ["error": "\(error)"])
        }
    }
}
