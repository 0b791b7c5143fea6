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
/// `{"outputs": [...], "digest": ..., "node": ...}` or `{"error": {"code": ..., "message": ...}}`. REQ and DEALER both work.
/// The prediction is in the outbox before the answer goes out.
struct LocalDoor: Service {
    /// Requests that are answered together, in one transaction.
    private static let batchMax = 64

    let endpoint: String
    let desk: QuestionDesk
    let logger: Logger

    func run() async throws {
        let requests = BatchChannel<LocalRequest>()
        let (failures, failed) = AsyncStream.makeStream(of: (any Error).self)
        let (endpoint, logger) = (endpoint, logger)
        let reactor = Reactor<LocalReply>("local-door") { _ in
            try LocalDoorBody(endpoint: endpoint, requests: requests, logger: logger)
        } failed: {
            failed.yield($0)
            requests.finish()
        }
        try await cancelWhenGracefulShutdown {
            while true {
                let batch = await requests.next(max: Self.batchMax)
                if batch.isEmpty { break }
                try await answer(batch, reactor)
            }
            if !Task.isCancelled { for await failure in failures { throw failure } }
        }
        reactor.stop()
        reactor.join()
    }

    private struct Failed: Codable {
        struct Failure: Codable {
            var code: ErrorCode
            var message: String
        }

        var error: Failure
    }

    private func answer(_ batch: [LocalRequest], _ reactor: Reactor<LocalReply>) async throws {
        let questions = batch.map { request in
            Result { () throws(EventError) in try EventCoding.decode(InferenceRequest.self, from: request.body) }
        }
        for (request, reply) in zip(batch, try await desk.answer(questions)) {
            let body: [UInt8]?
            switch reply {
            case .success(let answer): body = try? EventCoding.encode(answer)
            case .failure(let error):
                body = try? EventCoding.encode(Failed(error: .init(code: error.code, message: error.message)))
            }
            guard let body else { continue }
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
