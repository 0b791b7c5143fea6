import Bus
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
        await cancelWhenGracefulShutdown {
            guard let filter = try? MonitorQuery.kind.filter else { return }
            let (id, jobs) = member.bus.join(
                JoinRequest(group: "monitor", filters: [filter], credit: Self.credit)
            )
            defer { member.bus.leave(id) }
            while true {
                let batch = await jobs.next(max: Self.credit)
                if batch.isEmpty { return }
                for job in batch {
                    do { member.bus.finish(id, job.token, result: try await answer(job.record)) } catch {
                        let code = (error as? EventError)?.code ?? .failed
                        member.bus.fail(id, job.token, Refusal(code, "\(error)"))
                    }
                }
            }
        }
    }

    private func answer(_ record: Bus.Record) async throws -> [UInt8] {
        let query = try record.event().decode(MonitorQuery.self)
        let handlers = handlers
        return try await member.store.read { try handlers.answer(query, $0) }
    }
}
