import Events
import GRDB
import KnownPipelines
import Logging
import Membership
import Pipelines
import ServiceLifecycle
import Storage

/// Answers questions as the only member of the work group `registry`.
struct QueryService: Service {
    private static let credit = 16

    let member: Member
    let nodes: NodeWatch

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await member.answer(RegistryQuery.self, group: "registry", credit: Self.credit) { query, _ in
                try await answer(query)
            }
        }
    }

    private func answer(_ query: RegistryQuery) async throws -> [UInt8] {
        let live = nodes.live
        return try await member.store.read { db in
            switch query.question {
            case .laps: try EventCoding.encode(LapsAnswer(laps: try LapTable.fetch(pipeline: query.pipeline, db)))
            case .history:
                try EventCoding.encode(
                    HistoryAnswer(served: try ModelTable.served(pipeline: query.pipeline, at: query.at, db))
                )
            case .status: try EventCoding.encode(try Self.status(query.pipeline, live: live, db))
            }
        }
    }

    private static func status(_ name: String?, live: [String], _ db: Database) throws -> StatusAnswer {
        let known = try PipelineTable.fetchAll(db).filter { name == nil || $0.pipeline.name == name }
        return StatusAnswer(
            pipelines: try known.map { known in
                let name = known.pipeline.name
                let served = try ModelTable.served(pipeline: name, at: nil, isNow: true, db)
                let champion = served.first { $0.alias == "champion" }
                let laps = try LapTable.counts(pipeline: name, db)
                let serving = try String.fetchAll(
                    db,
                    sql: """
                        SELECT node FROM nodeModel WHERE pipeline = ? AND role = 'champion' AND digest = ? ORDER BY node
                        """,
                    arguments: [name, champion?.digest ?? ""]
                )
                return PipelineStatus(
                    pipeline: name,
                    version: known.version,
                    automation: known.pipeline.automation.rawValue,
                    champion: champion,
                    shadows: served.filter { $0.alias != "champion" },
                    laps: laps.all,
                    lapsPromoted: laps.promoted,
                    nodesServing: serving.filter(live.contains),
                    nodesLive: live
                )
            }
        )
    }
}
