import Bus
import Events
import Logging
import Membership
import ServiceLifecycle
import Storage
import ZeroMQ

/// Answers applications on the same device over `ipc://`, whether or not the bus is there.
///
/// A request is one frame of JSON, `{"pipeline": ..., "inputs": {...}, "key": ...}`; the answer is one frame,
/// `{"outputs": [...], "digest": ...}` or `{"error": {"code": ..., "message": ...}}`. REQ and DEALER both work.
/// The prediction is in the outbox before the answer goes out.
struct LocalDoor: Service {
    /// Requests that are answered together, in one transaction.
    private static let batchMax = 64

    let endpoint: String
    let member: Member
    let shelf: ModelShelf
    let recorder: PredictionRecorder

    func run() async throws {
        let requests = BatchChannel<LocalRequest>()
        let (failures, failed) = AsyncStream.makeStream(of: (any Error).self)
        let (endpoint, logger) = (endpoint, member.logger)
        let reactor = Reactor<LocalReply>("local-door") { _ in
            try LocalDoorBody(endpoint: endpoint, requests: requests, logger: logger)
        } failed: {
            failed.yield($0)
            requests.finish()
        }
        try await cancelWhenGracefulShutdown {
            var count = 0
            while true {
                let batch = await requests.next(max: Self.batchMax)
                if batch.isEmpty { break }
                try await answer(batch, &count, reactor)
            }
            if !Task.isCancelled { for await failure in failures { throw failure } }
        }
        reactor.stop()
        reactor.join()
    }

    private struct Question: Codable {
        var pipeline: String
        var key: String?
        var inputs: [String: FeatureValue]
    }

    private struct Answer: Codable {
        struct Failure: Codable {
            var code: ErrorCode
            var message: String
        }

        var pipeline: String?
        var key: String?
        var outputs: [Float]?
        var digest: String?
        var error: Failure?
    }

    private func answer(
        _ batch: [LocalRequest],
        _ count: inout Int,
        _ reactor: Reactor<LocalReply>
    ) async throws {
        var predictions: [String: [PredictionsMade.Prediction]] = [:]
        var replies: [(LocalRequest, Answer)] = []
        for request in batch {
            do throws(EventError) {
                let question = try EventCoding.decode(Question.self, from: request.body)
                guard let served = shelf.pipeline(question.pipeline) else {
                    throw EventError(
                        .noModel,
                        "no model of pipeline '\(question.pipeline)' on this node; pipelines with a model: "
                            + (shelf.names.isEmpty ? "none" : shelf.names.joined(separator: ", "))
                    )
                }
                count += 1
                let key = question.key ?? "local-\(member.identity.instance)-\(Member.clock().microseconds)-\(count)"
                let prediction = try served.predict(
                    key: key,
                    inputs: question.inputs.mapValues(\.elements),
                    at: Member.clock()
                )
                predictions[question.pipeline, default: []].append(prediction)
                replies.append(
                    (
                        request,
                        Answer(
                            pipeline: question.pipeline,
                            key: key,
                            outputs: prediction.outputs,
                            digest: prediction.digest
                        )
                    )
                )
            } catch {
                replies.append((request, Answer(error: .init(code: error.code, message: error.message))))
            }
        }
        if !predictions.isEmpty { _ = try await recorder.record(predictions) }
        for (request, answer) in replies {
            guard let body = try? EventCoding.encode(answer) else { continue }
            reactor.post(LocalReply(frames: request.envelope + [body]))
        }
    }
}

private struct LocalRequest: Sendable {
    /// Routing id and, for REQ, the empty frame.
    let envelope: Frames
    let body: [UInt8]
}

private struct LocalReply: Sendable {
    let frames: Frames
}

private final class LocalDoorBody: ReactorBody {
    private let context: Context
    private let router: Socket
    private let requests: BatchChannel<LocalRequest>
    private let logger: Logger

    init(endpoint: String, requests: BatchChannel<LocalRequest>, logger: Logger) throws {
        context = try Context()
        router = try Socket(context, .router)
        try router.bind(endpoint)
        self.requests = requests
        self.logger = logger
    }

    func prepare(_ set: inout PollSet) { set.add(router) }

    func handle(_ command: LocalReply) {
        do { _ = try router.send(command.frames) } catch {
            logger.warning("cannot answer an application", metadata: ["error": "\(error)"])
        }
    }

    func turn() -> Duration {
        for _ in 0..<256 {
            guard let reception = try? router.receive(), case .message(let frames) = reception, let body = frames.last,
                frames.count >= 2
            else { break }
            requests.send(LocalRequest(envelope: Array(frames.dropLast()), body: body))
        }
        return .seconds(1)
    }

    func close(undelivered: [LocalReply]) {
        for reply in undelivered { _ = try? router.send(reply.frames) }
        router.setLinger(milliseconds: 500)
        requests.finish()
    }
}
