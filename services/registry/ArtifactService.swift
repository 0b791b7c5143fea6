import Bus
import FoundationEssentials
import Logging
import Membership
import ServiceLifecycle
import Storage

/// Serves the registry's blobs on the artifact socket.
struct ArtifactService: Service {
    let member: Member
    let blobs: BlobStore

    func run() async throws {
        let address = member.configuration.artifacts
        if let directory = address.directory {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        let (failures, failed) = AsyncStream.makeStream(of: (any Error).self)
        let server = ArtifactServer(
            endpoint: address.bindEndpoint(SocketTable.artifacts),
            storage: ArtifactShelf(blobs),
            logger: member.logger
        ) { failed.yield($0) }
        let failure = await cancelWhenGracefulShutdown {
            for await failure in failures { return failure as (any Error)? }
            return nil
        }
        if let failure { throw failure }
        server.close()
    }
}
