import Bus
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

/// Converts the models of one run after the other.
struct ConversionWorker: Service {
    /// Rows whose answers go into the container, for nodes to check before they serve, when the pipeline is unknown.
    private static let goldenRowsDefault = 16

    private let member: Member
    private let key: SigningKey
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(member: Member, key: SigningKey) {
        self.member = member
        self.key = key
        (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
    }

    /// There may be a run to convert.
    func wake() { continuation.yield() }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in wakes {
                do {
                    while !Task.isCancelled, let job = try await member.store.read({ try ConversionTable.next($0) }) {
                        try await convert(job)
                    }
                } catch {
                    guard !Task.isCancelled else { return }
                    member.logger.warning("will try the conversion again", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                    continuation.yield()
                }
            }
        }
    }

    private func convert(_ job: ConversionTable.Job) async throws {
        let known = try await member.store.read { try PipelineTable.fetch(job.run.pipeline, $0) }
        let goldenRows = known?.pipeline.gates.goldenAnswers ?? Self.goldenRowsDefault
        var converted: [ConversionCompleted.Candidate] = []
        var failures: [ConversionFailed] = []
        for candidate in job.run.candidates {
            do { converted.append(try await convert(candidate, goldenRows)) } catch let error as BusError
                where error.isRetriable
            {
                throw error
            } catch {
                let code = (error as? BusError)?.code ?? (error as? EventError)?.code ?? .badContainer
                failures.append(
                    ConversionFailed(
                        pipeline: job.run.pipeline,
                        candidate: candidate.name,
                        code: code,
                        message: "\(error)"
                    )
                )
            }
        }
        let (done, failed) = (converted, failures)
        try await member.store.write { transaction in
            for failure in failed { try transaction.send(failure, runID: job.runID) }
            if !done.isEmpty {
                try transaction.send(
                    ConversionCompleted(
                        pipeline: job.run.pipeline,
                        pipelineVersion: job.run.pipelineVersion,
                        candidates: done,
                        recent: job.run.recent,
                        parity: job.run.parity,
                        frozen: job.run.frozen
                    ),
                    runID: job.runID
                )
            }
            try ConversionTable.finish(job.runID, transaction.database)
        }
    }

    private func convert(
        _ candidate: TrainingCompleted.Candidate,
        _ goldenRows: Int
    ) async throws -> ConversionCompleted.Candidate {
        let model = try await fetch(candidate.model)
        let calibration = try await fetch(candidate.calibration).tensor("inputs")
        let result = try await DedicatedThread.run("quantize") {
            try Quantizer.quantize(
                model: model,
                calibration: try calibration.floats,
                rows: calibration.shape.first ?? 0,
                options: QuantizationOptions(goldenRows: max(goldenRows, 1))
            )
        }
        let digest = BlobStore.digest(of: result.container)
        let envelope = try SignedEnvelope.sign(digest: digest, key: key)
        try await member.artifacts.upload(result.container, digest: digest)
        return ConversionCompleted.Candidate(
            name: candidate.name,
            floatModel: candidate.model,
            model: digest,
            envelope: String(decoding: try envelope.json(), as: UTF8.self),
            meanAbsoluteDifference: result.report.meanAbsError,
            maxAbsoluteDifference: result.report.maxAbsError,
            signalToNoiseDB: result.report.signalToNoiseDB,
            containerBytes: result.container.count
        )
    }

    private func fetch(_ digest: String) async throws -> ModelContainer {
        let container = try ModelContainer(parsing: try await member.artifacts.download(digest))
        guard container.digest == digest else {
            throw EventError(.digestMismatch, "artifact \(digest) came with the bytes of \(container.digest)")
        }
        return container
    }
}
