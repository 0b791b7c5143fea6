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
            storage: BlobArtifacts(blobs: blobs),
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

private struct BlobArtifacts: ArtifactStorage {
    let blobs: BlobStore

    func size(of digest: String) -> Int? { blobs.size(of: digest) }

    func read(_ digest: String, offset: Int, count: Int) -> [UInt8]? {
        blobs.read(digest, offset: offset, count: count)
    }

    func partialSize(of digest: String) -> Int { blobs.partialSize(of: digest) }

    func append(_ bytes: [UInt8], to digest: String) throws { try blobs.append(bytes, to: digest) }

    func complete(_ digest: String) throws { try blobs.complete(digest) }
}
