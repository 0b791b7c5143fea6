import Bus
import Events
import KnownPipelines
import Logging
import Membership
import ModelContainer
import ModelGraph
import Pipelines
import ServiceLifecycle
import Storage
import Training
import ZeroMQ

/// Carries out the runs that the handlers queued, one after the other; the models of a run are trained in parallel.
struct TrainingWorker: Service {
    private let member: Member
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(member: Member) {
        self.member = member
        (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
    }

    /// There may be a run to carry out.
    func wake() { continuation.yield() }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in wakes {
                do {
                    while !Task.isCancelled, let run = try await member.store.read({ try RunTable.next($0) }) {
                        try await carryOut(run)
                    }
                } catch let error as BusError where error.isRetriable {
                    member.logger.warning("will try the run again", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                    continuation.yield()
                } catch is CancellationError {
                    return
                } catch {
                    member.logger.error("the trainer's store failed", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                    continuation.yield()
                }
            }
        }
    }

    private func carryOut(_ run: RunTable.Run) async throws {
        do {
            let (known, plan) = try await prepare(run)
            let trained = try await train(plan, known.pipeline, run)
            let completed = try await store(trained, plan, known, run)
            try await member.store.write { transaction in
                let frozen = plan.frozen.map(\.key)
                try ExampleTable.freeze(frozen, of: run.pipeline, transaction.database)
                try RunTable.set(run.runID, state: "completed", at: transaction.now, transaction.database)
                try transaction.send(completed, runID: run.runID)
            }
        } catch let failure as RunFailure {
            member.logger.error(
                "a training run failed",
                metadata: ["run.id": "\(run.runID)", "reason": "\(failure.message)"]
            )
            try await member.store.write { transaction in
                try RunTable.set(run.runID, state: "failed", at: transaction.now, transaction.database)
                try transaction.send(
                    TrainingFailed(pipeline: run.pipeline, code: failure.code, message: failure.message),
                    runID: run.runID
                )
            }
        }
    }

    private func prepare(_ run: RunTable.Run) async throws -> (KnownPipeline, RunPlan) {
        let (known, rows, frozenKeys) = try await member.store.read { db in
            guard let known = try PipelineTable.fetch(run.pipeline, db) else {
                throw RunFailure(code: .unknownPipeline, message: "pipeline '\(run.pipeline)' is not registered")
            }
            return (
                known, try ExampleTable.rows(for: known.pipeline, until: run.untilKey, db).rows,
                try ExampleTable.frozenKeys(of: run.pipeline, db)
            )
        }
        guard known.pipeline.train.kind == .mlp else {
            throw RunFailure(
                code: .failed,
                message: "train.kind 'command' is not carried out by this version; use 'mlp'"
            )
        }
        guard let plan = RunPlan(known.pipeline, rows: rows, frozenKeys: frozenKeys) else {
            throw RunFailure(
                code: .tooFewRows,
                message: "\(rows.count) labelled rows are too few to train on and to keep some back: record more "
                    + "observations of '\(known.pipeline.data.observations)' with labels"
            )
        }
        if !run.wasStarted {
            let names = plan.candidates.map(\.name)
            try await member.store.write { transaction in
                try RunTable.set(run.runID, state: "started", at: transaction.now, transaction.database)
                try transaction.send(
                    TrainingStarted(
                        pipeline: run.pipeline,
                        pipelineVersion: known.version,
                        cause: run.cause,
                        candidates: names,
                        rows: rows.count
                    ),
                    runID: run.runID
                )
            }
        }
        return (known, plan)
    }

    // MARK: Training

    private struct Trained: Sendable {
        let candidate: RunPlan.Candidate
        let result: TrainingResult
        let seconds: Double
    }

    private func train(_ plan: RunPlan, _ pipeline: Pipeline, _ run: RunTable.Run) async throws -> [Trained] {
        let member = member
        return try await withThrowingTaskGroup(of: (Int, Trained).self) { group in
            for (index, candidate) in plan.candidates.enumerated() {
                group.addTask {
                    (index, try await Self.trainOnThread(candidate, pipeline, run.runID, member))
                }
            }
            var trained: [(Int, Trained)] = []
            for try await one in group { trained.append(one) }
            return trained.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Trains off the cooperative pool, which a long computation would block.
    private static func trainOnThread(
        _ candidate: RunPlan.Candidate,
        _ pipeline: Pipeline,
        _ runID: String,
        _ member: Member
    ) async throws -> Trained {
        try await DedicatedThread.run("train") {
            let clock = ContinuousClock()
            let start = clock.now
            var reportedAt = start
            do {
                let result = try MLPTrainer.train(
                    TrainingSet(candidate.rows),
                    settings: MLPSettings(pipeline, seed: candidate.seed)
                ) { progress in
                    if clock.now - reportedAt > .milliseconds(250) || progress.epoch == progress.epochs {
                        reportedAt = clock.now
                        member.sendTelemetry(
                            TrainingProgressed(
                                pipeline: pipeline.name,
                                candidate: candidate.name,
                                epoch: progress.epoch,
                                epochs: progress.epochs,
                                validationLoss: Double(progress.validationLoss)
                            ),
                            runID: runID
                        )
                    }
                    return true
                }
                let (seconds, attoseconds) = (clock.now - start).components
                return Trained(
                    candidate: candidate,
                    result: result,
                    seconds: Double(seconds) + Double(attoseconds) * 1e-18
                )
            } catch {
                throw RunFailure(code: .failed, message: "\(candidate.name): \(error)")
            }
        }
    }

    // MARK: Artifacts

    private func store(
        _ trained: [Trained],
        _ plan: RunPlan,
        _ known: KnownPipeline,
        _ run: RunTable.Run
    ) async throws -> TrainingCompleted {
        var candidates: [TrainingCompleted.Candidate] = []
        for one in trained {
            let rows = one.candidate.rows
            let calibration = try await upload(
                RunPlan.calibrationRows(of: rows, max: known.pipeline.quantize.calibrationRows)
            )
            let lineage = Lineage(
                pipeline: run.pipeline,
                pipelineVersion: known.version,
                runid: run.runID,
                role: one.candidate.name,
                dataset: known.pipeline.data.observations,
                datasetDigest: try digest(of: rows),
                firstKey: rows.first?.key ?? "",
                lastKey: rows.last?.key ?? "",
                rows: rows.count,
                seed: one.candidate.seed,
                parent: nil,
                createdBy: member.identity.source
            )
            let model = try container {
                try ModelContainer.floatModel(
                    graph: one.result.graph,
                    features: Feature.list(known.pipeline, one.result),
                    task: known.pipeline.task.kind == .regression ? .regression : .classification,
                    lineage: lineage
                )
            }
            candidates.append(
                TrainingCompleted.Candidate(
                    name: one.candidate.name,
                    model: try await upload(model),
                    calibration: calibration,
                    rows: rows.count,
                    firstKey: lineage.firstKey,
                    lastKey: lineage.lastKey,
                    seed: one.candidate.seed,
                    epochs: one.result.epochsRun,
                    trainingLoss: Double(one.result.trainingLoss),
                    validationLoss: Double(one.result.validationLoss),
                    seconds: one.seconds
                )
            )
        }
        return TrainingCompleted(
            pipeline: run.pipeline,
            pipelineVersion: known.version,
            candidates: candidates,
            recent: try await upload(plan.recent),
            parity: try await upload(plan.parity),
            frozen: try await upload(plan.frozen)
        )
    }

    private func upload(_ rows: [LabelledRow]) async throws -> String { try await upload(try dataset(rows)) }

    private func upload(_ bytes: [UInt8]) async throws -> String {
        let digest = BlobStore.digest(of: bytes)
        try await member.artifacts.upload(bytes, digest: digest)
        return digest
    }

    private func digest(of rows: [LabelledRow]) throws -> String { BlobStore.digest(of: try dataset(rows)) }

    private func dataset(_ rows: [LabelledRow]) throws -> [UInt8] {
        let width = rows.first?.features.count ?? 0
        return try container {
            try ModelContainer.dataset(
                tensors: [
                    ("inputs", Tensor(shape: [rows.count, width], floats: rows.flatMap(\.features))),
                    ("targets", Tensor(shape: [rows.count, 1], floats: rows.map(\.target))),
                ],
                metadata: ["firstKey": rows.first?.key ?? "", "lastKey": rows.last?.key ?? ""]
            )
        }
    }

    private func container(_ make: () throws -> [UInt8]) throws -> [UInt8] {
        do { return try make() } catch { throw RunFailure(code: .badContainer, message: "\(error)") }
    }
}

/// Why a run ends without models; becomes `training.failed`.
private struct RunFailure: Error {
    let code: ErrorCode
    let message: String
}

extension TrainingSet {
    fileprivate init(_ rows: [LabelledRow]) {
        self.init(
            inputs: rows.flatMap(\.features),
            targets: rows.map(\.target),
            rows: rows.count,
            features: rows.first?.features.count ?? 0
        )
    }
}

extension MLPSettings {
    fileprivate init(_ pipeline: Pipeline, seed: UInt64) {
        let train = pipeline.train
        self.init(
            hidden: train.hidden,
            loss: Loss(rawValue: train.loss.rawValue) ?? .mse,
            epochs: train.epochs,
            seed: seed,
            batch: train.batch,
            learningRate: Float(train.learningRate),
            patience: train.patience,
            validationShare: Float(train.holdoutShare),
            classes: pipeline.task.classes
        )
    }
}

extension Feature {
    /// The pipeline's inputs with what the schema allows and what the training data covered.
    fileprivate static func list(_ pipeline: Pipeline, _ result: TrainingResult) -> [Feature] {
        var offset = 0
        return pipeline.task.inputs.map { input in
            let schema = pipeline.data.schema.first { $0.name == input.name }
            let span = offset..<(offset + input.count)
            offset += input.count
            return Feature(
                name: input.name,
                shape: input.shape,
                unit: input.unit,
                min: schema?.min.map(Float.init),
                max: schema?.max.map(Float.init),
                trainingMin: result.inputMin[span].min(),
                trainingMax: result.inputMax[span].max()
            )
        }
    }
}
