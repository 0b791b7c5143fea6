import Events
import Membership
import ServiceLifecycle
import Storage

/// Answers questions about pipelines as a member of the work group `monitor`.
struct QueryService: Service {
    private static let credit = 4

    let member: Member
    let handlers: MonitorHandlers

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await member.answer(MonitorQuery.self, group: "monitor", credit: Self.credit) { query, _ in
                try await answer(query)
            }
        }
    }

    private func answer(_ query: MonitorQuery) async throws -> [UInt8] {
        let handlers = handlers
        return try await member.store.read { try handlers.answer(query, $0) }
    }
}
