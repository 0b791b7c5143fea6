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
    let infer: InferRoute
    let models: ModelsRoute
    let health: Health
    let overview: OverviewRoutes
    let logger: Logger

    /// `GET /readyz`
    struct Readiness: Codable, Sendable, Hashable {
        var ready: Bool
        var reasons: [String]
    }

    /// What is asked for.
    enum Route: Sendable, Hashable {
        case events
        case live
        case ready
        case metrics
        case status
        case artifacts
        case infer(pipeline: String)
        case models(pipeline: String)

        private static let fixed: [String: Route] = [
            "/events": .events, "/livez": .live, "/readyz": .ready, "/metrics": .metrics, "/status": .status,
            "/artifacts": .artifacts,
        ]

        /// Every path, for those who asked for another.
        static let paths = fixed.keys.sorted() + ["/pipelines/<name>/infer", "/pipelines/<name>/models"]

        /// The route of a path; nil when there is none.
        init?(path: String) {
            let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            if let route = Self.fixed[path] {
                self = route
            } else if parts.count == 4, parts[0].isEmpty, parts[1] == "pipelines", Topic.isSegment(parts[2]) {
                switch parts[3] {
                case "infer": self = .infer(pipeline: String(parts[2]))
                case "models": self = .models(pipeline: String(parts[2]))
                default: return nil
                }
            } else {
                return nil
            }
        }

        /// As metrics name it: the same for every pipeline.
        var name: String {
            switch self {
            case .events: "events"
            case .live: "livez"
            case .ready: "readyz"
            case .metrics: "metrics"
            case .status: "status"
            case .artifacts: "artifacts"
            case .infer: "infer"
            case .models: "models"
            }
        }

        var method: HTTPRequest.Method {
            switch self {
            case .events, .artifacts, .infer, .models: .post
            default: .get
            }
        }
    }

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        let path = request.uri.path
        let route = Route(path: path)
        let answer: Answer
        do { answer = try await self.answer(request, route) } catch {
            // The store's failure is the only one that gets here; the inbox ends the program for the same cause.
            logger.error("a request failed", metadata: ["http.path": "\(path)", "error": "\(error)"])
            answer = Answer(Refusal(500, ErrorCode.storage.rawValue, "the gateway's store failed; see its log"))
        }
        let took = ContinuousClock.now - start
        let name = route?.name ?? "none"
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
            let known = Route.paths.joined(separator: ", ")
            return Answer(
                Refusal(404, ErrorCode.notFound.rawValue, "there is no '\(request.uri.path)'; there are \(known)")
            )
        }
        guard request.method == route.method else {
            var answer = Answer(
                Refusal(
                    405,
                    "method-not-allowed",
                    "\(request.uri.path) takes \(route.method), not \(request.method)"
                )
            )
            answer.headers["allow"] = "\(route.method)"
            return answer
        }
        switch route {
        case .events:
            return try await body(of: request) { try await events.post(Self.headers(request), body: $0) }
        case .infer(let pipeline):
            return try await body(of: request) { try await infer.post(pipeline, body: $0) }
        case .artifacts: return try await models.store(length: Self.length(request), body: request.body)
        case .models(let pipeline):
            return try await models.offer(
                pipeline,
                query: request.uri.queryParameters.map { (name: String($0.key), value: String($0.value)) },
                length: Self.length(request),
                body: request.body
            )
        case .live: return try Answer(200, ["live": true])
        case .ready:
            let isReady = health.isReady
            return try Answer(isReady ? 200 : 503, Readiness(ready: isReady, reasons: health.reasons))
        case .metrics: return overview.metrics()
        case .status: return try await overview.status()
        }
    }

    private static func headers(_ request: Request) -> [(name: String, value: String)] {
        request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
    }

    private static func length(_ request: Request) -> Int? { request.headers[.contentLength].flatMap(Int.init) }

    /// Carries out a request that has a body of bounded size.
    private func body(of request: Request, _ use: ([UInt8]) async throws -> Answer) async throws -> Answer {
        let tooLarge = Refusal(
            413,
            ErrorCode.tooLarge.rawValue,
            "the body has more than \(EventBinding.bodyBytesMax) bytes, which is the limit; send smaller batches"
        )
        if let length = Self.length(request), length > EventBinding.bodyBytesMax {
            return Answer(tooLarge)
        }
        let body: ByteBuffer
        do { body = try await request.body.collect(upTo: EventBinding.bodyBytesMax) } catch is NIOTooManyBytesError {
            return Answer(tooLarge)
        } catch {
            return Answer(Refusal(400, ErrorCode.badData.rawValue, "the body ended too early: \(error)"))
        }
        return try await use(Array(body.readableBytesView))
    }
}
