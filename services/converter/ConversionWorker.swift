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

/// Converts the models of one run, or one model that was offered, after the other.
struct ConversionWorker: Service {
    /// Processes that begin the same offer. A file over which so many ended is refused: it would end the next one too.
    private static let startsMax = 5

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

    /// There may be something to convert.
    func wake() { continuation.yield() }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var begun: String?
            for await _ in wakes {
                do {
                    while !Task.isCancelled, let job = try await member.store.read({ try ConversionTable.next($0) }) {
                        if job.runID != begun {
                            try await member.store.write { try ConversionTable.start(job, $0.database) }
                            begun = job.runID
                        }
                        switch job.work {
                        case .run(let run): try await convert(run, job)
                        case .offer(let offer): try await convert(offer, job)
                        }
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

    // MARK: Runs

    private func convert(_ run: TrainingCompleted, _ job: ConversionTable.Job) async throws {
        let known = try await member.store.read { try PipelineTable.fetch(run.pipeline, $0) }
        let options = QuantizationOptions(known?.pipeline)
        var converted: [ConversionCompleted.Candidate] = []
        var failures: [ConversionFailed] = []
        for candidate in run.candidates {
            do { converted.append(try await convert(candidate, options)) } catch let error as BusError
                where error.isRetriable
            {
                throw error
            } catch {
                failures.append(Self.failure(error, candidate.name, of: run.pipeline))
            }
        }
        let completed = ConversionCompleted(
            pipeline: run.pipeline,
            pipelineVersion: run.pipelineVersion,
            candidates: converted,
            recent: run.recent,
            parity: run.parity,
            frozen: run.frozen
        )
        try await finish(job, failures, converted.isEmpty ? nil : completed)
    }

    private func convert(
        _ candidate: TrainingCompleted.Candidate,
        _ options: QuantizationOptions
    ) async throws -> ConversionCompleted.Candidate {
        let model = try await fetch(candidate.model)
        let calibration = try await fetch(candidate.calibration).tensor("inputs")
        let result = try await DedicatedThread.run("quantize") {
            try Quantizer.quantize(
                model: model,
                calibration: try calibration.floats,
                rows: calibration.shape.first ?? 0,
                options: options
            )
        }
        return try await store(result, name: candidate.name, floatModel: candidate.model)
    }

    // MARK: Offers

    private func convert(_ offer: ModelOffered, _ job: ConversionTable.Job) async throws {
        let (known, run) = try await member.store.read { db in
            (
                try PipelineTable.fetch(offer.pipeline, db),
                try ConversionTable.run(of: offer.pipeline, before: job, db)
            )
        }
        do {
            guard job.starts < Self.startsMax else {
                throw EventError(
                    .failed,
                    "the converter ended \(job.starts) times over \(offer.file); it is not tried again"
                )
            }
            try offer.check()
            guard let known else {
                throw EventError(.unknownPipeline, "pipeline '\(offer.pipeline)' is not registered; push it first")
            }
            try await finish(job, [], try await convert(offer, known, run, job))
        } catch let error as BusError where error.isRetriable {
            throw error
        } catch  where error is BusError || error is EventError {
            let failure = Self.failure(error, offer.name, of: offer.pipeline)
            member.logger.notice(
                "refused an offered model",
                metadata: ["run.id": "\(job.runID)", "reason": "\(failure.message)"]
            )
            try await finish(job, [failure], nil)
        }
    }

    private func convert(
        _ offer: ModelOffered,
        _ known: KnownPipeline,
        _ run: TrainingCompleted?,
        _ job: ConversionTable.Job
    ) async throws -> ConversionCompleted {
        let pipeline = known.pipeline
        let file = try await fetch(offer.model, bytesMax: ModelOffered.fileBytesMax, what: offer.file)
        let given = try await given(offer, pipeline)
        let own = try await own(run, pipeline)
        let context = OfferConversion.Context(
            offer: offer,
            pipeline: pipeline,
            pipelineVersion: known.version,
            runID: job.runID,
            createdBy: member.identity.source
        )
        let (data, done) = try await DedicatedThread.run("offer") {
            let data = try OfferedData(given: given, own: own, pipeline)
            return (data, try OfferConversion(context, file: file, calibration: data.calibration))
        }
        try await member.artifacts.upload(done.floatModel, digest: done.floatDigest)
        let candidate = try await store(done.result, name: offer.name, floatModel: done.floatDigest)
        let completed = ConversionCompleted(
            pipeline: offer.pipeline,
            pipelineVersion: known.version,
            candidates: [candidate],
            recent: try await digest(data.recent),
            parity: try await digest(data.parity),
            frozen: try await digest(data.frozen),
            source: done.source
        )
        member.logger.info(
            "converted an offered model",
            metadata: ["run.id": "\(job.runID)", "notes": "\(done.notes.joined(separator: "; "))"]
        )
        return completed
    }

    /// The rows that came with an offer.
    private func given(_ offer: ModelOffered, _ pipeline: Pipeline) async throws -> OfferedRows? {
        guard let digest = offer.calibration else { return nil }
        let rows = try await fetch(digest, bytesMax: ModelOffered.rowsBytesMax, what: "the calibration rows")
        var labels: [UInt8]?
        if let digest = offer.labels {
            labels = try await fetch(digest, bytesMax: ModelOffered.rowsBytesMax, what: "the labels")
        }
        return try OfferedRows(rows, labels: labels, of: pipeline)
    }

    /// The rows of the pipeline's newest run; nil when there is none, or when the pipeline had other inputs then.
    private func own(_ run: TrainingCompleted?, _ pipeline: Pipeline) async throws -> OfferedData.Own? {
        guard let run, let first = run.candidates.first else { return nil }
        let calibration = try await member.artifacts.download(first.calibration)
        let parity = try await member.artifacts.download(run.parity)
        do throws(EventError) {
            return OfferedData.Own(
                run: run,
                calibration: try OfferedRows(calibration, of: pipeline),
                parity: try OfferedRows(parity, of: pipeline)
            )
        } catch {
            member.logger.notice("the pipeline's own rows do not fit any more", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// The digest of a data set, which is in the registry's store afterwards.
    private func digest(_ set: OfferedData.DataSet) async throws -> String {
        switch set {
        case .stored(let digest): return digest
        case .new(let rows):
            let bytes: [UInt8]
            do { bytes = try rows.container() } catch { throw EventError(.badContainer, "\(error)") }
            let digest = BlobStore.digest(of: bytes)
            try await member.artifacts.upload(bytes, digest: digest)
            return digest
        }
    }

    private func fetch(_ digest: String, bytesMax: Int, what: String) async throws -> [UInt8] {
        let size = try await member.artifacts.size(of: digest)
        guard size <= bytesMax else {
            throw EventError(.tooLarge, "\(what) has \(size) bytes and \(bytesMax) are taken")
        }
        return try await member.artifacts.download(digest)
    }

    // MARK: Both

    /// Signs and stores a converted model.
    private func store(
        _ result: QuantizationResult,
        name: String,
        floatModel: String
    ) async throws -> ConversionCompleted.Candidate {
        let digest = BlobStore.digest(of: result.container)
        let envelope = try SignedEnvelope.sign(digest: digest, key: key)
        try await member.artifacts.upload(result.container, digest: digest)
        return ConversionCompleted.Candidate(
            name: name,
            floatModel: floatModel,
            model: digest,
            envelope: String(decoding: try envelope.json(), as: UTF8.self),
            meanAbsoluteDifference: result.report.meanAbsError,
            maxAbsoluteDifference: result.report.maxAbsError,
            signalToNoiseDB: result.report.signalToNoiseDB,
            containerBytes: result.container.count
        )
    }

    /// Says the outcome and closes the job, in one transaction.
    private func finish(
        _ job: ConversionTable.Job,
        _ failures: [ConversionFailed],
        _ completed: ConversionCompleted?
    ) async throws {
        try await member.store.write { transaction in
            for failure in failures { try transaction.send(failure, runID: job.runID) }
            if let completed { try transaction.send(completed, runID: job.runID) }
            try ConversionTable.finish(job.runID, transaction.database)
        }
    }

    private static func failure(_ error: any Error, _ candidate: String, of pipeline: String) -> ConversionFailed {
        let said =
            (error as? BusError).map { ($0.code, $0.message) } ?? (error as? EventError).map { ($0.code, $0.message) }
        let (code, message) = said ?? (.badContainer, "\(error)")
        return ConversionFailed(pipeline: pipeline, candidate: candidate, code: code, message: message)
    }

    private func fetch(_ digest: String) async throws -> ModelContainer {
        let container = try ModelContainer(parsing: try await member.artifacts.download(digest))
        guard container.digest == digest else {
            throw EventError(.digestMismatch, "artifact \(digest) came with the bytes of \(container.digest)")
        }
        return container
    }
}
