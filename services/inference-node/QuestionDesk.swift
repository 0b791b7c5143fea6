import CoreMetrics
import Events
import Membership
import Storage

/// Answers questions with the champions of the shelf, whichever way they came: over the bus or the local socket.
///
/// Questions that were taken together are recorded in one transaction. The predictions are in the outbox, on disk,
/// before an answer goes out, so whatever an application was told reaches the monitor.
struct QuestionDesk: Sendable {
    private let member: Member
    private let shelf: ModelShelf
    private let recorder: PredictionRecorder
    private let answered = Counter(label: "predictions_made_total")
    private let refused = Counter(label: "questions_refused_total")

    init(member: Member, shelf: ModelShelf, recorder: PredictionRecorder) {
        self.member = member
        self.shelf = shelf
        self.recorder = recorder
    }

    /// What came of a question.
    typealias Reply = Result<InferenceAnswer, EventError>

    /// The answers, not yet recorded, and what is to be recorded.
    struct Sheet {
        var replies: [Reply] = []
        var predictions: [String: [PredictionsMade.Prediction]] = [:]
    }

    /// Answers questions; those that could not be read are refused as they are.
    func sheet(_ questions: [Result<InferenceRequest, EventError>]) -> Sheet {
        var sheet = Sheet()
        for question in questions {
            do throws(EventError) {
                let (pipeline, prediction) = try predict(try question.get())
                sheet.predictions[pipeline, default: []].append(prediction)
                sheet.replies.append(
                    .success(
                        InferenceAnswer(
                            pipeline: pipeline,
                            key: prediction.key,
                            outputs: prediction.outputs,
                            digest: prediction.digest,
                            node: member.identity.instance
                        )
                    )
                )
                answered.increment()
            } catch {
                refused.increment()
                sheet.replies.append(.failure(error))
            }
        }
        return sheet
    }

    /// Answers questions and records what was answered.
    func answer(_ questions: [Result<InferenceRequest, EventError>]) async throws -> [Reply] {
        let sheet = sheet(questions)
        if !sheet.predictions.isEmpty { _ = try await recorder.record(sheet.predictions) }
        return sheet.replies
    }

    private func predict(
        _ question: InferenceRequest
    ) throws(EventError) -> (pipeline: String, PredictionsMade.Prediction) {
        guard let served = shelf.pipeline(question.pipeline) else {
            throw EventError(
                .noModel,
                "no model of pipeline '\(question.pipeline)' on this node; pipelines with a model: "
                    + (shelf.names.isEmpty ? "none" : shelf.names.joined(separator: ", "))
            )
        }
        let now = Member.clock()
        let key = question.key ?? "\(member.identity.instance)-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        return (question.pipeline, try served.predict(key: key, inputs: question.values, at: now))
    }
}
