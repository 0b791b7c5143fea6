import Bus
import Events
import GRDB
import Logging
import Membership
import ServiceLifecycle
import Storage
import Synchronization

/// Knows which nodes live, from their beats, and ends a rollout when all of them serve the new champion.
final class NodeWatch: Service {
    /// Silence after which a node no longer counts as live.
    private static let silenceMax: Duration = .milliseconds(3500)

    private let member: Member
    private let heard = Mutex<[String: ContinuousClock.Instant]>([:])
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(member: Member) {
        self.member = member
        (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// A node may have loaded a model.
    func wake() { continuation.yield() }

    /// The instances of the nodes that were heard lately, sorted.
    var live: [String] {
        let now = ContinuousClock.now
        return heard.withLock { heard in
            heard.filter { now - $0.value < Self.silenceMax }.keys.sorted()
        }
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown { [self] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in await listen() }
                group.addTask { [self] in
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .seconds(1))
                        wake()
                    }
                }
                for await _ in wakes { try await check() }
                group.cancelAll()
            }
        }
    }

    private func listen() async {
        let prefix = "t/\(member.identity.site)/service/beat/v1/inference-node."
        for await frames in member.bus.listen(prefixes: [prefix], buffer: 256) {
            guard let beat = try? Bus.Record(frames: frames).event().decode(ServiceBeat.self) else { continue }
            heard.withLock { $0[beat.instance] = .now }
        }
    }

    private func check() async throws {
        let live = live
        let rollouts = try await member.store.read { try LapTable.rollingOut($0) }
        var seen: Set<String> = []
        for (runID, pipeline, digest) in rollouts where seen.insert(pipeline).inserted {
            try await member.store.write { transaction in
                let db = transaction.database
                var loaded: [String: Int64] = [:]
                for row in try Row.fetchAll(
                    db,
                    sql: "SELECT node, at FROM nodeModel WHERE pipeline = ? AND role = 'champion' AND digest = ?",
                    arguments: [pipeline, digest]
                ) {
                    loaded[row["node"]] = row["at"]
                }
                guard let first = loaded.values.min() else { return }
                try LapTable.markNode(runID, at: Timestamp(microseconds: first), db)
                let serving = live.filter { loaded[$0] != nil }
                guard !serving.isEmpty, serving.count == live.count,
                    let last = serving.compactMap({ loaded[$0] }).max()
                else { return }
                try LapTable.mark(runID, .lastNode, at: Timestamp(microseconds: last), db)
                try transaction.send(
                    RolloutCompleted(pipeline: pipeline, digest: digest, nodes: serving),
                    runID: runID
                )
            }
        }
    }
}
