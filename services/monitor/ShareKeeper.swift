import KnownPipelines
import Logging
import Membership
import Pipelines
import ServiceKit
import ServiceLifecycle
import Storage

/// Takes pipelines that no other monitor on this volume has, up to an equal share, and gives back what is above it.
///
/// The folder's lock decides who has a pipeline: it is free at once when its holder dies, and whoever takes it goes on
/// where the store stands.
struct ShareKeeper: Service {
    /// How often it looks for pipelines that are free.
    private static let interval = Duration.milliseconds(500)

    private let member: Member
    private let census: MonitorCensus
    private let gauges = MonitorGauges()

    init(_ member: Member, _ census: MonitorCensus) {
        self.member = member
        self.census = census
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: String?.self) { group in
            var shares: [String: PipelineShare] = [:]
            group.addTask { await Self.pause() }
            while let ended = try await group.next() {
                if let ended {
                    shares[ended] = nil
                    gauges.remove(ended)
                    member.logger.info("gave back a pipeline", metadata: ["pipeline": "\(ended)"])
                    continue
                }
                guard !Task.isShuttingDownGracefully else { break }
                for (name, share) in try await change(shares) {
                    shares[name] = share
                    group.addTask {
                        try await share.run()
                        return name
                    }
                    member.logger.info("took a pipeline", metadata: ["pipeline": "\(name)"])
                }
                group.addTask { await Self.pause() }
            }
            for share in shares.values { await share.release() }
            try await group.waitForAll()
        }
    }

    private static func pause() async -> String? {
        await cancelWhenGracefulShutdown { try? await Task.sleep(for: interval) }
        return nil
    }

    /// Gives back what is too much, and takes what is free.
    private func change(_ shares: [String: PipelineShare]) async throws -> [(String, PipelineShare)] {
        let known = try await member.store.read { try PipelineTable.fetchAll($0).map(\.pipeline.name) }
        let balance = ShareBalance(pipelines: Set(known), held: Set(shares.keys), monitors: census.count())
        for name in balance.released { await shares[name]?.release() }
        var taken: [(String, PipelineShare)] = []
        let wanted = balance.wanted
        for name in wanted.names where taken.count < wanted.count {
            guard let share = try await PipelineShare.take(name, for: member, gauges: gauges) else { continue }
            taken.append((name, share))
        }
        return taken
    }
}
