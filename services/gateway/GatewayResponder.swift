import CoreMetrics
import Events
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceKit

/// Finds the route of a request and turns its answer into HTTP.
struct GatewayResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let events: EventsRoute
    let health: Health
    let overview: OverviewRoutes
    let logger: Logger

    /// `GET /readyz`
    struct Readiness: Codable, Sendable, Hashable {
        var ready: Bool
        var reasons: [String]
    }

    private enum Route: String, CaseIterable {
        case events = "/events"
        case live = "/livez"
        case ready = "/readyz"
        case metrics = "/metrics"
        case status = "/status"

        var method: HTTPRequest.Method { self == .events ? .post : .get }
    }

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        let path = request.uri.path
        let route = Route(rawValue: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
        let answer: Answer
        do { answer = try await self.answer(request, route) } catch {
            // The store's failure is the only one that gets here; the inbox ends the program for the same cause.
            logger.error("a request failed", metadata: ["http.path": "\(path)", "error": "\(error)"])
            answer = Answer(Refusal(500, ErrorCode.storage.rawValue, "the gateway's store failed; see its log"))
        }
        let took = ContinuousClock.now - start
        let name = route.map { String($0.rawValue.dropFirst()) } ?? "none"
        let status = ("status", "\(answer.status)")
        Counter(label: "http_requests_total", dimensions: [("route", name), status]).increment()
        Timer(label: "http_request_seconds", dimensions: [("route", name)])
            .recordNanoseconds(Int64(took / .nanoseconds(1)))
        logger.debug(
            "request",
            metadata: [
                "http.method": "\(request.method)", "http.path": "\(path)", "http.status": "\(answer.status)",
                "ms": "\(took / .milliseconds(1))",
            ]
        )
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name) else { continue }
            headers[name] = value
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }

    private func answer(_ request: Request, _ route: Route?) async throws -> Answer {
        guard let route else {
            let known = Route.allCases.map(\.rawValue).joined(separator: ", ")
            return Answer(
                Refusal(404, ErrorCode.notFound.rawValue, "there is no '\(request.uri.path)'; there are \(known)")
            )
        }
        guard request.method == route.method else {
            var answer = Answer(
                Refusal(
                    405,
                    "method-not-allowed",
                    "\(route.rawValue) takes \(route.method), not \(request.method)"
                )
            )
            answer.headers["allow"] = "\(route.method)"
            return answer
        }
        switch route {
        case .events: return try await post(request)
        case .live: return try Answer(200, ["live": true])
        case .ready:
            let isReady = health.isReady
            return try Answer(isReady ? 200 : 503, Readiness(ready: isReady, reasons: health.reasons))
        case .metrics: return overview.metrics()
        case .status: return try await overview.status()
        }
    }

    private func post(_ request: Request) async throws -> Answer {
        let tooLarge = Refusal(
            413,
            ErrorCode.tooLarge.rawValue,
            "the body has more than \(EventBinding.bodyBytesMax) bytes, which is the limit; send smaller batches"
        )
        if let length = request.headers[.contentLength].flatMap(Int.init), length > EventBinding.bodyBytesMax {
            return Answer(tooLarge)
        }
        let body: ByteBuffer
        do { body = try await request.body.collect(upTo: EventBinding.bodyBytesMax) } catch is NIOTooManyBytesError {
            return Answer(tooLarge)
        } catch {
            return Answer(Refusal(400, ErrorCode.badData.rawValue, "the body ended too early: \(error)"))
        }
        let headers = request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
        return try await events.post(headers, body: Array(body.readableBytesView))
    }
}
