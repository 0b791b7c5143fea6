import Bus
import CoreMetrics
import Events
import Logging
import Membership
import Pipelines
import ServiceLifecycle

/// Answers the observations that the work group `infer` gives to this node.
///
/// An observation is done only when the log has its prediction: a node that dies before leaves it to another.
struct ObservationWorker: Service {
    private static let credit = 64

    private let member: Member
    private let shelf: ModelShelf
    private let recorder: PredictionRecorder
    private let loaded: AsyncStream<Void>
    private let answered = Counter(label: "predictions_made_total")
    private let refused = Counter(label: "observations_refused_total")
    private let unanswered = Counter(label: "observations_without_model_total")

    /// - Parameter loaded: Ends when the node has the models that it shall serve.
    init(member: Member, shelf: ModelShelf, recorder: PredictionRecorder, loaded: AsyncStream<Void>) {
        self.loaded = loaded
        self.member = member
        self.shelf = shelf
        self.recorder = recorder
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let filter = try? ObservationRecorded.kind.filter else { return }
            // A node that was restarted takes no observation before it has its models back: it would have to refuse it.
            for await _ in loaded {}
            if Task.isCancelled { return }
            let (id, jobs) = member.bus.join(
                JoinRequest(group: "infer", filters: [filter], start: .head, credit: Self.credit)
            )
            defer { member.bus.leave(id) }
            var reports = ReportLimit()
            while true {
                let batch = await jobs.next(max: Self.credit)
                if batch.isEmpty { return }
                let (predictions, refusals) = answer(batch, &reports)
                if !predictions.isEmpty || !refusals.isEmpty {
                    let number = try await recorder.record(predictions, refusals: refusals)
                    guard await member.relay.waitUntilAcknowledged(number) else { return }
                }
                for job in batch { member.bus.finish(id, job.token) }
            }
        }
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
