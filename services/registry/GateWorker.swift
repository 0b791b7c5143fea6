import Events
import Inference
import KnownPipelines
import Logging
import Membership
import ModelContainer
import ModelGraph
import Pipelines
import ServiceLifecycle
import Storage
import ZeroMQ

/// Puts converted models through the gates, one run after the other; promotes the best that passes.
struct GateWorker: Service {
    private let member: Member
    private let blobs: BlobStore
    private let key: VerificationKey
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(member: Member, blobs: BlobStore, key: VerificationKey) {
        self.member = member
        self.blobs = blobs
        self.key = key
        (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
    }

    /// There may be a run to judge.
    func wake() { continuation.yield() }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            for await _ in wakes {
                while !Task.isCancelled, let job = try await member.store.read({ try GateJobTable.next($0) }) {
                    try await judge(job)
                }
            }
        }
    }

    /// A candidate that was judged.
    private struct Judged: Sendable {
        let candidate: ConversionCompleted.Candidate
        let manifest: Manifest
        let verdict: Gates.Verdict
    }

    private struct Rejected: Sendable {
        let candidate: ConversionCompleted.Candidate
        let code: ErrorCode
        let message: String
    }

    private func judge(_ job: GateJobTable.Job) async throws {
        let run = job.run
        let (known, champion) = try await member.store.read { db in
            (
                try PipelineTable.fetch(run.pipeline, db),
                try ModelTable.current(run.pipeline, alias: "champion", db)
            )
        }
        let (all, untrusted) = try await DedicatedThread.run("gates") { judgeAll(run, known, champion) }
        try await member.store.write { transaction in
            try settle(job, all, untrusted, isFirst: champion == nil, transaction)
        }
    }

    private func judgeAll(
        _ run: ConversionCompleted,
        _ known: KnownPipeline?,
        _ champion: ModelTable.Version?
    ) -> ([Judged], [Rejected]) {
        var judged: [Judged] = []
        var rejected: [Rejected] = []
        do {
            guard let known else {
                throw EventError(.unknownPipeline, "pipeline '\(run.pipeline)' is not registered")
            }
            let gates = Gates(
                pipeline: known.pipeline,
                recent: try set(run.recent),
                frozen: try set(run.frozen),
                parity: try set(run.parity)
            )
            let present = try champion.map { try QuantizedModel(try container($0.digest)) }
            for candidate in run.candidates {
                do { judged.append(try judge(candidate, gates, champion: present)) } catch let error as EventError {
                    rejected.append(Rejected(candidate: candidate, code: error.code, message: error.message))
                } catch {
                    rejected.append(Rejected(candidate: candidate, code: .badContainer, message: "\(error)"))
                }
            }
        } catch {
            let code = (error as? EventError)?.code ?? .badContainer
            rejected = run.candidates.map { Rejected(candidate: $0, code: code, message: "\(error)") }
        }
        return (judged, rejected)
    }

    private func judge(
        _ candidate: ConversionCompleted.Candidate,
        _ gates: Gates,
        champion: QuantizedModel?
    ) throws -> Judged {
        do {
            try SignedEnvelope(json: Array(candidate.envelope.utf8)).verify(digest: candidate.model, with: key)
        } catch {
            throw EventError(.badSignature, "\(error)")
        }
        let model = try QuantizedModel(try container(candidate.model))
        let float = try FloatInterpreter(try container(candidate.floatModel).graph)
        return Judged(
            candidate: candidate,
            manifest: model.manifest,
            verdict: try gates.judge(model, float: float, champion: champion)
        )
    }

    private func container(_ digest: String) throws -> ModelContainer {
        guard let bytes = try blobs.read(digest) else {
            throw EventError(.notFound, "artifact \(digest) is not in the registry's store")
        }
        return try ModelContainer(parsing: bytes)
    }

    private func set(_ digest: String) throws -> EvaluationSet { try EvaluationSet(try container(digest)) }

    /// Writes the outcome of a run: versions, aliases, the lap, and the events, in one transaction.
    private func settle(
        _ job: GateJobTable.Job,
        _ judged: [Judged],
        _ untrusted: [Rejected],
        isFirst: Bool,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        let run = job.run
        transaction.runID = job.runID
        let winner = Self.winner(judged.filter(\.verdict.isPassed), isFirst: isFirst)
        for one in untrusted {
            try transaction.send(
                ModelRejected(
                    pipeline: run.pipeline,
                    digest: one.candidate.model,
                    candidate: one.candidate.name,
                    code: one.code,
                    message: one.message,
                    gates: []
                )
            )
        }
        var versions: [String: Int] = [:]
        for one in judged {
            let version = try ModelTable.nextVersion(run.pipeline, db)
            versions[one.candidate.name] = version
            try ModelTable.insert(self.version(one, number: version, job), at: transaction.now, db)
            if one.verdict.isPassed {
                try transaction.send(
                    ModelRegistered(
                        pipeline: run.pipeline,
                        version: version,
                        digest: one.candidate.model,
                        candidate: one.candidate.name,
                        gates: one.verdict.results
                    )
                )
            } else {
                let failed = one.verdict.results.filter { !$0.passed }
                try transaction.send(
                    ModelRejected(
                        pipeline: run.pipeline,
                        digest: one.candidate.model,
                        candidate: one.candidate.name,
                        code: .failed,
                        message: failed.map { "\($0.gate): \($0.message)" }.joined(separator: "; "),
                        gates: one.verdict.results
                    )
                )
            }
        }
        if let winner, let version = versions[winner.candidate.name] {
            try LapTable.mark(job.runID, .gatesPassed, at: transaction.now, db)
            try LapTable.promote(
                job.runID,
                version: version,
                digest: winner.candidate.model,
                winner: winner.candidate.name,
                db
            )
            try promote(
                winner,
                judged.filter { $0.candidate.name != winner.candidate.name },
                versions,
                job,
                transaction
            )
        } else {
            try LapTable.end(
                job.runID,
                outcome: "rejected",
                message: "no candidate passed the gates; the champion stays",
                db
            )
        }
        try GateJobTable.finish(job.runID, db)
    }

    /// The best on recent rows. The first model of a pipeline has nobody to beat: then it is the one that the
    /// pipeline's author calls champion, if it passed.
    private static func winner(_ passed: [Judged], isFirst: Bool) -> Judged? {
        if isFirst, let named = passed.first(where: { $0.candidate.name == "champion" }) { return named }
        return passed.min { $0.verdict.recent < $1.verdict.recent }
    }

    private func version(_ one: Judged, number: Int, _ job: GateJobTable.Job) -> ModelTable.Version {
        let lineage = one.manifest.lineage
        return ModelTable.Version(
            pipeline: job.run.pipeline,
            version: number,
            digest: one.candidate.model,
            floatDigest: one.candidate.floatModel,
            envelope: one.candidate.envelope,
            candidate: one.candidate.name,
            runID: job.runID,
            pipelineVersion: job.run.pipelineVersion,
            rows: lineage?.rows ?? 0,
            firstKey: lineage?.firstKey ?? "",
            lastKey: lineage?.lastKey ?? "",
            seed: lineage?.seed ?? 0,
            baseline: one.verdict.baseline,
            gates: one.verdict.results,
            source: job.run.source
        )
    }

    /// Gives the aliases and tells the nodes. The run's other models run beside the champion as its shadows, unless
    /// their golden answers are wrong.
    private func promote(
        _ winner: Judged,
        _ others: [Judged],
        _ versions: [String: Int],
        _ job: GateJobTable.Job,
        _ transaction: Transaction
    ) throws {
        let db = transaction.database
        let pipeline = job.run.pipeline
        let shadows = others.filter { $0.verdict.results.first { $0.gate == "golden" }?.passed ?? false }
        var deployments: [RolloutStepped.Deployment] = []
        for (index, one) in ([winner] + shadows).enumerated() {
            guard let version = versions[one.candidate.name] else { continue }
            let alias = index == 0 ? "champion" : "shadow-\(index)"
            let previous = try ModelTable.assign(pipeline, alias: alias, version: version, at: transaction.now, db)
            try transaction.send(
                ModelPromoted(
                    pipeline: pipeline,
                    version: version,
                    digest: one.candidate.model,
                    alias: alias,
                    previous: previous
                )
            )
            deployments.append(
                RolloutStepped.Deployment(
                    alias: alias,
                    candidate: one.candidate.name,
                    version: version,
                    digest: one.candidate.model,
                    envelope: one.candidate.envelope
                )
            )
        }
        for index in deployments.count..<(deployments.count + 8) {
            try ModelTable.retire(pipeline, alias: "shadow-\(index)", at: transaction.now, db)
        }
        guard let champion = deployments.first else { return }
        try transaction.send(
            RolloutStepped(
                pipeline: pipeline,
                pipelineVersion: job.run.pipelineVersion,
                champion: champion,
                shadows: Array(deployments.dropFirst()),
                baseline: winner.verdict.baseline,
                ranges: winner.manifest.features.compactMap { feature in
                    guard let low = feature.trainingMin, let high = feature.trainingMax else { return nil }
                    return RolloutStepped.Range(
                        feature: feature.name,
                        count: feature.shape.reduce(1, *),
                        min: low,
                        max: high
                    )
                }
            )
        )
    }
}
