import Bus
import CoreMetrics
import Events
import Logging
import Membership
import Pipelines
import ServiceLifecycle

/// Answers what the work group `infer` gives to this node: observations, and requests of those who wait for an answer.
///
/// An observation is done only when the log has its prediction: a node that dies before leaves it to another. A request
/// is answered as soon as its prediction is in this node's outbox, so it does not wait for the log.
struct InferenceWorker: Service {
    private static let credit = 64
    /// Requests in one JOB, when more wait than all nodes have credit.
    private static let batch = 15

    private let member: Member
    private let shelf: ModelShelf
    private let desk: QuestionDesk
    private let recorder: PredictionRecorder
    private let loaded: AsyncStream<Void>
    private let answered = Counter(label: "predictions_made_total")
    private let refused = Counter(label: "observations_refused_total")
    private let unanswered = Counter(label: "observations_without_model_total")

    /// - Parameter loaded: Ends when the node has the models that it shall serve.
    init(
        member: Member,
        shelf: ModelShelf,
        desk: QuestionDesk,
        recorder: PredictionRecorder,
        loaded: AsyncStream<Void>
    ) {
        self.loaded = loaded
        self.member = member
        self.shelf = shelf
        self.desk = desk
        self.recorder = recorder
    }

    /// Observations that were answered and whose predictions are on their way to the log.
    private struct Sent: Sendable {
        var tokens: [LeaseToken]
        /// The last prediction's number in the outbox.
        var number: UInt64
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let observations = try? ObservationRecorded.kind.filter,
                let requests = try? InferenceRequest.kind.filter
            else { return }
            // A node that was restarted takes nothing before it has its models back: it would have to refuse it.
            for await _ in loaded {}
            if Task.isCancelled { return }
            let (id, jobs) = member.bus.join(
                JoinRequest(
                    group: "infer",
                    filters: [observations, requests],
                    start: .head,
                    credit: Self.credit,
                    batch: Self.batch
                )
            )
            defer { member.bus.leave(id) }
            // Holds no more than the credit.
            let sent = BatchChannel<Sent>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await finish(sent, of: id) }
                defer { group.cancelAll() }
                defer { sent.finish() }
                var reports = ReportLimit()
                while true {
                    let batch = await jobs.next(max: Self.credit)
                    if batch.isEmpty { return }
                    try await work(batch, of: id, &reports, sent)
                }
            }
        }
    }

    /// Ends observations when the log has their predictions.
    private func finish(_ sent: BatchChannel<Sent>, of id: UInt64) async {
        while true {
            let batch = await sent.next(max: Self.credit)
            guard let last = batch.last else { return }
            guard await member.relay.waitUntilAcknowledged(last.number) else { return }
            for token in batch.flatMap(\.tokens) { member.bus.finish(id, token) }
        }
    }

    private func work(
        _ batch: [BusClient.Job],
        of id: UInt64,
        _ reports: inout ReportLimit,
        _ sent: BatchChannel<Sent>
    ) async throws {
        let requests = batch.filter(\.isRequest)
        let observations = batch.filter { !$0.isRequest }
        let sheet = desk.sheet(
            requests.flatMap(\.records).map { record in
                Result { () throws(EventError) in try record.event().decode(InferenceRequest.self) }
            }
        )
        let (predictions, refusals) = answer(observations, &reports)
        // One transaction for everything that came together.
        let all = predictions.merging(sheet.predictions) { $0 + $1 }
        let number =
            all.isEmpty && refusals.isEmpty ? nil : try await recorder.record(all, refusals: refusals)
        var replies = sheet.replies[...]
        for job in requests {
            reply(id, job, Array(replies.prefix(job.records.count)))
            replies = replies.dropFirst(job.records.count)
        }
        guard !observations.isEmpty else { return }
        let tokens = observations.map(\.token)
        guard let number, !predictions.isEmpty || !refusals.isEmpty else {
            for token in tokens { member.bus.finish(id, token) }
            return
        }
        sent.send(Sent(tokens: tokens, number: number))
    }

    private func reply(_ id: UInt64, _ job: BusClient.Job, _ replies: [QuestionDesk.Reply]) {
        member.bus.finish(
            id,
            job.token,
            results: replies.map { reply in
                do throws(EventError) { return .answer(try EventCoding.encode(try reply.get())) } catch {
                    // Another node may have the model that this one lacks.
                    let isElsewhere = error.code == .noModel
                    return .refusal(Refusal(error.code, error.message, retryAfterMs: isElsewhere ? 0 : nil))
                }
            }
        )
    }

    private func answer(
        _ batch: [BusClient.Job],
        _ reports: inout ReportLimit
    ) -> ([String: [PredictionsMade.Prediction]], [EventRefused]) {
        var predictions: [String: [PredictionsMade.Prediction]] = [:]
        var refusals: [EventRefused] = []
        for job in batch {
            let event = try? job.record.event()
            do throws(EventError) {
                guard let event else { throw EventError(.badData, "the record holds no CloudEvent") }
                let observation = try event.decode(ObservationRecorded.self)
                let served = shelf.pipelines(observing: observation.stream)
                if served.isEmpty {
                    unanswered.increment()
                    throw EventError(
                        .noModel,
                        "no model serves stream '\(observation.stream)' on this node; pipelines with a model: "
                            + (shelf.names.isEmpty ? "none" : shelf.names.joined(separator: ", "))
                    )
                }
                for one in served {
                    let prediction = try one.predict(
                        key: observation.key,
                        inputs: observation.values,
                        at: Member.clock()
                    )
                    predictions[one.pipeline.name, default: []].append(prediction)
                    answered.increment()
                }
            } catch {
                refused.increment()
                guard error.code != .noModel || reports.mayReport(event?.subject ?? "") else { continue }
                refusals.append(
                    EventRefused(
                        service: "inference-node",
                        sequence: job.record.sequence,
                        type: event?.type,
                        source: event?.source,
                        id: event?.id,
                        code: error.code,
                        message: error.message
                    )
                )
            }
        }
        return (predictions, refusals)
    }
}

/// Streams without a model are reported once in a while, not once per observation.
private struct ReportLimit {
    private static let pause: Duration = .seconds(5)
    private var lastReport: [String: ContinuousClock.Instant] = [:]

    mutating func mayReport(_ stream: String) -> Bool {
        let now = ContinuousClock.now
        if let last = lastReport[stream], now - last < Self.pause { return false }
        lastReport[stream] = now
        return true
    }
}
