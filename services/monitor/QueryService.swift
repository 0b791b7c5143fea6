import Events
import GRDB
import KnownPipelines
import Membership
import Monitoring
import Pipelines
import ServiceLifecycle
import Storage

/// Answers questions about pipelines as a member of the work group `monitor`.
///
/// A watch is on disk after each batch of events, so any monitor on the volume answers about any pipeline.
struct QueryService: Service {
    private static let credit = 4

    let member: Member

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await member.answer(MonitorQuery.self, group: "monitor", credit: Self.credit) { query, _ in
                try await answer(query.pipeline)
            }
        }
    }

    /// How a pipeline stands, as JSON.
    /// - Throws: `EventError` `unknown-pipeline` or `no-model` when it is not watched.
    private func answer(_ pipeline: String) async throws -> [UInt8] {
        let names = try await member.store.read { try PipelineTable.fetchAll($0).map(\.pipeline.name) }
        guard names.contains(pipeline) else {
            throw EventError(
                .unknownPipeline,
                "pipeline '\(pipeline)' is not watched here; known: "
                    + (names.isEmpty ? "none" : names.joined(separator: ", "))
            )
        }
        let directory = member.shareDirectory(pipeline)
        let watch = try await Store.read(directory: directory, service: member.identity.service) { db in
            try WatchTable.fetch(db)?.watch
        }
        guard let watch = watch ?? nil else {
            throw EventError(.noModel, "pipeline '\(pipeline)' has no champion yet: train a first model")
        }
        return try EventCoding.encode(watch.overview())
    }
}
